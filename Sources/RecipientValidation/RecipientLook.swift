// RecipientLook: what was found out about one recipient.
// rcpt-validate(8), --explain.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import Recipients

/// One recipient, what was looked at for it, and what came of it.
struct RecipientLook {
    let mailbox: Mailbox
    var trail: SourceTrail
    var word = "unknown"
    var refusal: Refusal?

    init(_ mailbox: Mailbox, isWanted: Bool) {
        self.mailbox = mailbox
        trail = SourceTrail(isWanted: isWanted)
    }

    /// The object of `--explain`.
    var evidence: JSON {
        .object([
            JSON.Member("recipient", .bytes(mailbox.bytes)),
            JSON.Member("mailbox", .text(word)),
            JSON.Member("looked-at", .list(trail.lines.map(JSON.text))),
            JSON.Member("reply", refusal.map { .text($0.reply.description) } ?? .null),
        ])
    }
}

extension Presence {
    /// The word of logs.
    var word: String {
        switch self {
        case .exists: "exists"
        case .overQuota: "over-quota"
        case .refused: "disabled"
        case .noSuchMailbox: "missing"
        case .unknownDomain: "unknown-domain"
        }
    }
}
