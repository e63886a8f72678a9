// Facts+Received: the one fact that a message itself may give away.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension Facts {
    /// Takes the HELO name from the topmost Received field, and only when that field's address
    /// is the client's: notqmail hands over no HELO otherwise. No other fact comes from a
    /// message, since anybody may have written it.
    mutating func addHelo(from message: MessageView) throws(FilterError) {
        guard self[.helo] == nil, let client = clientIP, !message.isEmpty else { return }
        let header = try message.header(limit: 16_384)
        guard let received = header.fields.first(where: { $0.isNamed("Received") }),
            let trace = QmailReceived(received.value), trace.address == client
        else { return }
        self[.helo] = trace.helo
    }
}

/// What qmail-smtpd writes: `from NAME (HELO HELO) (INFO@ADDRESS) by ...`. It leaves the HELO part
/// out when it is the client's name. Source: notqmail received.c.
struct QmailReceived {
    let helo: [UInt8]
    let address: IPAddress

    /// Reads the value of a Received field; nil for any other form.
    init?(_ value: [UInt8]) {
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
}
