// MaildirCount: counts the messages of a Maildir and its folders.
// Maildir++, sections "Maildir++ folders" and "Calculating maildirsize".
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
public import UnixIO

/// A count of everything that a quota is about: the messages in `new` and `cur` of the Maildir and
/// of its folders. Trash (`.Trash`) and messages that are marked as trash (flag T) do not count.
public struct MaildirCount {
    /// The most names that are looked at for an answer to a client who waits.
    static let mostForAnswer = 200_000
    /// The most names that are looked at for a delivery.
    public static let most = 10_000_000

    /// What was found.
    public private(set) var usage = MaildirUsage()
    /// When one of the folders was changed last, in nanoseconds after 1970.
    public private(set) var newest = Int.min
    /// True when there were more names than may be looked at.
    public var isCutShort: Bool { left <= 0 }

    private let quota: MailboxQuota?
    private var left: Int

    /// A count of at most so many names, which ends when a quota is reached.
    public init(limit: Int = MaildirCount.most, until quota: MailboxQuota? = nil) {
        left = limit
        self.quota = quota
    }

    /// Counts a Maildir; one that is not there has nothing in it.
    /// - Throws: `SystemError`.
    public mutating func look(_ maildir: String) throws(SystemError) {
        try lookInside(maildir)
        guard let names = try FolderNames(maildir) else { return }
        while let name = try names.next() {
            guard !isDone else { return }
            left -= 1
            guard MaildirCount.isFolder(name) else { continue }
            let path = "\(maildir)/\(String(decoding: name, as: UTF8.self))"
            guard try !MaildirCount.isLink(path) else { continue }
            // A folder that is closed to the owner himself must not cost him his mail.
            do { try lookInside(path) } catch  where error.errno == .permissionDenied {}
        }
    }

    /// When one of the folders was changed last, as `newest` of a count.
    /// - Throws: `SystemError`.
    public static func newestChange(of maildir: String) throws(SystemError) -> Int {
        var newest = try newestChange(inside: maildir)
        guard let names = try FolderNames(maildir) else { return newest }
        while let name = try names.next() {
            guard isFolder(name) else { continue }
            let path = "\(maildir)/\(String(decoding: name, as: UTF8.self))"
            guard try !isLink(path) else { continue }
            do {
                newest = max(newest, try newestChange(inside: path))
            } catch  where error.errno == .permissionDenied {}
        }
        return newest
    }

    private var isDone: Bool { left <= 0 || quota?.isReached(by: usage) == true }

    private mutating func lookInside(_ folder: String) throws(SystemError) {
        for part in ["new", "cur"] {
            let path = "\(folder)/\(part)"
            newest = max(newest, try MaildirCount.change(of: path))
            guard let names = try FolderNames(path) else { continue }
            while let name = try names.next() {
                guard !isDone else { return }
                left -= 1
                guard name.first != 0x2E, !MaildirCount.isTrash(name) else { continue }
                let bytes = try MaildirCount.size(name, in: path)
                usage = usage + MaildirUsage(bytes: bytes, messages: 1)
            }
        }
    }

    private static func newestChange(inside folder: String) throws(SystemError) -> Int {
        max(try change(of: "\(folder)/new"), try change(of: "\(folder)/cur"))
    }

    private static func change(of folder: String) throws(SystemError) -> Int {
        guard let time = try Files.status(folder)?.st_mtim else { return .min }
        let (seconds, overflow) = time.tv_sec.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : seconds &+ time.tv_nsec
    }

    private static func isFolder(_ name: [UInt8]) -> Bool {
        name.first == 0x2E && name != [0x2E] && name != [0x2E, 0x2E]
            && !name.elementsEqual(".Trash".utf8)
    }

    /// True for a link: what is behind it is counted where it is, if anywhere.
    private static func isLink(_ path: String) throws(SystemError) -> Bool {
        var status = Glibc.stat()
        do {
            _ = try retrying("lstat", path) { lstat(path, &status) }
        } catch  where error.errno == .noSuchFileOrDirectory {
            return false
        }
        return status.st_mode & S_IFMT == S_IFLNK
    }

    /// The size that the name tells, else the file's.
    private static func size(_ name: [UInt8], in folder: String) throws(SystemError) -> Int {
        let parts = name.split(separator: 0x2C).dropFirst()
        if let told = parts.first(where: { $0.starts(with: Array("S=".utf8)) }) {
            let digits = told.dropFirst(2).prefix(while: \.isASCIIDigit)
            if let size = digits.decimalValue { return size }
        }
        let path = "\(folder)/\(String(decoding: name, as: UTF8.self))"
        return Int(try Files.status(path)?.st_size ?? 0)
    }

    /// True for a message with the flag T.
    private static func isTrash(_ name: [UInt8]) -> Bool {
        guard let colon = name.lastIndex(of: 0x3A) else { return false }
        let flags = name[(colon + 1)...]
        return flags.starts(with: Array("2,".utf8)) && flags.contains(0x54)
    }
}
