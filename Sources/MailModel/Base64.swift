// Base64: bytes as text, for AUTH, verifiers and what else puts bytes into lines.
// RFC 4648, section 4.
// SPDX-License-Identifier: MIT

/// Text of 64 letters, with padding and without line ends. Nothing else is read, so that two texts
/// are never the same bytes.
public enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The text of bytes.
    public static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var word = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            word <<= UInt32(3 - group.count) * 8
            for place in 0..<4 {
                let digit = Int(word >> UInt32(18 - 6 * place) & 0x3F)
                text.append(place <= group.count ? alphabet[digit] : 0x3D)
            }
        }
        return text
    }

    /// The bytes of a text; nil for anything that `encode` does not give: other characters, blanks,
    /// padding that is missing or too much, bits that are left over.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        let count = text.count
        guard count % 4 == 0 else { return nil }
        let padding = text.suffix(2).reduce(0) { $1 == 0x3D ? $0 + 1 : 0 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count / 4 * 3)
        var word: UInt32 = 0
        var bits = 0
        for character in text.dropLast(padding) {
            guard let digit = digit(character) else { return nil }
            word = word << 6 | UInt32(digit)
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            word &= (1 << UInt32(bits)) - 1
        }
        return word == 0 ? bytes : nil
    }

    private static func digit(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x41...0x5A: character - 0x41
        case 0x61...0x7A: character - 0x61 + 26
        case 0x30...0x39: character - 0x30 + 52
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }
}
