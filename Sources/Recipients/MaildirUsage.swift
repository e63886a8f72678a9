// MaildirUsage: how much is in a Maildir, and whether that is more than its quota.
// Maildir++; vpopmail's maildirquota.c.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// What a mailbox may hold. A limit that is nil does not exist.
struct MailboxQuota: Hashable {
    var bytes: Int?
    var messages: Int?

    /// Quotas without limits.
    var isUnlimited: Bool { bytes == nil && messages == nil }

    init(bytes: Int?, messages: Int?) {
        self.bytes = bytes
        self.messages = messages
    }

    /// vpopmail's form: `NOQUOTA`, `1000000`, `10MB`, `5KB`, `1000000S`, `1000000S,1000C`. What is
    /// 0 or cannot be read is no limit, as there.
    init(vpopmail text: some Collection<UInt8>) {
        for part in text.split(separator: 0x2C) {
            let digits = part.prefix(while: \.isASCIIDigit)
            guard let number = digits.isEmpty ? nil : digits.decimalValue ?? .max, number > 0 else {
                continue
            }
            let unit = part.dropFirst(digits.count).asciiLowercased
            switch unit.first {
            case 0x63: messages = number
            case 0x6D: bytes = number.multipliedOrMaximum(by: 1 << 20)
            case 0x6B: bytes = number.multipliedOrMaximum(by: 1 << 10)
            default: bytes = number
            }
        }
    }

    /// True when not even one more byte, or one more message, has room.
    func isReached(by usage: MaildirUsage) -> Bool {
        bytes.map { usage.bytes >= $0 } ?? false
            || messages.map { usage.messages >= $0 } ?? false
    }
}

extension Int {
    fileprivate func multipliedOrMaximum(by factor: Int) -> Int {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }

    fileprivate mutating func addClamped(_ other: Int) {
        let (sum, overflow) = addingReportingOverflow(other)
        self = overflow ? (other < 0 ? .min : .max) : sum
    }
}

/// Bytes and messages in a Maildir.
struct MaildirUsage: Hashable {
    /// The most names that are looked at in one Maildir.
    static let maximumNames = 200_000
    /// A `maildirsize` of so many bytes, or changed so long ago, is not believed: Maildir++.
    private static let largestSizeFile = 5120
    private static let oldestSizeFile = 15 * 60

    var bytes = 0
    var messages = 0

    /// True when a Maildir is full. The file `maildirsize` says so while it is fresh, else the
    /// sizes in the names of the messages (`,S=`), else the sizes of the files. Trash and what is
    /// marked as trash do not count.
    ///
    /// A Maildir with more than 200,000 names that has not reached its quota by then is taken for
    /// one with room: the delivery agent counts it whole, and mends `maildirsize` by that. Refused
    /// here, it never would.
    /// - Throws: `ControlError` when it cannot be looked at. That it is not there yet is no error.
    static func isFull(
        _ maildir: String, _ quota: MailboxQuota, now: Int, _ trail: inout SourceTrail
    ) throws(ControlError) -> Bool {
        if quota.isUnlimited { return false }
        do throws(SystemError) {
            if let usage = try recorded(maildir, now: now) {
                trail.note("\(maildir)/maildirsize: \(usage)")
                return quota.isReached(by: usage)
            }
            var count = Count(quota: quota)
            try count.look(maildir)
            trail.note("\(maildir): \(count.usage)\(count.left > 0 ? "" : " and more")")
            return quota.isReached(by: count.usage)
        } catch {
            throw .unreadable(error)
        }
    }

    /// What `maildirsize` says; nil when it is missing, stale or not of the form.
    private static func recorded(_ maildir: String, now: Int) throws(SystemError) -> MaildirUsage? {
        let path = "\(maildir)/maildirsize"
        guard let status = try Files.status(path), status.st_size < largestSizeFile,
            Int(status.st_mtim.tv_sec) >= now - oldestSizeFile
        else { return nil }
        let text: [UInt8]
        do throws(SystemError) {
            guard let all = try RegularFile.contents(of: path, limit: 65_536) else { return nil }
            text = all
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
        var usage = MaildirUsage()
        for line in text.split(separator: 0x0A, omittingEmptySubsequences: false).dropFirst() {
            let words = line.split(whereSeparator: \.isBlank)
            if words.isEmpty { continue }
            guard words.count == 2, let bytes = signed(words[0]), let messages = signed(words[1])
            else { return nil }
            usage.bytes.addClamped(bytes)
            usage.messages.addClamped(messages)
        }
        return text.isEmpty ? nil : usage
    }

    private static func signed(_ word: ArraySlice<UInt8>) -> Int? {
        word.first == 0x2D ? word.dropFirst().decimalValue.map { -$0 } : word.decimalValue
    }
}

extension MaildirUsage: CustomStringConvertible {
    var description: String { "\(bytes) bytes, \(messages) messages" }
}

/// Counts a Maildir and its folders until its quota is reached, or so many names were looked at.
private struct Count {
    let quota: MailboxQuota
    var usage = MaildirUsage()
    var left = MaildirUsage.maximumNames

    mutating func look(_ maildir: String) throws(SystemError) {
        try lookInside(maildir)
        guard let names = try FolderNames(maildir) else { return }
        while let name = try names.next() {
            guard left > 0, !quota.isReached(by: usage) else { return }
            left -= 1
            guard name.first == 0x2E, name != [0x2E], name != [0x2E, 0x2E],
                !name.elementsEqual(".Trash".utf8)
            else { continue }
            try lookInside("\(maildir)/\(String(decoding: name, as: UTF8.self))")
        }
    }

    private mutating func lookInside(_ folder: String) throws(SystemError) {
        for part in ["new", "cur"] {
            let path = "\(folder)/\(part)"
            guard let names = try FolderNames(path) else { continue }
            while let name = try names.next() {
                guard left > 0, !quota.isReached(by: usage) else { return }
                left -= 1
                guard name.first != 0x2E, !Count.isTrash(name) else { continue }
                usage.bytes.addClamped(try Count.size(name, in: path))
                usage.messages += 1
            }
        }
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
