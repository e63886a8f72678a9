// Samples: what messages of the set are made of.
// RFC 2045, RFC 2046, RFC 4648; APPNOTE.TXT (zip).
// SPDX-License-Identifier: MIT

import MailModel

/// Makes parts of messages.
enum Samples {
    /// The EICAR test file, in two pieces so that no scanner minds this source.
    static let eicar = Array(
        (#"X5O!P%@AP[4\PZX54(P^)7CC)7}$"# + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").utf8)

    /// The same in hexadecimal digits, for a signature.
    static let eicarHex = eicar.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0\(digits)" : digits
    }.joined()

    /// A zip archive with one file, stored.
    static func zip(_ file: [UInt8], named name: String, isEncrypted: Bool = false) -> [UInt8] {
        let flags: UInt16 = isEncrypted ? 1 : 0
        // What is encrypted has 12 bytes in front of it.
        let data =
            isEncrypted
            ? (0..<12).map { UInt8(truncatingIfNeeded: $0 * 37) } + file.reversed() : file
        var common = little(flags) + little(0) + wide(0x5D77_B4D4)
        common += wide(checksum(file)) + wide(UInt32(data.count)) + wide(UInt32(file.count))
        common += little(UInt16(name.utf8.count)) + little(0)
        let local: [UInt8] = [0x50, 0x4B, 3, 4] + little(10) + common + Array(name.utf8)
        var central: [UInt8] = [0x50, 0x4B, 1, 2] + little(10) + little(10) + common
        central += little(0) + little(0) + little(0) + wide(0) + wide(0)
        central += Array(name.utf8)
        var end: [UInt8] = [0x50, 0x4B, 5, 6] + little(0) + little(0) + little(1) + little(1)
        end += wide(UInt32(central.count)) + wide(UInt32(local.count + data.count)) + little(0)
        return local + data + central + end
    }

    /// Base64 in lines of 76 characters.
    static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        var text = ""
        var column = 0
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            let bits = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
            for place in 0..<4 {
                text.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : "=")
            }
            column += 4
            if column == 76 { (text, column) = (text + "\n", 0) }
        }
        return column == 0 ? text : text + "\n"
    }

    /// Header fields of a part or message in base64, the empty line, and the text.
    static func encoded(_ bytes: [UInt8], type: String = "text/plain; charset=utf-8") -> String {
        "Content-Type: \(type)\nContent-Transfer-Encoding: base64\n\n\(base64(bytes))"
    }

    /// An attachment.
    static func attachment(_ file: [UInt8], named name: String) -> String {
        "Content-Disposition: attachment; filename=\"\(name)\"\n"
            + encoded(file, type: "application/octet-stream")
    }

    /// The fields and the body of a multipart of these parts, after whatever other fields.
    static func multipart(_ parts: [String], kind: String = "mixed", boundary: String = "b1")
        -> String
    {
        "Content-Type: multipart/\(kind); boundary=\"\(boundary)\"\n\n"
            + parts.map { "--\(boundary)\n\($0)\n" }.joined() + "--\(boundary)--\n"
    }

    /// The text part that others stand beside.
    static let text = "Content-Type: text/plain\n\nSee what is attached.\n"

    private static func little(_ number: UInt16) -> [UInt8] {
        [UInt8(truncatingIfNeeded: number), UInt8(truncatingIfNeeded: number >> 8)]
    }

    private static func wide(_ number: UInt32) -> [UInt8] {
        little(UInt16(truncatingIfNeeded: number))
            + little(UInt16(truncatingIfNeeded: number >> 16))
    }

    /// CRC-32 as zip has it.
    private static func checksum(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { sum, byte in
            (0..<8).reduce(sum ^ UInt32(byte)) { value, _ in
                value >> 1 ^ (value & 1 == 1 ? 0xEDB8_8320 : 0)
            }
        }
    }
}
