// HeaderWords: a person's name in a header field.
// RFC 5322, section 3.2.4; RFC 2047.
// SPDX-License-Identifier: MIT

import MailModel

/// The From field's body.
enum HeaderWords {
    /// `"Bob Smith" <bob@host>`, or `bob@host (Bob Smith)`; the address alone without a name.
    static func mailbox(_ address: Mailbox, _ name: [UInt8]?, asComment: Bool) -> [UInt8] {
        let clean = (name ?? []).map { $0.isControl ? 0x20 : $0 }.trimmed
        guard !clean.isEmpty else { return address.quoted }
        let isASCII = clean.allSatisfy { $0 < 0x80 }
        guard asComment else {
            let phrase = isASCII ? quoted(clean) : encoded(Array(clean))
            return phrase + " <".utf8 + address.quoted + ">".utf8
        }
        let words = isASCII ? escaped(clean, "()\\") : encoded(Array(clean))
        return address.quoted + " (".utf8 + words + ")".utf8
    }

    private static func quoted(_ name: ArraySlice<UInt8>) -> [UInt8] {
        [0x22] + escaped(name, "\"\\") + [0x22]
    }

    private static func escaped(_ name: ArraySlice<UInt8>, _ specials: String) -> [UInt8] {
        name.flatMap { specials.utf8.contains($0) ? [0x5C, $0] : [$0] }
    }

    /// Encoded-words of at most 75 characters, of whole characters each. What is not UTF-8 becomes
    /// U+FFFD.
    private static func encoded(_ name: [UInt8]) -> [UInt8] {
        var words: [[UInt8]] = [[]]
        for character in String(decoding: name, as: UTF8.self).unicodeScalars {
            let bytes = Array(String(character).utf8)
            if (words.last?.count ?? 0) + bytes.count > 45 { words.append([]) }
            words[words.count - 1] += bytes
        }
        return Array(
            words.map { Array("=?UTF-8?B?".utf8) + Base64.encode($0) + Array("?=".utf8) }
                .joined(separator: [0x0A, 0x20]))
    }
}
