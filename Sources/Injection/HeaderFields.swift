// HeaderFields: the fields of a header that a program wrote, good or bad.
// RFC 5322, section 2.2; qmail's headerbody.
// SPDX-License-Identifier: MIT

import MailModel

/// A field as it came.
struct InjectedField: Hashable {
    /// With its colon, its folds and its final LF.
    var bytes: [UInt8]
    /// ASCII letters folded.
    let name: [UInt8]
    /// Where the body begins.
    let bodyStart: Int

    /// Reads the first line of a field; nil when it is none. Blanks before the colon are taken.
    init?(line: ArraySlice<UInt8>) {
        guard let colon = line.firstIndex(of: 0x3A) else { return nil }
        let name = line[..<colon].trimmed
        guard HeaderField.isName(name), line.first?.isBlank == false else { return nil }
        bytes = Array(line)
        self.name = name.asciiLowercased
        bodyStart = colon - line.startIndex + 1
    }

    /// The name, for a comparison.
    func isNamed(_ text: String) -> Bool { name.elementsEqual(text.utf8) }

    /// What follows the colon, with the final LF.
    var body: [UInt8] { Array(bytes[bodyStart...]) }
}

/// Cuts a header into fields. It ends at an empty line, which is not part of anything, or before the
/// first line that is no field: what programs write without a header is all body. A first line that
/// begins with `From ` is a mailbox file's and is dropped.
struct HeaderFields {
    private(set) var fields: [InjectedField] = []
    /// Where the body begins; nil when the end was not reached.
    private(set) var bodyStart: Int?

    /// Reads a beginning of a message; `isWhole` when nothing follows it. The last line of one that is
    /// not whole is only looked at when its end is there.
    init(_ bytes: [UInt8], isWhole: Bool) {
        var index = 0
        while index < bytes.count {
            guard let end = bytes[index...].firstIndex(of: 0x0A) else { break }
            let line = bytes[index...end]
            if line.count == 1 {
                bodyStart = end + 1
                return
            }
            if line.first?.isBlank == true, !fields.isEmpty {
                fields[fields.count - 1].bytes += line
            } else if let field = InjectedField(line: line) {
                fields.append(field)
            } else if index != 0 || !line.starts(with: Array("From ".utf8)) {
                bodyStart = index
                return
            }
            index = end + 1
        }
        if isWhole { bodyStart = index }
    }
}
