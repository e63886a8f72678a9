// MailboxFile: virtual mailboxes, one a line.
// recipient-sources(5), file:PATH; chainmail(7), control/mailboxes.
// SPDX-License-Identifier: MIT

public import Control
public import MailModel
import SystemPackage
import UnixIO

/// A file of lines `local@domain [path]` and `@domain path`. Where a file of the same name with
/// `.cdb` is beside it and not older, and `MailboxCompiler` made it, that one is asked and the text
/// is not even read.
///
/// For every question it is looked whether either has changed, since another process may know of a
/// new mailbox already and have accepted mail for it.
public struct MailboxFile: RecipientSource {
    private let path: String
    private let settings: SourceSettings
    private var table: Watched<MailboxTable>

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
