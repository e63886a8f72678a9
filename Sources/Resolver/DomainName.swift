// DomainName: a name of the DNS, checked, as text and as it is on the wire.
// RFC 1035, sections 2.3.4 and 3.1.
// SPDX-License-Identifier: MIT

public import MailModel

/// Labels of 1 to 63 bytes, at most 255 bytes on the wire. ASCII case is kept and does not count.
///
/// A label may hold any byte but a dot: policy records and hostile clients name such things.
/// Whether a name is fit for a host is not asked here.
public struct DomainName: Hashable, Sendable, CustomStringConvertible {
    /// The longest label, in bytes.
    public static let maximumLabel = 63
    /// The longest name in wire form, in bytes, its final zero included.
    public static let maximumWire = 255

    /// The name without a final dot; `.` for the root.
    public let bytes: [UInt8]

    /// The root, which is nobody's host: the exchange of a null MX (RFC 7505).
    public static let root = DomainName(checked: [0x2E])

    private init(checked bytes: [UInt8]) { self.bytes = bytes }

    /// Takes `example.test` or `example.test.`; nil when it is empty or a label is empty or too
    /// long, or the whole is. `.` is the root.
    public init?(_ text: some Collection<UInt8>) {
        var bytes = Array(text)
        guard bytes != DomainName.root.bytes else {
            self = .root
            return
        }
        if bytes.last == 0x2E { bytes.removeLast() }
        guard !bytes.isEmpty, bytes.count + 2 <= DomainName.maximumWire else { return nil }
        let labels = bytes.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard labels.allSatisfy({ (1...DomainName.maximumLabel).contains($0.count) }) else {
            return nil
        }
        self.bytes = bytes
    }

    /// Reads the wire form, uncompressed and whole; nil when it is not that, or when a label
    /// holds a dot, which as text would be another name.
    public init?(wire: some Collection<UInt8>) {
        var rest = Array(wire)[...]
        var text: [UInt8] = []
        guard rest.last == 0 else { return nil }
        while let length = rest.popFirst(), length > 0 {
            guard Int(length) <= min(DomainName.maximumLabel, rest.count) else { return nil }
            let label = rest.prefix(Int(length))
            guard !label.contains(0x2E) else { return nil }
            if !text.isEmpty { text.append(0x2E) }
            text += label
            rest = rest.dropFirst(Int(length))
        }
        guard rest.isEmpty else { return nil }
        self.init(text.isEmpty ? [0x2E] : text)
    }

    /// True for the root.
    public var isRoot: Bool { bytes == [0x2E] }

    /// The labels, the leftmost first; none for the root.
    public var labels: [ArraySlice<UInt8>] { bytes.split(separator: 0x2E) }

    /// The wire form, uncompressed.
    public var wire: [UInt8] {
        labels.flatMap { [UInt8(truncatingIfNeeded: $0.count)] + $0 } + [0]
    }

    /// The name for a log line.
    public var description: String { bytes.printable }

    /// Compares without regard to ASCII case.
    public static func == (one: DomainName, other: DomainName) -> Bool {
        one.bytes.equalsIgnoringASCIICase(other.bytes)
    }

    /// Hashes the name with ASCII capitals folded.
    public func hash(into hasher: inout Hasher) { hasher.combine(bytes.asciiLowercased) }

    /// The name under which the DNS keeps the names of an address: `4.3.2.1.in-addr.arpa`
    /// (RFC 1035, section 3.5) or nibbles under `ip6.arpa` (RFC 3596, section 2.5).
    public static func reverse(of address: IPAddress) -> DomainName {
        let digits = Array("0123456789abcdef".utf8)
        var text: [UInt8] = []
        for byte in address.bytes.reversed() {
            if address.isVersion4 {
                text += "\(byte).".utf8
            } else {
                text += [digits[Int(byte & 15)], 0x2E, digits[Int(byte >> 4)], 0x2E]
            }
        }
        text += (address.isVersion4 ? "in-addr.arpa" : "ip6.arpa").utf8
        return DomainName(checked: text)
    }
}
