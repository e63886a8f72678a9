// MaildirSizeFile: the file in which a Maildir keeps its quota and how much is in it.
// Maildir++, section "maildirsize".
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
public import UnixIO

/// A `maildirsize` as it was read: the quota, then lines of bytes and messages that came or went.
///
/// Who looks and who delivers read it by the same rules, so that both say the same.
public struct MaildirSizeFile: Sendable {
    /// A file of so many bytes is to be made anew.
    public static let largest = 5120
    /// A file of one line that is older is not believed when it says that there is no room.
    public static let oldest = 15 * 60
    /// No more of a file is read than this.
    private static let mostBytes = 65_536

    /// The quota of the first line.
    public let quota: MailboxQuota
    /// The sum of the lines; nil when it is not to be believed: the file is too long, has a line
    /// of another form, or says that there is less than nothing.
    public let usage: MaildirUsage?

    private let lines: Int
    private let modified: Int

    /// The file of a Maildir; nil when there is none, or something else in its place.
    /// - Throws: `SystemError`.
    public static func read(_ maildir: String) throws(SystemError) -> MaildirSizeFile? {
        let path = "\(maildir)/maildirsize"
        let file: OwnedDescriptor
        do throws(SystemError) {
            file = try RegularFile.open(Array(path.utf8))
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
        return try MaildirSizeFile(file.borrowed, path)
    }

    /// Reads an open file; nil when it is no regular one.
    /// - Throws: `SystemError`.
    public init?(_ file: Descriptor, _ path: String) throws(SystemError) {
        let status = try file.status(path)
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        let text = try file.bytes(at: 0, count: MaildirSizeFile.mostBytes, path)
        self.init(text, modified: Int(status.st_mtim.tv_sec))
    }

    /// Reads the text of a file that was changed last so many seconds after 1970.
    init(_ text: [UInt8], modified: Int) {
        let all = text.split(separator: 0x0A, omittingEmptySubsequences: false)
        quota = MailboxQuota(vpopmail: all.first ?? [])
        self.modified = modified
        var sum: MaildirUsage? = text.isEmpty ? nil : MaildirUsage()
        var count = 0
        for line in all.dropFirst() {
            let words = line.split(whereSeparator: \.isBlank)
            if words.isEmpty { continue }
            count += 1
            guard words.count == 2, let bytes = MaildirSizeFile.signed(words[0]),
                let messages = MaildirSizeFile.signed(words[1])
            else {
                sum = nil
                break
            }
            sum = sum.map { $0 + MaildirUsage(bytes: bytes, messages: messages) }
        }
        lines = count
        let isSound = sum.map { $0.bytes >= 0 && $0.messages >= 0 } ?? false
        usage = isSound && text.count < MaildirSizeFile.largest ? sum : nil
    }

    /// True when there is room for so much more, false when there is none; nil when only a count
    /// can say. That there is none is believed only of a file that was just counted: one line, not
    /// older than 15 minutes.
    public func admits(_ more: MaildirUsage, _ quota: MailboxQuota, now: Int) -> Bool? {
        guard let usage else { return nil }
        if quota.admits(usage + more) { return true }
        let (oldest, _) = now.subtractingReportingOverflow(MaildirSizeFile.oldest)
        return lines == 1 && modified > oldest ? false : nil
    }

    private static func signed(_ word: ArraySlice<UInt8>) -> Int? {
        word.first == 0x2D ? word.dropFirst().decimalValue.map { -$0 } : word.decimalValue
    }
}
