// VpopmailSource: the domains of a vpopmail.
// recipient-sources(5), vpopmail:DIR.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// `vpopmail:DIR`: the domains that vpopmail entered into users/cdb of qmail, the only authority
/// for them, alias domains included.
struct VpopmailSource: RecipientSource {
    let label: String
    private let settings: SourceSettings
    private let users: UsersDatabase

    /// A vpopmail in a folder, with the qmail that delivers to it.
    /// - Throws: `ControlError` when the folder is none or users/cdb cannot be read.
    init(_ folder: String, qmail: String, _ settings: SourceSettings) throws(ControlError) {
        label = "vpopmail:\(folder)"
        self.settings = settings
        users = UsersDatabase("\(qmail)/users/cdb")
        do throws(SystemError) {
            guard let status = try Files.status(folder), status.st_mode & S_IFMT == S_IFDIR else {
                throw SystemError("open", folder, .notDirectory)
            }
        } catch {
            throw .unreadable(error)
        }
        _ = try ConstantDatabase(users.path)
    }

    mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        guard let domain = mailbox.domain, !domain.isEmpty else { return .unknownDomain }
        return try reading { () throws(ControlError) in
            guard let entry = try users.domain(domain) else { return .unknownDomain }
            trail.note("\(users.path): \(domain.printable) is \(entry.home)")
            return try presence(of: Array(mailbox.localPart), entry, &trail)
        }
    }

    /// Who is the domain's owner reads its table and what its users wrote.
    mutating func destination(
        of mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> LocalAnswer {
        guard let domain = mailbox.domain, !domain.isEmpty else { return .unknownDomain }
        return try reading { () throws(ControlError) in
            guard let entry = try users.domain(domain) else { return .unknownDomain }
            trail.note("\(users.path): \(domain.printable) is \(entry.home)")
            let name = Array(mailbox.localPart)
            return .destination(
                try entry.destination(
                    ext: entry.ext + name, local: domain + [0x2D] + name, host: Array(domain),
                    label))
        }
    }

    /// Aliases are dot-qmail files of the domain; the one for all others runs vdelivermail.
    private func presence(
        of name: [UInt8], _ entry: QmailUser, _ trail: inout SourceTrail
    ) throws(ControlError) -> Presence {
        let found = try DotQmail.find(
            home: entry.home, dash: entry.dash, ext: entry.ext + name, &trail)
        guard let found else {
            // qmail would return all mail of the domain, also for those who are in vpasswd.
            throw .invalid(
                file: "\(entry.home)/.qmail-default", line: nil, reason: "the file is missing")
        }
        let domain = VpopmailDomain(entry.home, settings)
        if let words = found.arguments(of: "vdelivermail") {
            return try domain.presence(of: name, found, words, &trail)
        }
        // What delivers in the place of vdelivermail takes all, or is told as that is: chkuser.
        let word = Array("bounce-no-mailbox".utf8)
        if found.ext.elementsEqual("default".utf8), found.says(word) {
            return try domain.presence(of: name, found, [[], word], &trail)
        }
        return found.isRefusal ? .noSuchMailbox : .exists(.instructions(found.path))
    }
}

extension SourceKind {
    /// `vpopmail:DIR`: the domains of vpopmail.
    static let vpopmail = SourceKind("vpopmail", form: "vpopmail:DIR") {
        spec, settings throws(ControlError) in
        let (folder, values) = try spec.parameters(["qmail"])
        return try VpopmailSource(folder, qmail: values["qmail"] ?? "/var/qmail", settings)
    }
}
