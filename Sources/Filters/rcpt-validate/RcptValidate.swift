// rcpt-validate: does this mailbox exist?
// rcpt-validate(8).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import Recipients

@main
struct RcptValidate: Filter {
    static func main() { FilterMain.run(Self.self) }

    static let name = "rcpt-validate"
    static let summary = "Refuses recipients whose mailbox does not exist."
    static let options: [Usage.Option] = [
        .values("source", "SPEC", "file:PATH, where mailboxes are listed (control/mailboxes)"),
        .value(
            "unknown-domain", "WHAT", "accept (the default), reject, or relay: as the client may"),
        .root,
    ]

    /// Every reply that this filter gives by itself.
    private enum Refusal {
        static func noSuchMailbox(_ mailbox: Mailbox) -> Reply {
            Reply(550, EnhancedStatus(5, 1, 1), "no mailbox here by that name: \(mailbox)")
        }
        static func disabled(_ mailbox: Mailbox) -> Reply {
            Reply(550, EnhancedStatus(5, 2, 1), "this mailbox takes no mail: \(mailbox)")
        }
        static func overQuota(_ mailbox: Mailbox) -> Reply {
            Reply(552, EnhancedStatus(5, 2, 2), "the mailbox is full: \(mailbox)")
        }
        static func unknownDomain(_ mailbox: Mailbox) -> Reply {
            Reply(550, EnhancedStatus(5, 7, 1), "we do not take mail for \(mailbox)")
        }
    }

    /// What becomes of a domain that no source knows.
    private enum UnknownDomain: String, CaseIterable {
        case accept, reject, relay
    }

    private var sources: RecipientSources
    private let unknownDomain: UnknownDomain

    init(_ setup: Setup) throws(FilterError) {
        let root = Root(setup.options)
        let names = setup.options.all("source")
        do {
            unknownDomain =
                try setup.options.choice("unknown-domain", UnknownDomain.self) ?? .accept
            sources =
                names.isEmpty
                ? try RecipientSources(root) : try RecipientSources(names, SourceSettings(root))
        } catch {
            throw .configuration("\(error)")
        }
    }

    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        for mailbox in request.recipients {
            let presence: Presence
            do {
                presence = try sources.find(mailbox)
            } catch {
                // A source that cannot be read is 451, never "no such mailbox".
                throw FilterError(.cannotRead, "\(error)")
            }
            evidence.log("recipient", mailbox.description)
            evidence.log("mailbox", RcptValidate.word(presence))
            if let reply = refusal(presence, of: mailbox, request.facts) { return .reject(reply) }
        }
        return .accept
    }

    private func refusal(_ presence: Presence, of mailbox: Mailbox, _ facts: Facts) -> Reply? {
        switch (presence, unknownDomain) {
        case (.exists, _), (.unknownDomain, .accept): nil
        case (.noSuchMailbox, _): Refusal.noSuchMailbox(mailbox)
        case (.refused, _): Refusal.disabled(mailbox)
        case (.overQuota, _): Refusal.overQuota(mailbox)
        case (.unknownDomain, .reject): Refusal.unknownDomain(mailbox)
        case (.unknownDomain, .relay):
            facts.mayRelay || facts.isLocal ? nil : Refusal.unknownDomain(mailbox)
        }
    }

    private static func word(_ presence: Presence) -> String {
        switch presence {
        case .exists: "exists"
        case .overQuota: "over-quota"
        case .refused: "refused"
        case .noSuchMailbox: "missing"
        case .unknownDomain: "unknown-domain"
        }
    }
}
