// Transfer: content transfer encodings, as forgiving as the most forgiving mail reader.
// RFC 2045, section 6.
// SPDX-License-Identifier: MIT

import CGMime
import MailModel

/// A transfer encoding.
enum Transfer: Hashable {
    case identity
    case base64
    case quotedPrintable
    case uuencode

    /// What the value of a Content-Transfer-Encoding field may mean to somebody. A value that is
    /// none of the known ones, exactly, is read as it looks and as no encoding.
    static func readings(of value: [UInt8]) -> [Transfer] {
        let word = value.trimmed.asciiLowercased
        let known: [(name: String, transfer: Transfer)] = [
            ("base64", .base64), ("quoted-printable", .quotedPrintable), ("x-uuencode", .uuencode),
            ("x-uue", .uuencode), ("uuencode", .uuencode), ("7bit", .identity),
            ("8bit", .identity), ("binary", .identity),
        ]
        if let exact = known.first(where: { word.elementsEqual($0.name.utf8) }) {
            return [exact.transfer]
        }
        var found: [Transfer] = []
        if word.holds("base64") || word.holds("base-64") || word == Array("b".utf8) {
            found.append(.base64)
        }
        if word.holds("quoted") || word == Array("q".utf8) || word.holds("qp") {
            found.append(.quotedPrintable)
        }
        if word.holds("uue") { found.append(.uuencode) }
        return found + [.identity]
    }

    /// What bytes may decode to: mostly one answer, and another where programs differ.
    func decodings(of bytes: ArraySlice<UInt8>) -> [[UInt8]] {
        switch self {
        case .identity: [Array(bytes)]
        case .uuencode: [Transfer.decode(CGMIME_UUENCODE, bytes.behindBegin)]
        case .quotedPrintable: [Transfer.decode(CGMIME_QUOTED_PRINTABLE, bytes.withoutBlankEnds)]
        case .base64: Transfer.base64(bytes)
        }
    }

    /// GMime ends at the first padding and leaves out what lacks its own. Others read on: behind
    /// padding a block begins anew, or padding means nothing.
    private static func base64(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] {
        var blocks: [UInt8] = []
        var continuous: [UInt8] = []
        var block: [UInt8] = []
        var isPadded = false
        var wasPaddedWithin = false
        var hasForeign = false
        let finish = { (block: [UInt8], output: inout [UInt8]) in
            let padding = block.count % 4 == 0 ? 0 : 4 - block.count % 4
            let padded = block + Array(repeating: 0x3D, count: padding == 3 ? 0 : padding)
            output += decode(CGMIME_BASE64, padded[...])
        }
        for byte in bytes {
            if byte == 0x3D {
                isPadded = true
            } else if byte.isBase64 {
                if isPadded {
                    wasPaddedWithin = true
                    continuous += block
                    finish(block, &blocks)
                    block = []
                    isPadded = false
                }
                block.append(byte)
            } else if !byte.isHTMLSpace || byte == 0x20 {
                hasForeign = true
            }
        }
        finish(block, &blocks)
        var readings = [blocks]
        if wasPaddedWithin {
            var whole: [UInt8] = []
            finish(continuous + block, &whole)
            readings.append(whole)
        }
        // What is no base64 at all is shown as it is by some.
        if hasForeign { readings.append(Array(bytes)) }
        return readings.uniqued
    }

    private static func decode(_ encoding: cgmime_encoding, _ bytes: ArraySlice<UInt8>) -> [UInt8] {
        guard !bytes.isEmpty else { return [] }
        return [UInt8](unsafeUninitializedCapacity: bytes.count + 64) { room, count in
            bytes.withUnsafeBufferPointer { input in
                count = min(
                    cgmime_decode(encoding, input.baseAddress, input.count, room.baseAddress),
                    room.count)
            }
        }
    }
}

extension ArraySlice<UInt8> {
    /// What follows the line `begin 644 name`, of which the decoder knows nothing.
    fileprivate var behindBegin: ArraySlice<UInt8> {
        let all = Array(self)
        guard let mark = all.firstRange(ofExactly: "begin ") else { return self }
        return all[all.lineEnd(from: mark.lowerBound)...]
    }

    /// Without the blanks between `=` and the end of a line, which some mail systems add
    /// (RFC 2045, section 6.7, rule 3).
    fileprivate var withoutBlankEnds: ArraySlice<UInt8> {
        guard contains(0x3D) else { return self }
        var output: [UInt8] = []
        output.reserveCapacity(count)
        for byte in self {
            if byte == 0x0A, let end = output.lastIndex(where: { !$0.isBlank && $0 != 0x0D }),
                output[end] == 0x3D
            {
                output.removeSubrange((end + 1)...)
            }
            output.append(byte)
        }
        return output[...]
    }
}

extension UInt8 {
    /// True for the alphabet of RFC 2045, table 1.
    fileprivate var isBase64: Bool {
        isASCIILetter || isASCIIDigit || self == 0x2B || self == 0x2F
    }
}
