// ConstantDatabase+Mailboxes: the database that was compiled of a list of mailboxes.
// recipient-sources(5), file:PATH and cdb:PATH.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

extension ConstantDatabase {
    /// The data of the empty key, which makes a cdb one of mailboxes.
    public static let mailboxFormat = Array("chainmail mailboxes 1".utf8)

    /// The database beside a list, `LIST.cdb`; nil when it is missing, older than the list, or
    /// something else than a database of mailboxes.
    /// - Throws: `ControlError` when it is damaged, or it or the list cannot be looked at.
    public static func compiled(of list: String) throws(ControlError) -> ConstantDatabase? {
        guard let database = try ifPresent("\(list).cdb") else { return nil }
        let made = try database.status().st_mtim
        let changed: timespec?
        do throws(SystemError) { changed = try Files.status(list)?.st_mtim } catch {
            throw .unreadable(error)
        }
        if let changed, (made.tv_sec, made.tv_nsec) < (changed.tv_sec, changed.tv_nsec) {
            return nil
        }
        return try database.value(for: []) == mailboxFormat ? database : nil
    }
}

extension ControlFolder {
    /// The domains of `mailboxes`, or of `mailboxes.cdb` where that is not older; none without
    /// either.
    /// - Throws: `ControlError` when they cannot be read.
    public func mailboxDomains() throws(ControlError) -> Set<[UInt8]> {
        guard let database = try ConstantDatabase.compiled(of: file("mailboxes")) else {
            return Set(try mailboxCounts().keys)
        }
        var domains: Set<[UInt8]> = []
        try database.forEachKey { key in
            // A domain has a key of its own; addresses are all others.
            if !key.isEmpty, !key.contains(0x40) { domains.insert(Array(key)) }
        }
        return domains
    }

    /// The same domains, and how many lines each has.
    /// - Throws: `ControlError` when they cannot be read.
    public func mailboxCounts() throws(ControlError) -> [[UInt8]: Int] {
        var counts: [[UInt8]: Int] = [:]
        if let database = try ConstantDatabase.compiled(of: file("mailboxes")) {
            try database.forEachKey { key in
                guard let at = key.lastIndex(of: 0x40) else { return }
                counts[Array(key[(at + 1)...]), default: 0] += 1
            }
            return counts
        }
        for line in try list("mailboxes") ?? [] {
            let address = line.bytes.prefix { !$0.isBlank }
            guard let at = address.lastIndex(of: 0x40) else { continue }
            counts[address[(at + 1)...].asciiLowercased, default: 0] += 1
        }
        return counts
    }
}
