// UsersDatabase: which user takes the mail for a local-part, by qmail's users/cdb.
// qmail-users(5), qmail-lspawn(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// A user's folder, and what of the local-part names the instructions in it.
struct QmailUser: Hashable {
    let name: [UInt8]
    let uid: Int
    let gid: Int
    let home: String
    /// `-`, or nothing where the local-part is the user's name.
    let dash: [UInt8]
    /// In the case in which it was given.
    let ext: [UInt8]

    /// Who delivers; nil for numbers that no user or group can have.
    var identity: Identity? {
        guard let user = uid_t(exactly: uid), let group = gid_t(exactly: gid), user != .max,
            group != .max
        else { return nil }
        return Identity(user: user, group: group)
    }
}

/// The file users/cdb of a qmail, opened for each question as qmail-lspawn does.
struct UsersDatabase {
    let path: String

    init(_ path: String) { self.path = path }

    /// The user of a local-part: an exact entry, else the one of its longest prefix that ends in
    /// one of the characters that the empty key lists, else the entry of the empty prefix; nil
    /// when there is none, or no file.
    /// - Throws: `ControlError` when the file or the entry is damaged.
    func user(of localPart: some Collection<UInt8>) throws(ControlError) -> QmailUser? {
        guard let database = try ConstantDatabase.ifPresent(path) else { return nil }
        guard let ends = try database.value(for: []) else {
            throw invalid("it has no list of wildcard characters: not a users/cdb")
        }
        let local = Array(localPart)
        let key = [0x21] + local.asciiLowercased
        if let data = try database.value(for: key + [0]) { return try user(data, tail: []) }
        for length in stride(from: key.count, through: 1, by: -1) {
            guard length == 1 || ends.contains(key[length - 1]) else { continue }
            guard let data = try database.value(for: key[..<length]) else { continue }
            return try user(data, tail: local[(length - 1)...])
        }
        return nil
    }

    /// The entry that makes a domain one of vpopmail's: the prefix `DOMAIN-`. Its name is the
    /// canonical domain.
    func domain(_ domain: some Collection<UInt8>) throws(ControlError) -> QmailUser? {
        guard let database = try ConstantDatabase.ifPresent(path) else {
            throw invalid("the file is missing; it says which domains are vpopmail's")
        }
        let key = [0x21] + domain.asciiLowercased + [0x2D]
        return try database.value(for: key).map { (data) throws(ControlError) in
            try user(data, tail: [])
        }
    }

    /// user NUL uid NUL gid NUL home NUL dash NUL ext NUL, the last NUL not always there.
    private func user(_ data: [UInt8], tail: ArraySlice<UInt8>) throws(ControlError) -> QmailUser {
        let fields = data.split(separator: 0, maxSplits: 5, omittingEmptySubsequences: false)
        guard fields.count >= 5, !fields[0].isEmpty, let uid = fields[1].decimalValue,
            let gid = fields[2].decimalValue, fields[3].first == 0x2F,
            let home = String(validating: fields[3], as: UTF8.self)
        else { throw invalid("an entry is damaged") }
        var ext = fields.count == 6 ? Array(fields[5]) : []
        if ext.last == 0 { ext.removeLast() }
        guard !ext.contains(0) else { throw invalid("an entry is damaged") }
        return QmailUser(
            name: Array(fields[0]), uid: uid, gid: gid, home: home, dash: Array(fields[4]),
            ext: ext + tail)
    }

    private func invalid(_ reason: String) -> ControlError {
        .invalid(file: path, line: nil, reason: reason)
    }
}
