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

    /// What the list says of an address.
    enum Answer {
        case mailbox(ListedMailbox)
        case noSuchMailbox
        case unknownDomain
    }

    /// Whether and where a mailbox is.
    func presence(
        of mailbox: Mailbox, _ settings: SourceSettings
    ) throws(ControlError) -> Presence {
        switch try find(mailbox, settings) {
        case .mailbox(let found):
            guard case .maildir(let path, _) = found.instruction(settings.root) else {
                return .exists(.elsewhere)
            }
            return .exists(.maildir(path))
        case .noSuchMailbox: return .noSuchMailbox
        case .unknownDomain: return .unknownDomain
        }
    }

    /// What the list says: the mailbox itself, then without its extension, then the `@domain` that
    /// takes all others.
    func find(_ mailbox: Mailbox, _ settings: SourceSettings) throws(ControlError) -> Answer {
        guard let domain = mailbox.domain?.asciiLowercased, !domain.isEmpty else {
            return .unknownDomain
        }
        for candidate in settings.candidates(of: mailbox) {
            let key = candidate.folded
            guard let place = try place(of: key) else { continue }
            let name = key.prefix(key.count - domain.count - 1)
            return .mailbox(ListedMailbox(place: place, localPart: name, domain: domain))
        }
        if let place = try place(of: [0x40] + domain) {
            return .mailbox(ListedMailbox(place: place, localPart: [], domain: domain))
        }
        return try knows(domain) ? .noSuchMailbox : .unknownDomain
    }

    /// What a key's line gives; nil when there is no line.
    private func place(of key: [UInt8]) throws(ControlError) -> MailboxPlace? {
        let text: [UInt8]?
        switch self {
        case .text(let text): return text.mailboxes[key]
        case .database(let database): text = try database.value(for: key)
        }
        guard let text else { return nil }
        do throws(MailboxLine.Failure) { return try MailboxPlace(text) } catch {
            throw .invalid(
                file: "mailboxes.cdb", line: nil, reason: "\(key.printable): \(error.reason)")
        }
    }

    private func knows(_ domain: [UInt8]) throws(ControlError) -> Bool {
        switch self {
        case .text(let text): text.domains.contains(domain)
        case .database(let database): try database.value(for: domain) != nil
        }
    }
}

/// The lines of a file as mailboxes.
struct MailboxText {
    /// What each line gives.
    private(set) var mailboxes: [[UInt8]: MailboxPlace] = [:]
    private(set) var domains: Set<[UInt8]> = []

    /// Reads a file; of two lines for one mailbox the later counts.
    /// - Throws: `ControlError` when it is missing, cannot be read or has a bad line.
    init(_ path: String) throws(ControlError) {
        let (folder, name) = ControlFolder.parts(of: path)
        guard let lines = try folder.list(name) else { throw .missing(path) }
        for line in lines {
            do throws(MailboxLine.Failure) {
                let entry = try MailboxLine(line.bytes)
                mailboxes[entry.key] = try MailboxPlace(entry.text)
                domains.insert(Array(entry.domain))
            } catch {
                throw .invalid(file: path, line: line.number, reason: error.reason)
            }
        }
    }
}
