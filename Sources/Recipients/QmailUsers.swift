// QmailUsers: which user a local-part belongs to, as qmail-send and qmail-lspawn find out.
// qmail-lspawn(8), qmail-getpw(8); deliver-local(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// The users of a qmail, found as qmail itself finds them. Nothing is kept but the control files
/// and the users of the system, and those only until they change.
struct QmailUsers {
    /// Whose the local-parts of no user are.
    private enum Alias {
        /// An account; without it nothing is known.
        case account([UInt8])
        /// The owner of this folder, and where that is root the owner of the second; without the
        /// folder the account `alias`, and without that nobody.
        case folder(String, String)
    }

    private let users: UsersDatabase
    private let alias: Alias
    private var accounts: PasswordFile
    private var routing: Watched<QmailRouting>

    /// The parameters that a source may be named with.
    static let parameters = ["passwd", "alias"]

    /// The qmail in a folder.
    /// - Throws: `ControlError` when its control files or the users cannot be read.
    init(_ folder: String, _ values: [String: String]) throws(ControlError) {
        try self.init(
            ControlFolder("\(folder)/control"), UsersDatabase("\(folder)/users/cdb"),
            .account(Array((values["alias"] ?? "alias").utf8)), values["passwd"] ?? "/etc/passwd")
    }

    /// The users of a root: `users/cdb` and `alias` are beside its `control`, and so may be
    /// `users/passwd`, which is read in the place of /etc/passwd.
    /// - Throws: `ControlError` when its control files or the users cannot be read.
    init(_ root: Root) throws(ControlError) {
        let own = "\(root.configuration)/users/passwd"
        let accounts = try FileVersion.of(own) == nil ? "/etc/passwd" : own
        try self.init(
            root.control, UsersDatabase("\(root.configuration)/users/cdb"),
            .folder("\(root.configuration)/alias", root.mail), accounts)
    }

    private init(
        _ control: ControlFolder, _ users: UsersDatabase, _ alias: Alias, _ accounts: String
    ) throws(ControlError) {
        self.users = users
        self.alias = alias
        self.accounts = PasswordFile(accounts)
        routing = Watched(QmailRouting.files.map(control.file)) { () throws(ControlError) in
            try QmailRouting(control)
        }
        _ = try routing.current()
        try self.accounts.check()
    }

    /// Where qmail-send hands an address to.
    mutating func route(_ mailbox: Mailbox) throws(ControlError) -> QmailRoute {
        try routing.current().route(mailbox)
    }

    /// The user that a local-part belongs to; nil when it is nobody's.
    /// - Throws: `ControlError` also for root, whom qmail-local does not deliver to.
    mutating func user(
        of local: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> QmailUser? {
        let assigned = try users.user(of: local)
        var user = assigned
        if user == nil { user = try accounts.user(of: local) }
        if user == nil { user = try aliasUser(of: local) }
        guard let user else {
            trail.note("\(local.printable): no user, and no alias")
            return nil
        }
        trail.note(
            "\(local.printable): user \(user.name.printable), home \(user.home), "
                + "instructions .qmail\((user.dash + user.ext).printable)"
                + (assigned == nil ? "" : ", by users/cdb"))
        guard user.uid != 0 else {
            throw .invalid(
                file: assigned == nil ? accounts.label : users.path, line: nil,
                reason: "nothing is delivered to root")
        }
        return user
    }

    /// Who carries out what the aliases file says: the owner of the folder `alias`, the account
    /// `alias`, or the owner of the folder of mailboxes, which is said too; nil without any of them.
    /// It may be root.
    mutating func aliasOwner() throws(ControlError) -> (user: QmailUser, hasMailboxes: Bool)? {
        guard case .folder(let home, let mail) = alias else {
            return try aliasUser(of: []).map { ($0, false) }
        }
        if let user = try aliasUser(of: []) {
            return (user, try QmailUsers.status(home)?.st_uid == 0)
        }
        guard let status = try QmailUsers.status(mail) else { return nil }
        let user = QmailUser(
            name: Array("alias".utf8), uid: Int(status.st_uid), gid: Int(status.st_gid),
            home: mail, dash: [], ext: [])
        return (user, true)
    }

    private mutating func aliasUser(of local: [UInt8]) throws(ControlError) -> QmailUser? {
        let name = Array("alias".utf8)
        switch alias {
        case .account(let name):
            if let user = try accounts.alias(name, of: local) { return user }
            // qmail would try again later.
            throw .invalid(file: accounts.label, line: nil, reason: "no user \(name.printable)")
        case .folder(let home, let mail):
            guard let status = try QmailUsers.status(home) else {
                return try accounts.alias(name, of: local)
            }
            let owner = status.st_uid == 0 ? try QmailUsers.status(mail) ?? status : status
            return QmailUser(
                name: name, uid: Int(owner.st_uid), gid: Int(owner.st_gid), home: home,
                dash: [0x2D], ext: local)
        }
    }

    private static func status(_ path: String) throws(ControlError) -> Glibc.stat? {
        do throws(SystemError) { return try Files.status(path) } catch { throw .unreadable(error) }
    }
}
