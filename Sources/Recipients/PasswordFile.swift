// PasswordFile: system users, read from a file in the form of /etc/passwd.
// passwd(5); qmail-getpw(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// System users by name. The file is read directly: the name service would need glibc's shared
/// libraries. Who keeps users elsewhere gives a file made with `getent passwd`.
struct PasswordFile {
    private struct Account {
        let uid: Int
        let gid: Int
        let home: String
    }

    /// The longest user name that qmail-getpw tries, in bytes.
    private static let longestName = 31

    private let path: String
    private var accounts: Watched<[[UInt8]: Account]>

    init(_ path: String) {
        self.path = path
        accounts = Watched([path]) { () throws(ControlError) in try PasswordFile.read(path) }
    }

    /// Reads the file.
    /// - Throws: `ControlError` when it cannot be read.
    mutating func check() throws(ControlError) { _ = try accounts.current() }

    /// Whose mail a local-part without an entry in users/cdb is: of the user with the longest name
    /// before a `-` or the end who is not root, and whose home exists and is his; nil when there is
    /// none.
    /// - Throws: `ControlError` when the file cannot be read or a home cannot be looked at.
    mutating func user(of local: [UInt8]) throws(ControlError) -> QmailUser? {
        let accounts = try accounts.current()
        for end in stride(from: local.count, through: 0, by: -1) {
            guard end <= PasswordFile.longestName, end == local.count || local[end] == 0x2D else {
                continue
            }
            let name = local[..<end].asciiLowercased
            guard let account = accounts[name], account.uid != 0,
                try PasswordFile.owns(account)
            else { continue }
            let isWhole = end == local.count
            return QmailUser(
                name: name, uid: account.uid, gid: account.gid, home: account.home,
                dash: isWhole ? [] : [0x2D], ext: isWhole ? [] : Array(local[(end + 1)...]))
        }
        return nil
    }

    /// The user to whom local-parts of no user belong; nil when there is no such account.
    /// - Throws: `ControlError` when the file cannot be read.
    mutating func alias(_ name: [UInt8], of local: [UInt8]) throws(ControlError) -> QmailUser? {
        try accounts.current()[name].map { account in
            QmailUser(
                name: name, uid: account.uid, gid: account.gid, home: account.home, dash: [0x2D],
                ext: local)
        }
    }

    /// The path of the file.
    var label: String { path }

    private static func owns(_ account: Account) throws(ControlError) -> Bool {
        do throws(SystemError) {
            return try Files.status(account.home).map { Int($0.st_uid) == account.uid } ?? false
        } catch {
            throw .unreadable(error)
        }
    }

    /// Lines that are no account, such as `+` for NIS, are passed over.
    private static func read(_ path: String) throws(ControlError) -> [[UInt8]: Account] {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try Files.contents(of: path) } catch {
            throw .unreadable(error)
        }
        var accounts: [[UInt8]: Account] = [:]
        for line in bytes.split(separator: 0x0A) {
            let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
            guard fields.count == 7, let uid = fields[2].decimalValue,
                let gid = fields[3].decimalValue, fields[5].first == 0x2F,
                let home = String(validating: fields[5], as: UTF8.self), !fields[5].contains(0),
                accounts[Array(fields[0])] == nil
            else { continue }
            accounts[Array(fields[0])] = Account(uid: uid, gid: gid, home: home)
        }
        return accounts
    }
}
