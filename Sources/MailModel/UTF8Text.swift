// UTF8Text: which bytes are UTF-8, to the letter.
// RFC 3629, section 4 (UTF8-2, UTF8-3, UTF8-4), as RFC 6531 and 6532 refer to it.
// SPDX-License-Identifier: MIT

/// UTF-8 that comes from outside.
public enum UTF8Text {
    /// The character that begins here, and how many bytes it has: 1 for ASCII; nil when there is
    /// no whole character of RFC 3629, so for overlong forms, surrogates and what is beyond U+10FFFF.
    @inlinable
    public static func character(
        _ bytes: some Collection<UInt8>
    ) -> (scalar: UInt32, length: Int)? {
        var iterator = bytes.makeIterator()
        guard let first = iterator.next() else { return nil }
        let (count, second): (Int, ClosedRange<UInt8>)
        switch first {
        case 0...0x7F: return (UInt32(first), 1)
        case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (count, second) = (3, 0x80...0xBF)
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: return nil
        }
        guard let next = iterator.next(), second.contains(next) else { return nil }
        var scalar = UInt32(first & (0x7F >> UInt8(count))) << 6 | UInt32(next & 0x3F)
        for _ in 2..<max(count, 2) {
            guard let next = iterator.next(), (0x80...0xBF).contains(next) else { return nil }
            scalar = scalar << 6 | UInt32(next & 0x3F)
        }
        return (scalar, count)
    }

    /// True when the bytes are UTF-8 from beginning to end.
    @inlinable
    public static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            guard let character = character(rest) else { return false }
            rest = rest.dropFirst(character.length)
        }
        return true
    }
}
