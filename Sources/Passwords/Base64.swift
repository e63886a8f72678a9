// Base64: bytes as text.
// RFC 4648, section 4.
// SPDX-License-Identifier: MIT

/// The base64 of RFC 4648, section 4, with padding.
public enum Base64 {
    private static let alphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The text of bytes.
    public static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let piece = bytes[start..<min(start + 3, bytes.count)]
            var value = 0
            for byte in piece { value = value << 8 | Int(byte) }
            value <<= (3 - piece.count) * 8
            for place in 0..<4 {
                text.append(
                    place <= piece.count ? alphabet[value >> (18 - place * 6) & 63] : 0x3D)
            }
        }
        return text
    }

    /// The bytes of a text; nil for anything that `encode` does not give.
    public static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let padding = text.suffix(2).count { $0 == 0x3D }
        var bytes: [UInt8] = []
        var value = 0
        var bits = 0
        for byte in text.dropLast(padding) {
            guard let digit = digit(byte) else { return nil }
            value = value << 6 | digit
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            bytes.append(UInt8(value >> bits))
            value &= 1 << bits - 1
        }
        // What is left over of the last digit must be nothing.
        return value == 0 && text.suffix(padding).allSatisfy { $0 == 0x3D } ? bytes : nil
    }

    private static func digit(_ byte: UInt8) -> Int? {
        switch byte {
        case 0x41...0x5A: Int(byte) - 0x41
        case 0x61...0x7A: Int(byte) - 0x61 + 26
        case 0x30...0x39: Int(byte) - 0x30 + 52
        case 0x2B: 62
        case 0x2F: 63
        default: nil
        }
    }
}
