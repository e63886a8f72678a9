// RecipientSources: does this mailbox exist, and where is its Maildir.
// rcpt-validate(8).
// SPDX-License-Identifier: MIT

public import Control
public import MailModel

/// What a source says of a mailbox. That it cannot say is an error, never one of these.
public enum Presence: Hashable, Sendable {
    /// The mailbox exists; mail goes to the Maildir at this path.
    case exists(maildir: String)
    /// The domain is the source's and has no such mailbox.
    case noSuchMailbox
    /// The source does not know the domain.
    case unknownDomain
}

/// Sources in order: the first one that knows the domain decides. One value serves one process;
/// it is what smtp-server, rcpt-validate and deliver-local alike ask.
public struct RecipientSources {
    /// The sources that can be named; a new kind is one case here and one file beside this.
    private enum Source {
        case file(MailboxFile)
    }

    private var sources: [Source]

    /// The source of a root: its `control/mailboxes`.
    /// - Throws: `ControlError` when it is missing, cannot be read or has a bad line.
    public init(_ root: Root) throws(ControlError) {
        sources = [.file(try MailboxFile(root.control.file("mailboxes"), mail: root.mail))]
    }

    /// The sources that are named, each `file:PATH`. Relative Maildirs are below the root's mail
    /// folder.
    /// - Throws: `ControlError` for a source of another kind, and as the sources do.
    public init(_ names: [String], root: Root) throws(ControlError) {
        sources = []
        for name in names {
            let parts = name.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == "file", !parts[1].isEmpty else {
                throw .invalid(
                    file: "source \(name)", line: nil, reason: "there is one kind, file:PATH")
            }
            sources.append(.file(try MailboxFile(String(parts[1]), mail: root.mail)))
        }
    }

    /// Looks a mailbox up.
    /// - Throws: `ControlError` when a source that comes before an answer cannot be read: then
    ///   nothing is known.
    public mutating func find(_ mailbox: Mailbox) throws(ControlError) -> Presence {
        for index in sources.indices {
            let presence: Presence
            switch sources[index] {
            case .file(var file):
                presence = try file.find(mailbox)
                sources[index] = .file(file)
            }
            if presence != .unknownDomain { return presence }
        }
        return .unknownDomain
    }
}
