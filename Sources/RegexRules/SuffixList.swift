// SuffixList: simscan's list of suffixes that attachments may not have.
// simscan's README, file ssattach; regex-filter(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// The lines of a list.
struct SuffixList {
    let path: String
    let lines: [ControlLine]

    /// Reads a list; nil when the file is missing.
    /// - Throws: `ControlError`.
    init?(_ folder: ControlFolder, _ name: String) throws(ControlError) {
        guard let lines = try folder.list(name) else { return nil }
        path = folder.file(name)
        self.lines = lines
    }

    /// The rule that refuses a suffix. Whatever case it is in: simscan folds names too. Dots and
    /// blanks after it are ignored, as Windows does.
    static func rule(_ suffix: [UInt8]) -> [UInt8] {
        var rule = Array("attachment /^.*".utf8)
        for byte in suffix {
            // A letter or digit after a backslash would be something else.
            if !byte.isASCIILetter, !byte.isASCIIDigit, byte < 0x80 { rule.append(0x5C) }
            rule.append(byte)
        }
        rule += Array("[. ]*\\z/is reject 554 5.7.1 bad attachment: $0".utf8)
        return rule
    }
}
