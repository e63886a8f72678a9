// ChainRun: all stages in order, for a message that is there already.
// filters.d(5).
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import UnixIO

/// What the whole chain says.
struct ChainOutcome: ~Copyable {
    var verdict: Verdict
    var replacement: OwnedDescriptor?
}

/// Runs the stages of a session that is over: one reply answers for all recipients, so a
/// refused recipient refuses the message.
struct ChainRun {
    let chain: Chain
    let facts: Facts
    let envelope: Envelope
    let isTrial: Bool

    func judge(_ arrival: borrowing Arrival) throws -> ChainOutcome {
        let log = Log("filter-chain")
        let deadline = Deadline.after(Chain.limit)
        var request = FilterRequest(stage: .connect, facts: facts, isTrial: isTrial)
        for stage in Stage.allCases where chain.judges(stage) {
            request.stage = stage
            request.envelope = stage < .mail ? nil : envelope
            if stage == .rcpt {
                if let refusal = judgeRecipients(&request, log, deadline) {
                    return ChainOutcome(verdict: refusal, replacement: nil)
                }
                continue
            }
            if stage == .message {
                request.messageOffset = arrival.offset
                request.messageLength = arrival.length
                request.envelope = envelope
                var result = chain.judge(
                    request, arrival.file.borrowed, log: log, deadline: deadline)
                guard case .accept(let edits) = result.verdict else {
                    return ChainOutcome(verdict: result.verdict, replacement: nil)
                }
                return ChainOutcome(
                    verdict: .accept(request.edits + edits), replacement: result.replacement.take())
            }
            if stage >= .mail { request.envelope = Envelope(reversePath: envelope.reversePath) }
            if stage == .data { request.envelope = envelope }
            let result = chain.judge(request, nil, log: log, deadline: deadline)
            guard case .accept(let edits) = result.verdict else {
                return ChainOutcome(verdict: result.verdict, replacement: nil)
            }
            request.edits += edits
        }
        return ChainOutcome(verdict: .accept(request.edits), replacement: nil)
    }

    /// Asks about one recipient at a time; one that is discarded is dropped.
    private func judgeRecipients(
        _ request: inout FilterRequest, _ log: Log, _ deadline: Deadline
    ) -> Verdict? {
        for recipient in envelope.recipients {
            request.envelope = Envelope(
                reversePath: envelope.reversePath, recipients: [recipient])
            let result = chain.judge(request, nil, log: log, deadline: deadline)
            switch result.verdict {
            case .accept(let edits): request.edits += edits
            case .discard: request.edits.append(.removeRecipient(recipient))
            case .reject(let reply): return .reject(reply.naming(recipient))
            case .defer(let reply): return .defer(reply.naming(recipient))
            }
        }
        return nil
    }
}

extension Reply {
    /// The same reply with the recipient that it is about.
    fileprivate func naming(_ recipient: Mailbox) -> Reply {
        Reply(code, status, "\(recipient): \(text)", delay: delay)
    }
}
