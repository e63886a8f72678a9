// QmailReceived: the trace field that qmail-smtpd writes.
// Source: notqmail received.c.
// SPDX-License-Identifier: MIT

/// What qmail-smtpd writes: `from NAME (HELO HELO) (INFO@ADDRESS) by ...`. It leaves the HELO part
/// out when it is the client's name. Source: notqmail received.c.
public struct QmailReceived: Hashable, Sendable {
    /// The HELO name.
    public let helo: [UInt8]
    /// The client's address.
    public let address: IPAddress

    /// Reads the value of a Received field; nil for any other form.
    public init?(_ value: [UInt8]) {
        var words = value.split(whereSeparator: \.isBlank)[...]
        guard words.popFirst()?.elementsEqual("from".utf8) == true, var name = words.popFirst()
        else { return nil }
        if words.first?.elementsEqual("(HELO".utf8) == true {
            words.removeFirst()
            guard let helo = words.popFirst(), helo.last == 0x29 else { return nil }
            name = helo.dropLast()
        }
        guard let origin = words.first, origin.first == 0x28, origin.last == 0x29,
            origin.count > 2
        else { return nil }
        let inner = origin.dropFirst().dropLast()
        let start = inner.lastIndex(of: 0x40).map { $0 + 1 } ?? inner.startIndex
        guard let address = IPAddress(inner[start...]) else { return nil }
        helo = Array(name)
        self.address = address
    }

    /// Reads the topmost Received field of a header; nil when there is none or it is of another
    /// form.
    public init?(topmostOf message: [UInt8]) {
        let name = Array("received:".utf8)
        var value: [UInt8]?
        for line in message.split(separator: 0x0A, omittingEmptySubsequences: false) {
            guard let first = line.first else { break }
            if value != nil, !first.isBlank { break }
            if value != nil {
                value? += line
            } else if line.prefix(name.count).equalsIgnoringASCIICase(name) {
                value = Array(line.dropFirst(name.count))
            }
        }
        guard let value else { return nil }
        self.init(value)
    }
}
