// Content: what decoded bytes look like, whatever they are declared to be.
// SPDX-License-Identifier: MIT

import MailModel

/// Guesses at bytes.
enum Content {
    /// How much of a content is looked at before all of it is decoded.
    static let sample = 4_096

    /// True for bytes without those that text never has. In UTF-16 every other byte is NUL.
    static func looksLikeText(_ bytes: ArraySlice<UInt8>) -> Bool {
        let start = bytes.prefix(1_024)
        if start.starts(with: [0xFE, 0xFF]) || start.starts(with: [0xFF, 0xFE]) { return true }
        return !start.isEmpty
            && start.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0.isHTMLSpace || $0 == 0x1B }
    }

    /// True for what begins with fields of a header, one of which is of MIME.
    static func looksLikeMessage(_ bytes: ArraySlice<UInt8>) -> Bool {
        let start = bytes.prefix(sample)
        let line = start.prefix { $0 != 0x0A }
        guard let colon = line.firstIndex(of: 0x3A), HeaderField.isName(line[..<colon]) else {
            return false
        }
        let folded = Array(start.asciiLowercased)
        return ["content-type:", "mime-version:", "content-transfer-encoding:"].contains {
            folded.firstRange(ofExactly: $0) != nil
        }
    }

    /// True where a tag of HTML is among the first.
    static func looksLikeHTML(_ bytes: [UInt8]) -> Bool {
        let folded = bytes.prefix(8_192).asciiLowercased
        return tags.contains { folded.firstRange(ofExactly: $0) != nil }
    }

    private static let tags = [
        "<html", "<body", "<head", "<div", "<table", "<td", "<p>", "<p ", "<br", "<a ", "<a\n",
        "<b>", "<font", "<span", "<img", "<script", "<style", "<meta", "<center", "<!doctype html",
    ]
}
