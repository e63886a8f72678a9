// MailboxLine: one line of a list of mailboxes.
// recipient-sources(5), file:PATH.
// SPDX-License-Identifier: MIT

import MailModel

/// A line `local@domain [PLACE]` or `@domain PLACE`: see `MailboxPlace`.
public struct MailboxLine {
    /// What is wrong with a line.
    public struct Failure: Error {
        /// Why, in a few words.
        public let reason: String
    }

    /// The address with ASCII case folded: mailboxes of one domain that differ in case alone are
    /// one, as in qmail-local(8).
    public let key: [UInt8]
    /// What follows the address, as it is kept: empty for the Maildir that the address names.
    public let text: [UInt8]

    /// What of the key is the domain.
    public var domain: ArraySlice<UInt8> { key[((key.lastIndex(of: 0x40) ?? -1) + 1)...] }

    /// Reads a line that is not empty.
    public init(_ line: some BidirectionalCollection<UInt8>) throws(Failure) {
        let line = Array(line)
        let end = line.firstIndex(where: \.isBlank) ?? line.endIndex
        let address = line[..<end]
        guard (try? Mailbox(address)) != nil, let at = address.lastIndex(of: 0x40), at + 1 < end
        else { throw Failure(reason: "not local@domain or @domain: \(line.printable)") }
        key = address.asciiLowercased
        text = Array(line[end...].trimmed)
        let place = try MailboxPlace(text)
        guard place.store == .maildir(nil) else { return }
        guard MailboxLine.isFolderName(key[..<at]), MailboxLine.isFolderName(key[(at + 1)...])
        else {
            throw Failure(
                reason: "\(address.printable) cannot name a folder: give a path after it")
        }
    }

    /// False for what would leave its folder, and for the nothing before an `@domain`.
    private static func isFolderName(_ part: ArraySlice<UInt8>) -> Bool {
        guard let first = part.first, first != 0x2E else { return false }
        var isASCII = true
        for byte in part {
            if byte == 0x2F || byte == 0 { return false }
            if byte >= 0x80 { isASCII = false }
        }
        return isASCII || String(validating: part, as: UTF8.self) != nil
    }
}
