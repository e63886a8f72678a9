// MailboxesEditor: changes a list of mailboxes, and makes the database of it.
// chainmail(1), mailboxes; recipient-sources(5), file:PATH.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import Recipients
import UnixIO

/// What is to become of a mailbox.
enum MailboxChange: Hashable {
    /// A new mailbox, with a quota or without.
    case add(quota: [UInt8]?)
    /// A new mailbox, or another quota for the one that is there; without one its own stays.
    case put(quota: [UInt8]?)
    /// No mailbox any more.
    case remove
}

/// Changes `control/mailboxes`. Lines that are not concerned stay byte for byte.
struct MailboxesEditor {
    let path: String
    private static let quotaWord = Array("quota=".utf8)

    /// The list and its database as they will be, beside those that are there, and how many mailboxes
    /// of these domains are gone. The folder must be locked.
    func prepared(
        _ changes: [[UInt8]: MailboxChange], without domains: Set<[UInt8]> = []
    ) throws(UsersError) -> (replacement: Replacement, removed: Int) {
        let old = try controlled { () throws(ControlError) in try LineFile.ifPresent(path) }
        try CompiledDatabase.checkList(path, isThere: old != nil, database: "\(path).cdb")
        let new = try replacement(of: old?.status)
        var left = changes
        var lines: [[UInt8]: Int] = [:]
        var removed = 0
        var text: [UInt8] = []
        while let (number, line) = try controlled({ () throws(ControlError) in try old?.next() }) {
            var line = line
            if let entry = try entry(line, number, &lines) {
                guard !domains.contains(Array(entry.domain)) else { removed += 1; continue }
                guard try change(&line, entry.key, number, &left) else { continue }
            }
            text += line
            text.append(0x0A)
            if text.count >= 1 << 18 { try new.append(&text) }
        }
        for (address, change) in MailboxesEditor.byDomain(left) {
            switch change {
            case .add(let quota), .put(let quota):
                text += try newLine(address, quota) + [0x0A]
            case .remove: throw .noMailbox(address: address, file: path)
            }
        }
        try new.append(&text)
        try new.finish(after: try latest(old?.status))
        return (Replacement(file: new, database: try compiled(new)), removed)
    }

    /// Changes in the order of their domains, and of the addresses in these.
    private static func byDomain(
        _ changes: [[UInt8]: MailboxChange]
    ) -> [(address: [UInt8], change: MailboxChange)] {
        let keyed = changes.map { address, change in
            let at = address.lastIndex(of: 0x40) ?? 0
            return (key: address[at...] + address[..<at], address: address, change: change)
        }
        return keyed.sorted { $0.key.lexicographicallyPrecedes($1.key) }
            .map { ($0.address, $0.change) }
    }

    /// The mailbox of a line; nil for a line of none.
    private func entry(
        _ line: ArraySlice<UInt8>, _ number: Int, _ lines: inout [[UInt8]: Int]
    ) throws(UsersError) -> MailboxLine? {
        guard line.first != 0x23, let last = line.lastIndex(where: { !$0.isBlank }) else {
            return nil
        }
        let entry = try checked(line[...last], number)
        if let first = lines.updateValue(number, forKey: entry.key) {
            throw .control(.duplicate(entry.key, path, first: first, second: number))
        }
        return entry
    }

    /// Makes of a line what is to become of its mailbox; false when it goes.
    private func change(
        _ line: inout ArraySlice<UInt8>, _ key: [UInt8], _ number: Int,
        _ left: inout [[UInt8]: MailboxChange]
    ) throws(UsersError) -> Bool {
        switch left.removeValue(forKey: key) {
        case nil, .put(nil)?: break
        case .add?: throw .exists(login: key, file: path, line: number)
        case .remove?: return false
        case .put(let quota?)?:
            var words = Array(line.trimmed)
            let start = (words.lastIndex(where: \.isBlank) ?? -1) + 1
            if words[start...].starts(with: MailboxesEditor.quotaWord) {
                words = Array(words[..<start].trimmed)
            }
            line = (words + [0x20] + MailboxesEditor.quotaWord + quota)[...]
            _ = try checked(line, number)
        }
        return true
    }

    private func newLine(_ address: [UInt8], _ quota: [UInt8]?) throws(UsersError) -> [UInt8] {
        let line = address + (quota.map { [0x20] + MailboxesEditor.quotaWord + $0 } ?? [])
        _ = try checked(line[...], nil)
        return line
    }

    private func checked(
        _ line: ArraySlice<UInt8>, _ number: Int?
    ) throws(UsersError) -> MailboxLine {
        do throws(MailboxLine.Failure) { return try MailboxLine(line) } catch {
            throw .control(.invalid(file: path, line: number, reason: error.reason))
        }
    }

    private func replacement(of old: stat?) throws(UsersError) -> ReplacementFile {
        try controlled { () throws(ControlError) in
            try ReplacementFile(
                path, mode: old.map { $0.st_mode & 0o777 } ?? 0o644, owner: old?.st_uid,
                group: old?.st_gid)
        }
    }

    /// The later of list and database: the new list must be younger than either, so that an old
    /// database is not taken for one of it.
    private func latest(_ list: stat?) throws(UsersError) -> stat? {
        let database: stat?
        do throws(SystemError) { database = try Files.status("\(path).cdb") } catch {
            throw .control(.unreadable(error))
        }
        guard let list, let database else { return list ?? database }
        let times = (list.st_mtim, database.st_mtim)
        return (times.0.tv_sec, times.0.tv_nsec) < (times.1.tv_sec, times.1.tv_nsec)
            ? database : list
    }

    private func compiled(_ new: ReplacementFile) throws(UsersError) -> CompiledDatabase {
        let temporary = "\(path).cdb.new"
        CompiledDatabase.removeLeftovers(beside: temporary)
        return try controlled { () throws(ControlError) in
            try MailboxCompiler.compile(new.temporary, to: temporary)
        }.database(temporary, "\(path).cdb", of: new.temporary)
    }
}

extension MailboxCompiler.Counts {
    fileprivate func database(
        _ temporary: String, _ path: String, of list: String
    ) throws(UsersError) -> CompiledDatabase {
        let status: stat?
        do throws(SystemError) { status = try Files.status(list) } catch {
            throw .control(.unreadable(error))
        }
        guard let status else {
            throw .control(.unreadable(SystemError("open", list, .noSuchFileOrDirectory)))
        }
        return try CompiledDatabase(temporary, path, count: mailboxes, like: status)
    }
}
