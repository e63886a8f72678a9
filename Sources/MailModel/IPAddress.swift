// IPAddress, Network: addresses of clients, and the networks they are in.
// RFC 4291, section 2.2, and RFC 5952 for the printed form.
// SPDX-License-Identifier: MIT

/// An IPv4 or IPv6 address. An IPv4-mapped IPv6 address (`::ffff:a.b.c.d`) is `a.b.c.d`.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16 bytes in network order.
    public let bytes: [UInt8]

    /// Takes 4 or 16 bytes in network order; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        let all = Array(bytes)
        let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        let isMapped = all.count == 16 && all.starts(with: mappedPrefix)
        self.bytes = isMapped ? Array(all[12...]) : all
    }

    /// Reads `192.0.2.1` or any text form of RFC 4291; nil for anything else, zones included.
    public init?(_ text: some Collection<UInt8>) {
        let text = Array(text)
        guard text.count <= 45 else { return nil }
        if text.contains(0x3A) {
            guard let bytes = IPAddress.version6(text) else { return nil }
            self.init(bytes: bytes)
        } else {
            guard let bytes = IPAddress.version4(text[...]) else { return nil }
            self.init(bytes: bytes)
        }
    }

    /// Reads an address from text.
    public init?(_ text: String) { self.init(Array(text.utf8)) }

    /// True for an address of four bytes.
    public var isVersion4: Bool { bytes.count == 4 }

    /// True for 127.0.0.0/8 and ::1.
    public var isLoopback: Bool {
        isVersion4 ? bytes[0] == 127 : bytes.dropLast().allSatisfy { $0 == 0 } && bytes[15] == 1
    }

    /// Dotted decimal, or the canonical form of RFC 5952.
    public var description: String {
        guard !isVersion4 else { return bytes.map(String.init).joined(separator: ".") }
        let groups = stride(from: 0, to: 16, by: 2).map {
            UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1])
        }
        let run = IPAddress.longestZeroRun(groups)
        let hex: (ArraySlice<UInt16>) -> String = {
            $0.map { String($0, radix: 16) }.joined(separator: ":")
        }
        guard run.count > 1 else { return hex(groups[...]) }
        return hex(groups[..<run.lowerBound]) + "::" + hex(groups[run.upperBound...])
    }

    /// The address as RFC 5321, section 4.1.3, writes it between brackets.
    public var literal: String { isVersion4 ? "[\(self)]" : "[IPv6:\(self)]" }

    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
        var best = 0..<0
        var start = 0
        for (index, group) in groups.enumerated() {
            if group != 0 { start = index + 1 }
            if index + 1 - start > best.count { best = start..<(index + 1) }
        }
        return best
    }

    private static func version4(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let parts = text.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var bytes: [UInt8] = []
        for part in parts {
            guard part.count <= 3, let value = part.decimalValue, value <= 255,
                part.count == 1 || part.first != 0x30
            else { return nil }
            bytes.append(UInt8(value))
        }
        return bytes
    }

    private static func version6(_ text: [UInt8]) -> [UInt8]? {
        let gap = (0..<max(0, text.count - 1)).first { text[$0] == 0x3A && text[$0 + 1] == 0x3A }
        guard let gap else {
            guard let bytes = groups(text[...]), bytes.count == 16 else { return nil }
            return bytes
        }
        guard let head = groups(text[..<gap], mayEndDotted: false),
            let tail = groups(text[(gap + 2)...]),
            head.count + tail.count <= 14
        else { return nil }
        return head + [UInt8](repeating: 0, count: 16 - head.count - tail.count) + tail
    }

    /// Groups of one to four hexadecimal digits; the last may be dotted decimal.
    private static func groups(
        _ text: ArraySlice<UInt8>, mayEndDotted: Bool = true
    ) -> [UInt8]? {
        guard !text.isEmpty else { return [] }
        var bytes: [UInt8] = []
        let parts = text.split(separator: 0x3A, omittingEmptySubsequences: false)
        for (index, part) in parts.enumerated() {
            if mayEndDotted, index == parts.count - 1, part.contains(0x2E) {
                guard let tail = version4(part) else { return nil }
                return bytes + tail
            }
            guard (1...4).contains(part.count), part.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
                let value = UInt16(String(decoding: part, as: UTF8.self), radix: 16)
            else { return nil }
            bytes += [UInt8(value >> 8), UInt8(value & 0xFF)]
        }
        return bytes
    }
}

/// An address and a prefix length: `192.0.2.0/24`, `2001:db8::/32`, or one address alone.
public struct Network: Hashable, Sendable, CustomStringConvertible {
    /// The address with the bits after the prefix cleared.
    public let address: IPAddress
    /// Bits that count: 0 to 32 or 0 to 128.
    public let prefixLength: Int

    /// The network of this prefix length that an address is in; nil when the length exceeds the
    /// address's.
    public init?(_ address: IPAddress, prefixLength: Int) {
        guard (0...(address.bytes.count * 8)).contains(prefixLength) else { return nil }
        let masked = address.bytes.enumerated().map { index, byte -> UInt8 in
            let kept = min(8, max(0, prefixLength - index * 8))
            return kept == 0 ? 0 : byte & ~UInt8(truncatingIfNeeded: 0xFF >> kept)
        }
        guard
            masked.count == 4 || !masked.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]),
            let network = IPAddress(bytes: masked)
        else { return nil }
        self.address = network
        self.prefixLength = prefixLength
    }

    /// Reads `address` or `address/length`; nil for anything else.
    public init?(_ text: some Collection<UInt8>) {
        let parts = text.split(separator: 0x2F, maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else { return nil }
        guard parts.count == 2 else {
            self.init(address, prefixLength: address.bytes.count * 8)
            return
        }
        guard let length = parts[1].decimalValue else { return nil }
        self.init(address, prefixLength: length)
    }

    /// True when the address is of this family and its prefix is the network's.
    public func contains(_ other: IPAddress) -> Bool {
        Network(other, prefixLength: prefixLength) == self
    }

    /// `address/length`.
    public var description: String { "\(address)/\(prefixLength)" }
}
