// QmailSource: the mailboxes of a qmail.
// recipient-sources(5), qmail:DIR; qmail-send(8), qmail-lspawn(8), qmail-local(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// The users of a qmail, found as qmail itself finds them. Nothing is kept but the control files
/// and the users of the system, and those only until they change.
struct QmailUsers {
    private let users: UsersDatabase
    private let alias: [UInt8]
    private var accounts: PasswordFile
    private var routing: Watched<QmailRouting>

    /// The parameters that a source may be named with.
    static let parameters = ["passwd", "alias"]

    /// The qmail in a folder.
    /// - Throws: `ControlError` when its control files or the users cannot be read.
    init(_ folder: String, _ values: [String: String]) throws(ControlError) {
        let control = ControlFolder("\(folder)/control")
        users = UsersDatabase("\(folder)/users/cdb")
        alias = Array((values["alias"] ?? "alias").utf8)
        accounts = PasswordFile(values["passwd"] ?? "/etc/passwd")
        routing = Watched(QmailRouting.files.map(control.file)) { () throws(ControlError) in
            try QmailRouting(control)
        }
        _ = try routing.current()
        try accounts.check()
    }

    /// Where qmail-send hands an address to.
    mutating func route(_ mailbox: Mailbox) throws(ControlError) -> QmailRoute {
        try routing.current().route(mailbox)
    }

    /// The user that a local-part belongs to.
    /// - Throws: `ControlError` also for root, whom qmail-local does not deliver to.
    mutating func user(
        of local: [UInt8], _ trail: inout SourceTrail
    ) throws(ControlError) -> QmailUser {
        let assigned = try users.user(of: local)
        let user: QmailUser
        if let assigned {
            user = assigned
        } else {
            user = try accounts.user(of: local, alias: alias)
        }
        trail.note(
            "\(local.printable): user \(user.name.printable), home \(user.home), "
                + "instructions .qmail\((user.dash + user.ext).printable)"
                + (assigned == nil ? "" : ", by users/cdb"))
        guard user.uid != 0 else {
            throw .invalid(
                file: users.path, line: nil, reason: "qmail-local does not deliver to root")
        }
        return user
    }
}

/// `qmail:DIR`: local and virtual domains of a qmail, down to the dot-qmail files.
struct QmailSource: RecipientSource {
    let label: String
    private let settings: SourceSettings
    private var users: QmailUsers

    init(
        _ folder: String, _ values: [String: String], _ settings: SourceSettings
    ) throws(ControlError) {
        label = "qmail:\(folder)"
        self.settings = settings
        users = try QmailUsers(folder, values)
    }

    mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        try reading { () throws(ControlError) in
            guard case .local(let local, _, _) = try users.route(mailbox) else {
                return .unknownDomain
            }
            // qmail-lspawn takes it and drops it.
            if local.isEmpty { return .exists(.elsewhere) }
            let user = try users.user(of: local, &trail)
            return try presence(of: user, &trail)
        }
    }

    private func presence(
        of user: QmailUser, _ trail: inout SourceTrail
    ) throws(ControlError) -> Presence {
        let found = try DotQmail.find(home: user.home, dash: user.dash, ext: user.ext, &trail)
        guard let found else {
            return user.dash.isEmpty ? .exists(.elsewhere) : .noSuchMailbox
        }
        if let words = found.arguments(of: "vdelivermail") {
            let domain = VpopmailDomain(user.home, settings)
            return try domain.presence(of: user.ext, found, words, &trail)
        }
        if found.arguments(of: "vdeliver") != nil {
            let domain = VmailmgrDomain(user.home, settings)
            return try domain.presence(of: user.ext, &trail)
        }
        return found.isRefusal ? .noSuchMailbox : .exists(.instructions(found.path))
    }
}

extension SourceKind {
    /// `qmail:DIR`: what qmail-send, qmail-lspawn and qmail-local would do.
    static let qmail = SourceKind("qmail", form: "qmail:DIR") {
        spec, settings throws(ControlError) in
        let (folder, values) = try spec.parameters(QmailUsers.parameters)
        return try QmailSource(folder, values, settings)
    }
}
