// MailboxFile: virtual mailboxes, one a line.
// recipient-sources(5), file:PATH; chainmail(7), control/mailboxes.
// SPDX-License-Identifier: MIT

public import Control
public import MailModel
import SystemPackage
import UnixIO

/// A file of lines `local@domain [place]` and `@domain place`. Where a file of the same name with
/// `.cdb` is beside it and not older, and `MailboxCompiler` made it, that one is asked and the text
/// is not even read.
///
/// For every question it is looked whether either has changed, since another process may know of a
/// new mailbox already and have accepted mail for it.
public struct MailboxFile: RecipientSource {
    private let path: String
    private let settings: SourceSettings
    private var table: Watched<MailboxTable>
    private var quota: Watched<MailboxQuota?>

    /// Reads a file. Maildirs without a path, or with a relative one, are below the mail folder of
    /// the settings' root.
    /// - Throws: `ControlError` when it is missing, cannot be read or has a bad line.
    public init(_ path: String, _ settings: SourceSettings) throws(ControlError) {
        self.path = path
        self.settings = settings
        table = Watched([path, "\(path).cdb"]) { () throws(ControlError) in
            if let database = try ConstantDatabase.compiled(of: path) { return .database(database) }
            return .text(try MailboxText(path))
        }
        _ = try table.current()
        let control = settings.root.control
        quota = Watched([control.file("mailboxquota")]) { () throws(ControlError) in
            try control.mailboxQuota()
        }
        _ = try quota.current()
    }

    /// `file:PATH`.
    public var label: String { "file:\(path)" }

    /// Looks a mailbox up. The mailbox itself comes first, then the names without an extension,
    /// then the `@domain` that takes all others.
    /// - Throws: `SourceError` when the file has changed and cannot be used any more.
    public mutating func find(
        _ mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> Presence {
        try reading { () throws(ControlError) in
            let table = try table.current()
            if case .database = table { trail.note("\(path).cdb is not older") }
            return try table.presence(of: mailbox, settings)
        }
    }

    /// Says what to do with mail for a mailbox: what its line says, with the quota of
    /// `control/mailboxquota` where the line has none.
    /// - Throws: `SourceError` when the file has changed and cannot be used any more.
    public mutating func destination(
        of mailbox: Mailbox, _ trail: inout SourceTrail
    ) throws(SourceError) -> LocalAnswer {
        try reading { () throws(ControlError) in
            switch try table.current().find(mailbox, settings) {
            case .mailbox(let found):
                let instruction = found.instruction(settings.root, quota: try quota.current())
                return .destination(
                    LocalDestination(
                        local: Array(mailbox.localPart), host: Array(mailbox.domain ?? []),
                        instructions: .given([instruction])))
            case .noSuchMailbox: return .noSuchMailbox
            case .unknownDomain: return .unknownDomain
            }
        }
    }
}

extension ControlFolder {
    /// `mailboxquota`; nil without the file.
    func mailboxQuota() throws(ControlError) -> MailboxQuota? {
        guard let line = try line("mailboxquota"), !line.isEmpty else { return nil }
        guard let quota = MailboxQuota(exactly: line) else {
            throw invalid(
                "mailboxquota", 1, "not a quota such as 10MB or 1000000S,1000C: \(line.printable)")
        }
        return quota
    }
}

extension ControlFolder {
    /// The folder of a path, and the name in it.
    static func parts(of path: String) -> (ControlFolder, String) {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let folder = parts.dropLast().joined(separator: "/")
        let top = path.hasPrefix("/") ? "/" : "."
        return (ControlFolder(folder.isEmpty ? top : folder), String(parts.last ?? ""))
    }
}

extension ControlError {
    /// There is no such file.
    static func missing(_ path: String) -> ControlError {
        .unreadable(SystemError("open", path, .noSuchFileOrDirectory))
    }
}

extension SourceKind {
    /// `file:PATH`: mailboxes, one a line.
    static let file = SourceKind("file", form: "file:PATH") { spec, settings throws(ControlError) in
        try MailboxFile(spec.value, settings)
    }
}
