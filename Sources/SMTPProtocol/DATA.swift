// DATA: the message, what is thought of it, and where it goes.
// RFC 5321, section 4.1.1.4.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    mutating func data(_ argument: ArraySlice<UInt8>) -> SessionStep {
        guard argument.isEmpty else { return failed(.noArgument) }
        guard let transaction else { return failed(.needsMAIL) }
        guard transaction.acceptedRecipients > 0 else {
            return transaction.hasTriedRecipients
                ? .reply(.noValidRecipient) : failed(.needsRCPT)
        }
        // RFC 3030, section 2.
        guard transaction.octets == nil else { return failed(.messageBegun) }
        if isThrownAway { return startMessage() }
        pending = .data(nil)
        return .judge(
            FilterRequest(
                stage: .data, facts: facts, envelope: transaction.envelope, edits: pendingEdits))
    }

    /// The verdict at stage `data`. A chunk is on its way already when it was asked for BDAT.
    mutating func dataJudged(_ verdict: Verdict, _ chunk: Chunk?) -> SessionStep {
        switch verdict {
        case .reject(let reply), .defer(let reply):
            reset()
            guard let chunk, reply.code != 421 else { return refused(reply) }
            return swallow(chunk.size, SMTPReply(reply), isError: false)
        case .accept(let edits): transaction?.edits += edits
        case .discard: transaction?.isDiscarded = true
        }
        return chunk.map { receive($0) } ?? startMessage()
    }

    private mutating func startMessage() -> SessionStep {
        pending = .message
        return .receive(.startMessage)
    }

    /// True when nobody will get the message, so that it only has to be swallowed.
    public var isThrownAway: Bool {
        guard let transaction else { return true }
        return transaction.isDiscarded
            || pendingEdits.applied(to: transaction.envelope).recipients.isEmpty
    }

    /// The step after the end of a message.
    public mutating func received(_ message: ReceivedMessage) -> SessionStep {
        guard case .message = pending else { return .reply(.outOfStep) }
        pending = .nothing
        switch message {
        case .refused(let reply):
            reset()
            return refused(reply)
        case .whole(let edits): return judgeMessage(edits)
        }
    }

    /// What is thought of a message that is whole.
    mutating func judgeMessage(_ edits: [Edit]) -> SessionStep {
        guard let transaction else { return .reply(.outOfStep) }
        if isThrownAway { return accepted(transaction.id) }
        self.transaction?.serverEdits = edits
        pending = .judgedMessage
        return .judge(
            FilterRequest(
                stage: .message, facts: facts, envelope: transaction.envelope,
                edits: pendingEdits))
    }

    mutating func messageJudged(_ verdict: Verdict) -> SessionStep {
        guard let transaction else { return .reply(.outOfStep) }
        switch verdict {
        case .reject(let reply), .defer(let reply): return end(with: SMTPReply(reply))
        case .accept(let edits): self.transaction?.edits += edits
        case .discard: self.transaction?.isDiscarded = true
        }
        if isThrownAway { return accepted(transaction.id) }
        pending = .submission
        return .queue(
            AcceptedMessage(
                id: transaction.id, envelope: transaction.envelope, edits: pendingEdits,
                facts: facts))
    }

    /// The step after the queue has answered.
    public mutating func queued(_ outcome: QueueAnswer) -> SessionStep {
        guard case .submission = pending, let transaction else { return .reply(.outOfStep) }
        pending = .nothing
        switch outcome {
        case .queued: return accepted(transaction.id)
        case .refused(let reply): return end(with: SMTPReply(reply))
        case .answered(let reply): return end(with: reply.withStatus)
        }
    }

    /// A message that is discarded gets the same reply as one that is queued.
    private mutating func accepted(_ id: QueueID) -> SessionStep {
        end(with: SMTPReply(250, EnhancedStatus(2, 0, 0), "Ok, queued as \(id)"))
    }
}
