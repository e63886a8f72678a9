// QmailSource: the mailboxes of a qmail, or of a root that is laid out as one.
// recipient-sources(5), qmail:DIR; qmail-send(8), qmail-lspawn(8), qmail-local(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import SystemPackage

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

    /// The users of a root, by its control files.
    init(_ settings: SourceSettings) throws(ControlError) {
        label = "qmail:\(settings.root.configuration)"
        self.settings = settings
        users = try QmailUsers(settings.root)
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
            guard let user = try users.user(of: local, &trail) else { return .noSuchMailbox }
            return try presence(of: user, &trail)
        }
    }

    mutating func destination(
        of mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> LocalAnswer {
        try reading { () throws(ControlError) in
            guard case .local(let local, let host, _) = try users.route(mailbox) else {
                return .unknownDomain
            }
            guard !local.isEmpty else {
                return .destination(
                    LocalDestination(local: local, host: host, instructions: .given([.drop])))
            }
            guard let user = try users.user(of: local, &trail) else { return .noSuchMailbox }
            return .destination(
                try user.destination(ext: user.ext, local: local, host: host, label))
        }
    }

    private func presence(
        of user: QmailUser, _ trail: inout SourceTrail
    ) throws(ControlError) -> Presence {
        let found: DotQmail?
        do throws(ControlError) {
            found = try DotQmail.find(home: user.home, dash: user.dash, ext: user.ext, &trail)
        } catch {
            // Who may not look into a home still knows that its user is there.
            guard user.dash.isEmpty, case .unreadable(let system) = error,
                system.errno == .permissionDenied
            else { throw error }
            trail.note("\(user.home) cannot be looked into")
            return .exists(.elsewhere)
        }
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
