// Occasion: what a limit looks at, whether a request, an option or a line of a log says it.
// throttle-limits(5).
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel

/// One moment of a session.
struct Occasion {
    var stage: Stage
    let facts: Facts
    /// The client's address among the facts, read once for all limits.
    let client: IPAddress?
    /// Nil when it is not known.
    var reversePath: ReversePath?
    /// At stage `rcpt` the one that is asked about.
    var recipients: [Mailbox] = []
    /// The size of the message, or what was declared of it; nil when neither is known.
    var bytes: UInt64?
    /// True when nothing is asked: a recipient or a login was refused.
    var isFailure = false
    /// What of it may be counted; nil for everything.
    var units: Set<LimitUnit>?
    /// True when SpamThrottle's wait was asked for at an earlier stage.
    var hasWaited = false

    /// An occasion of these parts.
    init(_ stage: Stage, _ facts: Facts, _ reversePath: ReversePath? = nil) {
        self.stage = stage
        self.facts = facts
        client = facts.clientIP
        self.reversePath = reversePath
    }

    /// What a request is about.
    init(_ request: borrowing Request) {
        self.init(request.stage, request.facts, request.reversePath)
        recipients = request.recipients
        bytes =
            request.stage == .message
            ? UInt64(request.message.baseLength)
            : request.facts[.declaredSize]?.decimalValue.map { UInt64($0) }
        hasWaited = request.notes[SpamTable.note] != nil
    }
}
