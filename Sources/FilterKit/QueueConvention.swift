// QueueConvention: a filter in the place of qmail-queue.
// qmail-queue(8); filter-protocol(7).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import SystemPackage
import UnixIO

/// Message on descriptor 0, envelope read from descriptor 1; accept becomes the next program.
struct QueueConvention {
    /// Nobody waits longer before the reply, whatever delay a verdict has: well below the ten
    /// minutes that a client waits for it. RFC 5321, section 4.5.3.2.6.
    static let longestDelay = Duration.seconds(30)

    let next: NextProgram
    let name: String
    let explains: Bool
    var facts: Facts

    /// Judges once.
    /// - Returns: the exit code, unless the next program took this process's place.
    mutating func run<F: Filter>(_ filter: inout F) throws(FilterError) -> FilterExit {
        let reason = QueueReason(reserved: [0, 1])
        // All of descriptor 0 first, then all of 1: a sender that goes away closes 1 empty.
        let input = try MessageInput(Standard.input)
        let envelopeBytes = try EnvelopeInput.bytes(on: Standard.output)
        let envelope = try EnvelopeInput.parse(envelopeBytes)
        let message = MessageView(input.base)
        try facts.addHelo(from: message)
        let request = Request(
            FilterRequest(
                stage: .message, facts: facts, envelope: envelope,
                messageLength: message.baseLength),
            input.base, Origin(envelope: (1, envelopeBytes), reason: reason))
        let judgement = Judgement.of(&filter, request, explains: explains).withoutHold
        judgement.explain(name)
        judgement.log(name, request)
        guard Caller.stays(for: min(judgement.verdict.delay, QueueConvention.longestDelay)) else {
            throw FilterError(.cannotRead, "the caller went away during the delay")
        }
        guard case .accept(let edits) = judgement.verdict else {
            return judgement.exit(reason)
        }
        let edited = edits.applied(to: envelope)
        // Nobody is left to deliver to: that is discard.
        if edited.recipients.isEmpty, !envelope.recipients.isEmpty { return .accept }
        try Handover.message(judgement.edited(message))
        try Handover.envelope(
            edited == envelope ? envelopeBytes : edited.queueFormat, on: 1,
            isUnchanged: edited == envelope)
        reason.giveBack()
        try next.become()
    }
}
