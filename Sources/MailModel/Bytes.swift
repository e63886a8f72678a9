// Bytes: what every module does with bytes that are text - folding, decimals, printing.
// Inlinable, so that callers get code for their own collections and none made at run time.
// SPDX-License-Identifier: MIT

extension UInt8 {
    /// The byte with ASCII capitals folded to small letters; every other byte is itself.
    @inlinable
    public var asciiLowercased: UInt8 { self >= 0x41 && self <= 0x5A ? self | 0x20 : self }

    /// True for `0` to `9`.
    @inlinable
    public var isASCIIDigit: Bool { self >= 0x30 && self <= 0x39 }

    /// True for the letters of ASCII.
    @inlinable
    public var isASCIILetter: Bool { asciiLowercased >= 0x61 && asciiLowercased <= 0x7A }

    /// True for space and horizontal tab (WSP of RFC 5234, appendix B.1).
    @inlinable
    public var isBlank: Bool { self == 0x20 || self == 0x09 }

    /// True for the octets 0 to 31 and 127.
    @inlinable
    public var isControl: Bool { self < 0x20 || self == 0x7F }
}

extension Collection where Element == UInt8 {
    /// A copy with ASCII capitals folded.
    @inlinable
    public var asciiLowercased: [UInt8] { map(\.asciiLowercased) }

    /// Compares without regard to ASCII case.
    @inlinable
    public func equalsIgnoringASCIICase(_ other: some Collection<UInt8>) -> Bool {
        count == other.count
            && zip(self, other).allSatisfy { $0.asciiLowercased == $1.asciiLowercased }
    }

    /// The bytes as text for logs and replies: invalid UTF-8 becomes U+FFFD and control
    /// characters become `?`.
    @inlinable
    public var printable: String {
        String(decoding: map { $0.isControl ? 0x3F : $0 }, as: UTF8.self)
    }

    /// The value of these decimal digits; nil when empty, when anything but digits is there, or
    /// when it exceeds `Int.max`.
    @inlinable
    public var decimalValue: Int? {
        guard !isEmpty else { return nil }
        var value = 0
        for byte in self {
            guard byte.isASCIIDigit else { return nil }
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(byte - 0x30))
            guard !overflow, !carry else { return nil }
            value = sum
        }
        return value
    }
}

extension BidirectionalCollection where Element == UInt8 {
    /// The part without blanks and line ends at either end.
    @inlinable
    public var trimmed: SubSequence {
        let isEdge: (UInt8) -> Bool = { $0.isBlank || $0 == 0x0A || $0 == 0x0D }
        guard let first = firstIndex(where: { !isEdge($0) }),
            let last = lastIndex(where: { !isEdge($0) })
        else { return self[endIndex..<endIndex] }
        return self[first...last]
    }
}
