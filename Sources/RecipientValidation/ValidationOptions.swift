// ValidationOptions: the options of rcpt-validate, and what they make of what was found.
// rcpt-validate(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Recipients
import UnixIO

/// What becomes of a domain that no source knows.
enum UnknownDomain: String, CaseIterable, Sendable {
    /// Fails open: whether the domain is ours is for others to say.
    case accept
    case reject
    /// As the client may relay.
    case relay
}

/// What becomes of a sender whose domain cannot be replied to.
enum SenderDomainRule: String, CaseIterable, Sendable {
    case off
    /// Fails open: it is logged, no more.
    case warn
    case `defer`
    case reject
}

/// What becomes of a mailbox that is full.
enum QuotaRule: String, CaseIterable, Sendable {
    case reject
    case `defer`
    /// It is not looked at.
    case off
}

/// Which grammar addresses must be of.
enum SyntaxRule: String, CaseIterable, Sendable {
    /// As in qmail's envelopes, where local-parts lack their quotes.
    case qmail
    /// As on the wire.
    case strict
    /// Fails open: nobody looks.
    case off
}

/// The options, read.
struct ValidationOptions: Sendable {
    static let declared: [Usage.Option] = [
        .values("source", "SPEC", "KIND:..., where mailboxes are listed (control/mailboxes)"),
        .value(
            "unknown-domain", "WHAT", "accept (the default), reject, or relay: as the client may"),
        .value("extensions", "CHARS", "what divides a name from an extension, such as -+"),
        .value("quota", "WHAT", "full mailboxes: reject (the default), defer or off"),
        .value("syntax", "WHAT", "how addresses must be: qmail (the default), strict or off"),
        .value(
            "sender-domain", "WHAT",
            "without MX, A and AAAA: off (the default), warn, defer, reject"),
        .value("cache", "T[/N]", "keep answers of servers, what is missing for N (1m/10s)"),
        .value("timeout", "T", "for one look-up in a server or in the DNS (10s)"),
        .values("resolver", "ADDRESS[:PORT]", "ask this resolver"),
        .root,
    ]

    let unknownDomain: UnknownDomain
    let senderDomain: SenderDomainRule
    let quota: QuotaRule
    let syntax: SyntaxRule
    let separators: [UInt8]
    let timeout: Duration

    init(_ options: Options) throws(UsageError) {
        unknownDomain = try options.choice("unknown-domain", UnknownDomain.self) ?? .accept
        senderDomain = try options.choice("sender-domain", SenderDomainRule.self) ?? .off
        quota = try options.choice("quota", QuotaRule.self) ?? .reject
        syntax = try options.choice("syntax", SyntaxRule.self) ?? .qmail
        separators =
            try options.read("extensions", "one to four of the characters + - = . _ # %") { text in
                let isFit = (1...4).contains(text.count) && text.allSatisfy("+-=._#%".utf8.contains)
                return isFit ? text : nil
            } ?? []
        timeout = try SourceCommon.timeout(options)
    }

    /// True when an address is of the grammar, or when that does not matter.
    func permits(_ mailbox: Mailbox) -> Bool {
        syntax == .off || AddressSyntax.isValid(mailbox, isStrict: syntax == .strict)
    }

    /// The refusal that a finding leads to; nil where the recipient is fine.
    func refusal(_ presence: Presence, of mailbox: Mailbox, _ facts: Facts) -> Refusal? {
        switch presence {
        case .exists: nil
        case .noSuchMailbox: .noSuchMailbox(mailbox)
        case .refused: .disabled(mailbox)
        case .overQuota:
            switch quota {
            case .reject: .full(mailbox)
            case .defer: .fullForNow(mailbox)
            case .off: nil
            }
        // RFC 5321, section 4.5.1: it is never refused for lack of a domain.
        case .unknownDomain where AddressSyntax.isPostmaster(mailbox): nil
        case .unknownDomain:
            switch unknownDomain {
            case .accept: nil
            case .reject: .notOurs(mailbox)
            case .relay: facts.mayRelay || facts.isLocal ? nil : .notOurs(mailbox)
            }
        }
    }

    /// The refusal that a sender's domain leads to; nil where it is fine.
    func refusal(_ finding: DomainFinding, of sender: Mailbox) -> Refusal? {
        switch (finding, senderDomain) {
        case (.reachable, _), (_, .off), (_, .warn): nil
        case (.nullMX, .reject): .nullMX(sender)
        case (.nullMX, .defer): .nullMXForNow(sender)
        case (.unreachable, .reject): .noSenderDomain(sender)
        case (.unreachable, .defer): .noSenderDomainForNow(sender)
        }
    }
}
