// Submission+MessageID: the name that other hosts and readers know a message by.
// RFC 5322, section 3.6.4.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension Submission {
    /// So much of a header is looked at, in bytes.
    private static let headerLimit = 32_768
    /// So much of a value is told, in bytes: the length of a line.
    private static let valueLimit = 998
    private static let fieldName = Array("message-id".utf8)

    /// The value of the topmost field `Message-ID` after all edits, unfolded and without the blanks
    /// around it. Nil when there is none near enough to the top, or the file cannot be read: it is
    /// for the log alone.
    func messageID(in file: Descriptor) -> [UInt8]? {
        var isRemoved = false
        for edit in headerEdits.reversed() {
            switch edit {
            case .prepend(let field):
                guard field.name.equalsIgnoringASCIICase(Submission.fieldName) else { continue }
                return Submission.unfolded(field.body[...])
            case .remove(let name) where name.equalsIgnoringASCIICase(Submission.fieldName):
                isRemoved = true
            default: break
            }
            if isRemoved { return nil }
        }
        let (offset, length) = messageRange
        let count = min(Submission.headerLimit, length)
        guard let head = try? file.bytes(at: offset, count: count, "message") else { return nil }
        return Submission.messageID(head[...])
    }

    /// Looks through a header from its first line.
    static func messageID(_ head: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = head
        while let first = rest.first, first != 0x0A {
            let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
            let line = rest[..<end]
            rest = rest[end...].dropFirst()
            guard first | 0x20 == 0x6D, line.count > fieldName.count,
                line.prefix(fieldName.count).equalsIgnoringASCIICase(fieldName),
                let colon = line.firstIndex(of: 0x3A),
                line[..<colon].dropFirst(fieldName.count).allSatisfy(\.isBlank)
            else { continue }
            var stop = end
            while let next = rest.first, next.isBlank, stop - colon <= valueLimit {
                stop = rest.firstIndex(of: 0x0A) ?? rest.endIndex
                rest = rest[stop...].dropFirst()
            }
            return unfolded(head[head.index(after: colon)..<stop])
        }
        return nil
    }

    private static func unfolded(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        let value = value.prefix(valueLimit).filter { $0 != 0x0A && $0 != 0x0D }.trimmed
        return value.isEmpty ? nil : Array(value)
    }
}
