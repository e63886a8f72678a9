// AliasSource: the aliases of a root, asked before its users.
// aliases(5); deliver-local(8), rcpt-validate(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

/// The aliases file of a root, for addresses whose domain is in `locals`. What is no alias is left
/// to the sources after it.
struct AliasSource: RecipientSource {
    private let control: ControlFolder
    private let settings: SourceSettings
    private var users: QmailUsers
    private var routing: Watched<QmailRouting>
    private var place: Watched<AliasFile>
    private var file: AliasFile
    private var table: Watched<AliasTable?>

    /// The aliases of a root; it need not have any.
    /// - Throws: `ControlError` when the file has a bad line or cannot be read.
    init(_ settings: SourceSettings) throws(ControlError) {
        let control = settings.root.control
        self.control = control
        var own = settings
        if !own.separators.contains(0x2B) { own.separators.append(0x2B) }
        self.settings = own
        users = try QmailUsers(settings.root)
        routing = Watched(QmailRouting.files.map(control.file)) { () throws(ControlError) in
            try QmailRouting(control)
        }
        place = Watched([control.file("aliasfile")]) { () throws(ControlError) in
            try AliasFile(control)
        }
        file = try place.current()
        table = AliasSource.table(file, control)
        _ = try table.current()
    }

    /// `aliases:FILE`.
    var label: String { "aliases:\(file.path)" }

    private static func table(
        _ file: AliasFile, _ control: ControlFolder
    ) -> Watched<AliasTable?> {
        let paths = [file.path, "\(file.path).cdb"] + QmailRouting.files.map(control.file)
        return Watched(paths) { () throws(ControlError) in
            let routing = try QmailRouting(control)
            let table = try AliasTable.open(file.path) { mailbox in
                if case .local(_, _, false) = routing.route(mailbox) { true } else { false }
            }
            guard table != nil || !file.isNamed else { throw .missing(file.path) }
            return table
        }
    }

    private mutating func current() throws(ControlError) -> AliasTable? {
        let named = try place.current()
        if named != file {
            file = named
            table = AliasSource.table(named, control)
        }
        return try table.current()
    }

    /// An alias that an address is.
    private struct Found {
        let table: AliasTable
        let local: [UInt8]
        let host: [UInt8]
        let name: [UInt8]
        let values: [AliasValue]
    }

    private mutating func alias(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(ControlError) -> Found? {
        guard case .local(let local, let host, false) = try routing.current().route(mailbox),
            let table = try current(),
            let (name, values) = try table.alias(of: local, settings)
        else { return nil }
        trail.note("\(table.path): \(name.printable) is an alias")
        return Found(table: table, local: local, host: host, name: name, values: values)
    }

    mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        try reading { () throws(ControlError) in
            try alias(mailbox, &trail) == nil ? .unknownDomain : .exists(.elsewhere)
        }
    }

    mutating func destination(
        of mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> LocalAnswer {
        try reading { () throws(ControlError) in
            guard let found = try alias(mailbox, &trail) else { return .unknownDomain }
            var expansion = AliasExpansion(
                found.table, try routing.current(), settings, host: found.host)
            let plan = try expansion.plan(found.name, found.values)
            guard plan.includes != [] || plan.instructions != [.drop] else {
                return .destination(
                    LocalDestination(
                        local: found.local, host: found.host, instructions: .given([.drop])))
            }
            guard let (user, hasMailboxes) = try users.aliasOwner(), let owner = user.identity,
                owner.user != 0
            else {
                throw .invalid(
                    file: found.table.path, line: nil,
                    reason: "nothing is done as root: make a user alias, or let a user own "
                        + "the folder alias beside control")
            }
            guard !hasMailboxes || !plan.runsPrograms else {
                throw .invalid(
                    file: found.table.path, line: nil,
                    reason: "\(found.name.printable): no user alias: no command runs as the owner "
                        + "of all mailboxes")
            }
            return .destination(
                LocalDestination(
                    owner: owner, user: user.name, home: user.home, local: found.local,
                    host: found.host, instructions: .aliased(plan)))
        }
    }

    /// The user whom `\name@host` means, whatever alias has that name; nil for another address.
    mutating func user(_ mailbox: Mailbox) throws(ControlError) -> Mailbox? {
        guard mailbox.bytes.first == 0x5C, mailbox.localPart.count > 1,
            case .local(_, _, false) = try routing.current().route(mailbox)
        else { return nil }
        return try? Mailbox(mailbox.bytes.dropFirst())
    }
}
