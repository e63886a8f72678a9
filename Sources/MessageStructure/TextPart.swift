// TextPart: the readings of one text.
// RFC 2046, section 4.1.
// SPDX-License-Identifier: MIT

import MailModel

/// A text, decoded from its transfer encoding.
struct TextPart {
    let bytes: [UInt8]
    /// The charsets that are declared, in small letters.
    let charsets: [[UInt8]]
    let isHTML: Bool

    /// As UTF-8, and as the bytes they are where that is not certain; of HTML first the source,
    /// then what is visible.
    var readings: [[UInt8]] {
        var texts = inCharsets.uniqued
        guard isHTML || Content.looksLikeHTML(bytes) else { return texts }
        for source in texts {
            let visible = VisibleText(of: source, hides: true)
            texts.append(visible.text.withoutInvisible)
            // What is hidden from some readers is not from all.
            if visible.hasHidden {
                texts.append(VisibleText(of: source, hides: false).text.withoutInvisible)
            }
        }
        return texts.uniqued
    }

    private var inCharsets: [[UInt8]] {
        let isUTF8 = String(validating: bytes, as: UTF8.self) != nil
        var texts: [[UInt8]] = []
        var isCertain = isUTF8
        for charset in charsets + markedCharsets + guessedCharsets {
            guard !Charset.isUTF8(charset) else { continue }
            guard let (text, lost) = Text.utf8(bytes[...], from: charset) else { continue }
            texts.append(text)
            if lost == 0, !Charset.hidesASCII(charset) { isCertain = true }
        }
        let needsBytes =
            texts.isEmpty || !isCertain || charsets.contains(where: Charset.hidesASCII)
            || isUTF8 || !guessedCharsets.isEmpty
        if needsBytes { texts.append(bytes) }
        // What is in no known charset is mostly in that of Windows.
        if !isCertain, let text = Text.utf8(bytes[...], from: Charset.windows)?.text {
            texts.append(text)
        }
        return texts
    }

    /// What HTML says of itself.
    private var markedCharsets: [[UInt8]] {
        let start = Array(bytes.prefix(Content.sample))
        guard start.holds("<meta") || start.holds("<?xml") else { return [] }
        let scan = ParameterScan(start.map { $0 == 0x0A || $0 == 0x3E ? 0x3B : $0 })
        let values = ["charset", "encoding"].flatMap { (try? scan.values(of: $0)) ?? [] }
        let names = values.map {
            $0.prefix { $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D || $0 == 0x5F }
                .asciiLowercased
        }
        return Array(names.uniqued.prefix(8))
    }

    /// What the bytes themselves look like: UTF-16 by its mark or its many NULs.
    private var guessedCharsets: [[UInt8]] {
        let isWide = charsets.contains { $0.starts(with: "utf-16".utf8) || $0.holds("ucs") }
        let start = bytes.prefix(1_024)
        let isMarked = start.starts(with: [0xFE, 0xFF]) || start.starts(with: [0xFF, 0xFE])
        let zeros = start.count { $0 == 0 }
        guard isWide || isMarked || zeros * 4 > start.count else { return [] }
        return ["utf-16le", "utf-16be"].map { Array($0.utf8) }
    }
}

/// What is known of charsets by their names.
enum Charset {
    static let windows = Array("windows-1252".utf8)

    /// UTF-8 and what is a part of it.
    static func isUTF8(_ name: [UInt8]) -> Bool {
        ["utf-8", "utf8", "us-ascii", "ascii"].contains { name.elementsEqual($0.utf8) }
    }

    /// True where a letter of ASCII may be written in other bytes, or bytes that look like ASCII
    /// be something else.
    static func hidesASCII(_ name: [UInt8]) -> Bool {
        ["utf-7", "utf7", "utf-16", "utf-32", "ucs", "iso-2022", "hz", "ebcdic", "ibm", "cp037"]
            .contains { name.firstRange(ofExactly: $0) != nil }
    }
}

extension [UInt8] {
    /// UTF-8 without the characters that nobody sees: soft hyphens, joiners, marks of direction.
    var withoutInvisible: [UInt8] {
        guard contains(where: { $0 >= 0x80 }) else { return self }
        var output: [UInt8] = []
        output.reserveCapacity(count)
        var index = 0
        while index < count {
            let skip = invisibleLength(at: index)
            if skip == 0 { output.append(self[index]) }
            index += Swift.max(skip, 1)
        }
        return output
    }

    /// How many bytes an invisible character has that begins here; 0 for what is seen.
    private func invisibleLength(at index: Int) -> Int {
        switch self[index] {
        case 0xC2: return index + 1 < count && self[index + 1] == 0xAD ? 2 : 0
        case 0xE2 where index + 2 < count:
            let last = self[index + 2]
            if self[index + 1] == 0x80 {
                return (0x8B...0x8F).contains(last) || (0xAA...0xAE).contains(last) ? 3 : 0
            }
            return self[index + 1] == 0x81 && (0xA0...0xAF).contains(last) ? 3 : 0
        case 0xEF where index + 2 < count:
            return self[index + 1] == 0xBB && self[index + 2] == 0xBF ? 3 : 0
        default: return 0
        }
    }
}
