// InlineFile: files that stand in the middle of a text, as before MIME.
// uuencode(5); yEnc.
// SPDX-License-Identifier: MIT

import MailModel

/// A file between `begin 644 name` and `end`, or the name of one behind `=ybegin`.
struct InlineFile {
    let name: [UInt8]
    /// The lines with both marks; nil where only the name is known.
    let lines: Range<Int>?

    /// All that are in a text.
    static func all(in text: [UInt8], limit: Int) -> [InlineFile] {
        var files: [InlineFile] = []
        var start = 0
        // The end of the last file. A mark within it may begin another to who never saw the first.
        var last = 0
        while files.count < limit, let mark = text.firstRange(ofExactly: "begin ", from: start) {
            let end = text.lineEnd(from: mark.lowerBound)
            start = end
            let line = text[mark.lowerBound..<end].trimmed
            if isLineStart(text, mark.lowerBound), let name = uuencodedName(line) {
                let isWithin = mark.lowerBound < last
                if !isWithin { last = closing(text, from: end) }
                files.append(
                    InlineFile(name: name, lines: isWithin ? nil : mark.lowerBound..<last))
            } else if mark.lowerBound >= 2, isLineStart(text, mark.lowerBound - 2),
                text[(mark.lowerBound - 2)..<mark.lowerBound].elementsEqual("=y".utf8),
                let equals = Array(line).firstRange(ofExactly: " name=")
            {
                let name = Array(line.dropFirst(equals.upperBound))
                files.append(InlineFile(name: name, lines: nil))
            }
        }
        return files
    }

    private static func isLineStart(_ text: [UInt8], _ index: Int) -> Bool {
        index == 0 || text[index - 1] == 0x0A || text[index - 1] == 0x0D
    }

    /// The name in `begin 644 name`; nil for a line that only begins with the word.
    private static func uuencodedName(_ line: ArraySlice<UInt8>) -> [UInt8]? {
        let rest = line.dropFirst(6).drop(while: \.isBlank)
        let mode = rest.prefix { (0x30...0x37).contains($0) }
        let name = rest.dropFirst(mode.count)
        guard (3...4).contains(mode.count), name.first?.isBlank == true else { return nil }
        let trimmed = Array(name.trimmed)
        return trimmed.isEmpty ? nil : trimmed
    }

    /// Where the line `end` ends, or the text.
    private static func closing(_ text: [UInt8], from start: Int) -> Int {
        var start = start
        while let mark = text.firstRange(ofExactly: "end", from: start) {
            let end = text.lineEnd(from: mark.lowerBound)
            if isLineStart(text, mark.lowerBound), text[mark.upperBound..<end].trimmed.isEmpty {
                return end
            }
            start = mark.upperBound
        }
        return text.count
    }
}
