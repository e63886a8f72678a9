// VmailmgrSource: the domains of vmailmgr.
// recipient-sources(5), vmailmgr:DIR.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// `vmailmgr:DIR`: the domains that virtualdomains of the qmail in a folder gives to a base user
/// whose home has a table of virtual users.
struct VmailmgrSource: RecipientSource {
    let label: String
    private let settings: SourceSettings
    private let table: String
    private var users: QmailUsers

    init(
        _ folder: String, _ values: [String: String], _ settings: SourceSettings
    ) throws(ControlError) {
        label = "vmailmgr:\(folder)"
        table = values["table"] ?? "passwd"
        self.settings = settings
        users = try QmailUsers(folder, values)
    }

    mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        try reading { () throws(ControlError) in
            guard case .local(let local, _, true) = try users.route(mailbox) else {
                return .unknownDomain
            }
            guard let user = try users.user(of: local, &trail) else { return .unknownDomain }
            let domain = VmailmgrDomain(user.home, table: table, settings)
            guard try FileVersion.of(domain.path) != nil else { return .unknownDomain }
            return try presence(of: user, domain, &trail)
        }
    }

    /// The base user reads his table and his dot-qmail files.
    mutating func destination(
        of mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> LocalAnswer {
        try reading { () throws(ControlError) in
            guard case .local(let local, let host, true) = try users.route(mailbox),
                let user = try users.user(of: local, &trail)
            else { return .unknownDomain }
            let domain = VmailmgrDomain(user.home, table: table, settings)
            guard try FileVersion.of(domain.path) != nil else { return .unknownDomain }
            guard table == "passwd" else {
                throw .invalid(
                    file: domain.path, line: nil, reason: "mail is delivered by passwd.cdb alone")
            }
            return .destination(
                try user.destination(ext: user.ext, local: local, host: host, label))
        }
    }

    /// A dot-qmail file of the base user may come before the one for all others, which runs
    /// vdeliver.
    private func presence(
        of user: QmailUser, _ domain: VmailmgrDomain, _ trail: inout SourceTrail
    ) throws(ControlError) -> Presence {
        let found = try DotQmail.find(home: user.home, dash: user.dash, ext: user.ext, &trail)
        guard let found else {
            // qmail would return all mail of the domain, also for those who are in the table.
            throw .invalid(
                file: "\(user.home)/.qmail-default", line: nil, reason: "the file is missing")
        }
        if found.arguments(of: "vdeliver") != nil {
            return try domain.presence(of: user.ext, &trail)
        }
        return found.isRefusal ? .noSuchMailbox : .exists(.instructions(found.path))
    }
}

extension SourceKind {
    /// `vmailmgr:DIR`: the domains of vmailmgr.
    static let vmailmgr = SourceKind("vmailmgr", form: "vmailmgr:DIR") {
        spec, settings throws(ControlError) in
        let (folder, values) = try spec.parameters(QmailUsers.parameters + ["table"])
        return try VmailmgrSource(folder, values, settings)
    }
}
