// ChainRun: all stages in order, for a message that is there already.
// filters.d(5).
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import UnixIO

/// Runs the stages of a session that is over: one reply answers for all recipients, so a
/// refused recipient refuses the message.
struct ChainRun {
    let chain: Chain
    /// The only stages to run.
    let stages: [Stage]
    let facts: Facts
    let envelope: Envelope
    /// What no step may see of the message as it came.
    let removals: [Edit]
    let isTrial: Bool
    let log: Log

    /// Judges until a step does not accept. The verdict has the edits of all stages, and the
    /// longest delay of any of them.
    func judge(_ arrival: borrowing Arrival) -> ChainVerdict {
        let deadline = Deadline.after(Chain.limit)
        var sum = ChainVerdict(verdict: .accept)
        var edits = removals
        for stage in stages where chain.judges(stage) {
            var request = request(stage, edits)
            guard stage != .rcpt else {
                let verdict = judgeRecipients(request, &sum.trail, deadline)
                guard case .accept(let new) = verdict else { return sum.ending(verdict, edits) }
                edits += new
                if isDeserted(edits) { return sum.ending(.discard, edits) }
                continue
            }
            var file: Descriptor?
            if stage == .message {
                request.messageOffset = arrival.offset
                request.messageLength = arrival.length
                file = arrival.file.borrowed
            }
            var result = chain.judge(request, file, log: log, deadline: deadline)
            sum.trail += result.trail
            guard case .accept(let new) = result.verdict else {
                return sum.ending(result.verdict, edits)
            }
            edits += new
            sum.replacement = result.replacement.take()
        }
        return sum.ending(isDeserted(edits) ? .discard : .accept(edits), edits)
    }

    /// The request of a stage, with what is known of the envelope then.
    private func request(_ stage: Stage, _ edits: [Edit]) -> FilterRequest {
        var request = FilterRequest(
            stage: stage, facts: facts, edits: edits.withoutDelay, isTrial: isTrial)
        switch stage {
        case .connect, .helo: break
        case .mail, .rcpt: request.envelope = Envelope(reversePath: envelope.reversePath)
        case .data, .message: request.envelope = envelope
        }
        return request
    }

    /// Asks about one recipient at a time; one that is discarded is dropped. What a step did for
    /// one recipient's sake to the envelope is not in the request for the next.
    private func judgeRecipients(
        _ request: FilterRequest, _ trail: inout [StepRecord], _ deadline: Deadline
    ) -> Verdict {
        var edits: [Edit] = []
        for recipient in envelope.recipients {
            var request = request
            request.envelope = Envelope(
                reversePath: envelope.reversePath, recipients: [recipient])
            request.edits += edits.filter { !$0.isOfRecipients }.withoutDelay
            let result = chain.judge(request, nil, log: log, deadline: deadline)
            trail += result.trail
            switch result.verdict {
            case .accept(let new): edits += new
            case .discard: edits.append(.removeRecipient(recipient))
            case .reject(let reply):
                chain.report(.refused, request, except: result.trail.last?.step, log: log)
                return .reject(reply.naming(recipient))
            case .defer(let reply): return .defer(reply.naming(recipient))
            }
        }
        return .accept(edits)
    }

    /// True when nobody is left to deliver to.
    private func isDeserted(_ edits: [Edit]) -> Bool {
        !envelope.recipients.isEmpty && edits.applied(to: envelope).recipients.isEmpty
    }
}

extension ChainVerdict {
    /// The same trail with this verdict; the replacement only when it is accept. The client waits
    /// once: for the longest delay of the verdict and of the edits before it.
    fileprivate consuming func ending(_ verdict: Verdict, _ edits: [Edit]) -> ChainVerdict {
        var result = self
        result.verdict = verdict.delayed(by: max(verdict.delay, edits.delay))
        if case .accept = verdict { return result }
        result.replacement = nil
        return result
    }
}

extension Edit {
    fileprivate var isOfRecipients: Bool {
        switch self {
        case .addRecipient, .removeRecipient: true
        case .prepend, .remove, .reversePath, .replaceMessage, .note, .hold, .delay: false
        }
    }
}

extension Reply {
    /// The same reply with the recipient that it is about.
    fileprivate func naming(_ recipient: Mailbox) -> Reply {
        Reply(code, status, "\(recipient): \(text)", delay: delay)
    }
}
