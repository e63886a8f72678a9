// MailboxTable: a list of mailboxes, in memory or compiled.
// recipient-sources(5), file:PATH and cdb:PATH.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// A list of mailboxes. Text and database answer alike, since one function asks both.
enum MailboxTable {
    /// The lines of a file.
    case text(MailboxText)
    /// What `MailboxCompiler` made of them.
    case database(ConstantDatabase)

    /// The table in a cdb; nil when it is not one of ours.
    init?(_ database: ConstantDatabase) throws(ControlError) {
        guard try database.value(for: []) == ConstantDatabase.mailboxFormat else { return nil }
        self = .database(database)
    }

    /// What the list says: the mailbox itself, then without its extension, then the `@domain` that
    /// takes all others.
    func presence(
        of mailbox: Mailbox, _ settings: SourceSettings
    ) throws(ControlError) -> Presence {
        guard let domain = mailbox.domain?.asciiLowercased, !domain.isEmpty else {
            return .unknownDomain
        }
        for candidate in settings.candidates(of: mailbox) {
            let key = candidate.folded
            guard let path = try path(of: key) else { continue }
            let name = key.prefix(key.count - domain.count - 1)
            return .exists(.maildir(MailboxTable.maildir(path, name, domain, settings.root)))
        }
        if let path = try path(of: [0x40] + domain) {
            return .exists(.maildir(MailboxTable.maildir(path, [], domain, settings.root)))
        }
        return try knows(domain) ? .noSuchMailbox : .unknownDomain
    }

    /// The path that a key's line gives, empty for the default one; nil when there is no line.
    private func path(of key: [UInt8]) throws(ControlError) -> String? {
        switch self {
        case .text(let text): return text.mailboxes[key]
        case .database(let database):
            return try database.value(for: key).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    private func knows(_ domain: [UInt8]) throws(ControlError) -> Bool {
        switch self {
        case .text(let text): text.domains.contains(domain)
        case .database(let database): try database.value(for: domain) != nil
        }
    }

    private static func maildir(
        _ path: String, _ localPart: ArraySlice<UInt8>, _ domain: [UInt8], _ root: Root
    ) -> String {
        if path.isEmpty {
            let folders = [domain, Array(localPart)].map { String(decoding: $0, as: UTF8.self) }
            return "\(root.mail)/\(folders.joined(separator: "/"))/Maildir"
        }
        return path.hasPrefix("/") ? path : "\(root.mail)/\(path)"
    }
}

/// The lines of a file as mailboxes.
struct MailboxText {
    /// The path that the line gives; empty for the default one.
    private(set) var mailboxes: [[UInt8]: String] = [:]
    private(set) var domains: Set<[UInt8]> = []

    /// Reads a file; of two lines for one mailbox the later counts.
    /// - Throws: `ControlError` when it is missing, cannot be read or has a bad line.
    init(_ path: String) throws(ControlError) {
        let (folder, name) = ControlFolder.parts(of: path)
        guard let lines = try folder.list(name) else { throw .missing(path) }
        for line in lines {
            do throws(MailboxLine.Failure) {
                let entry = try MailboxLine(line.bytes)
                mailboxes[entry.key] = entry.path ?? ""
                domains.insert(Array(entry.domain))
            } catch {
                throw .invalid(file: path, line: line.number, reason: error.reason)
            }
        }
    }
}
