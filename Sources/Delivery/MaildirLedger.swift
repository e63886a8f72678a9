// MaildirLedger: the quota of a Maildir, asked and kept while a message is delivered.
// Maildir++, section "maildirsize"; deliver-local(8), section Quotas.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import Recipients
import UnixIO

/// What one delivery does with `maildirsize`: it asks whether there is room, and after the
/// delivery adds a line. Nobody locks: two deliveries at the same moment may both find room for the
/// last message. A file that is damaged, or cannot be written, costs a count and never a message.
struct MaildirLedger: ~Copyable {
    /// How often a count is made again because somebody changed the Maildir meanwhile.
    private static let mostCounts = 5

    /// The Maildir whose quota it is.
    let maildir: Maildir
    private var quota: MailboxQuota?
    /// True for a quota that is known without the file.
    private let isConfigured: Bool
    private let name: String
    private let now: Int
    /// The file as it was when it was read: a line that is added to one that somebody replaced
    /// meanwhile is lost, as it should be, for the count that replaced it has our message.
    private var file: OwnedDescriptor?
    private var read: MaildirSizeFile?
    /// What is in the Maildir, as far as it is known.
    private var usage: MaildirUsage?
    /// What went wrong, for the log.
    private(set) var evidence: [(key: String, value: String?)] = []

    /// Reads the file of a Maildir, of the one above where this is a folder of it. The quota that
    /// is given counts; when it is nil, that of the file.
    /// - Throws: `SystemError`.
    static func open(
        _ maildir: Maildir, _ quota: MailboxQuota?, name: String, now: Int
    ) throws(SystemError) -> MaildirLedger {
        // Trash is not counted.
        guard let root = try maildir.quotaRoot else {
            return MaildirLedger(maildir, nil, name, now)
        }
        var ledger = MaildirLedger(root, quota, name, now)
        let path = "\(root.path)/maildirsize"
        if let file = MaildirLedger.openFile(path, O_RDWR | O_APPEND) {
            guard let size = try MaildirSizeFile(file.borrowed, path) else { return ledger }
            ledger.file = consume file
            ledger.read = size
            ledger.usage = size.usage
            ledger.quota = quota ?? size.quota
        } else if let file = MaildirLedger.openFile(path, O_RDONLY) {
            // Somebody else's: its quota counts, and a file of our own takes its place.
            let size = try MaildirSizeFile(file.borrowed, path)
            ledger.quota = quota ?? size?.quota
        }
        return ledger
    }

    private init(_ maildir: Maildir, _ quota: MailboxQuota?, _ name: String, _ now: Int) {
        self.maildir = maildir
        self.quota = quota
        isConfigured = quota != nil
        self.name = name
        self.now = now
    }

    /// True when there is a limit to ask about.
    var isLimited: Bool { quota.map { !$0.isUnlimited } ?? false }

    /// False for a message that is larger than the whole mailbox may be.
    func couldEverHold(_ bytes: Int) -> Bool { quota?.bytes.map { bytes <= $0 } ?? true }

    /// True when a message of so many bytes has room. `maildirsize` is made anew where it must be.
    /// - Throws: `SystemError` when the Maildir cannot be counted.
    mutating func admits(_ bytes: Int) throws(SystemError) -> Bool {
        guard let quota, !quota.isUnlimited else { return true }
        let more = MaildirUsage(bytes: bytes, messages: 1)
        if let read, read.quota == quota, let hasRoom = read.admits(more, quota, now: now) {
            return hasRoom
        }
        let counted = try recount(quota)
        usage = counted
        return quota.admits(counted + more)
    }

    /// Adds the line of a message that was delivered.
    mutating func add(_ bytes: Int) {
        usage = usage.map { $0 + MaildirUsage(bytes: bytes, messages: 1) }
        guard let number = file?.number else { return }
        do {
            // O_APPEND, and one write: lines of several deliveries do not mix.
            try Descriptor(rawValue: number).writeAll(Array("\(bytes) 1\n".utf8), maildir.path)
        } catch {
            evidence.append(("quota-error", "\(error)"))
        }
    }

    /// How full the Maildir is now, in percent of its quota; nil where nobody has counted.
    var percentage: Int? {
        guard let quota, let usage else { return nil }
        let parts = [(usage.bytes, quota.bytes), (usage.messages, quota.messages)]
        return parts.compactMap { used, most in
            most.map { Int(min(999, 100 * Double(used) / Double(max(1, $0)))) }
        }.max()
    }

    /// Counts the Maildir and writes `maildirsize`, again while somebody changes the Maildir.
    private mutating func recount(_ quota: MailboxQuota) throws(SystemError) -> MaildirUsage {
        var counted = MaildirUsage()
        // Folders that came after the count would be a change to count again for.
        if try Files.status("\(maildir.path)/tmp") == nil { try maildir.make() }
        for _ in 0..<MaildirLedger.mostCounts {
            var count = MaildirCount()
            try count.look(maildir.path)
            guard !count.isCutShort else {
                throw SystemError("readdir", maildir.path, .fileTooLarge)
            }
            counted = count.usage
            replace(quota, counted)
            if try MaildirCount.newestChange(of: maildir.path) == count.newest { break }
        }
        return counted
    }

    /// Puts a new file in the place of the old one. Where that cannot be, the next delivery counts
    /// again.
    private mutating func replace(_ quota: MailboxQuota, _ usage: MaildirUsage) {
        file = nil
        do throws(SystemError) {
            file = try write(quota, usage)
        } catch {
            evidence.append(("quota-error", "\(error)"))
        }
    }

    private func write(
        _ quota: MailboxQuota, _ usage: MaildirUsage
    ) throws(SystemError) -> OwnedDescriptor {
        let path = "\(maildir.path)/tmp/\(name).maildirsize"
        let new = try Files.open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL, mode: 0o644)
        do throws(SystemError) {
            let text = "\(quota)\n\(usage.bytes) \(usage.messages)\n"
            try new.borrowed.writeAll(Array(text.utf8), path)
            // Otherwise a crash could leave an empty file, and with it a quota that is nowhere else.
            if !isConfigured { try new.borrowed.syncData(path) }
            try Files.rename(path, to: "\(maildir.path)/maildirsize")
        } catch {
            try? Files.unlink(path)
            throw error
        }
        return new
    }

    /// Nil for what is not there or cannot be used: then it is as if it were missing.
    private static func openFile(_ path: String, _ flags: Int32) -> OwnedDescriptor? {
        try? Files.open(path, flags | O_NOFOLLOW | O_NONBLOCK)
    }
}
