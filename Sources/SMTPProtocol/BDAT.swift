// BDAT: a message in counted chunks.
// RFC 3030, section 2.
// SPDX-License-Identifier: MIT

import MailModel

/// A chunk that follows its command at once: the client does not wait for a reply.
public struct Chunk: Hashable, Sendable {
    /// Its octets.
    public let size: Int
    /// True when the message ends with it.
    public let isLast: Bool
    /// True when the message begins with it.
    public let isFirst: Bool
    /// False when its octets are none of a message and only have to be got out of the way.
    public let isKept: Bool
}

/// What became of the octets of a chunk.
public enum ReceivedChunk: Equatable, Sendable {
    /// They have come.
    case more
    /// They have come, and the message is whole. The edits are as in `ReceivedMessage`.
    case whole(edits: [Edit])
    /// They have come, and the message must be refused with this reply.
    case refused(Reply)
}

extension ServerSession {
    /// Whatever the reply is, the octets of the chunk are never commands. `barred` is the reply
    /// where the command may not be given at all.
    mutating func bdat(_ argument: ArraySlice<UInt8>, barred: SMTPReply?) -> SessionStep {
        let digits = argument.prefix(while: \.isASCIIDigit)
        let rest = argument.dropFirst(digits.count)
        guard let size = digits.decimalValue, rest.isEmpty || rest.first == 0x20 else {
            // Nobody can tell where the next command begins.
            return .close(.lostChunk)
        }
        let isLast = rest.dropFirst().equalsIgnoringASCIICase("LAST".utf8)
        if let refusal = chunkRefusal { return swallow(size, refusal) }
        if let barred { return swallow(size, barred) }
        guard rest.isEmpty || isLast else { return swallow(size, .badBDAT) }
        guard isExtended else { return swallow(size, .needsEHLO) }
        guard let transaction else { return swallow(size, .needsMAIL) }
        guard transaction.acceptedRecipients > 0 else {
            return transaction.hasTriedRecipients
                ? swallow(size, .noValidRecipient, isError: false) : swallow(size, .needsRCPT)
        }
        guard isRoom(for: size, after: transaction.octets ?? 0) else {
            return swallow(size, .messageTooBig, isError: false)
        }
        let chunk = Chunk(
            size: size, isLast: isLast, isFirst: transaction.octets == nil, isKept: true)
        guard chunk.isFirst, !isThrownAway else { return receive(chunk) }
        pending = .data(chunk)
        return .judge(
            FilterRequest(
                stage: .data, facts: facts, envelope: transaction.envelope, edits: pendingEdits))
    }

    /// The step after the octets of a chunk.
    public mutating func received(chunk received: ReceivedChunk) -> SessionStep {
        guard case .chunk(let chunk, let refusal) = pending else { return .reply(.outOfStep) }
        pending = .nothing
        if let refusal { return .reply(refusal) }
        switch (received, chunk.isLast) {
        case (.more, false):
            return .reply(
                SMTPReply(250, EnhancedStatus(2, 0, 0), "\(chunk.size) octets received"))
        case (.whole(let edits), true): return judgeMessage(edits)
        case (.refused(let reply), _):
            reset()
            chunkRefusal = SMTPReply(reply)
            return refused(reply)
        case (.more, true), (.whole, false):
            reset()
            return .reply(.outOfStep)
        }
    }

    /// Receives a chunk of a message.
    mutating func receive(_ chunk: Chunk) -> SessionStep {
        let octets = transaction?.octets ?? 0
        transaction?.octets = octets + chunk.size
        pending = .chunk(chunk, refusal: nil)
        return .receiveChunk(chunk)
    }

    /// Refuses a chunk after its octets, and the message with it. The chunks that a client has sent
    /// on meanwhile get the same reply, and are no errors of their own.
    mutating func swallow(
        _ size: Int, _ refusal: SMTPReply, isError: Bool = true
    ) -> SessionStep {
        if chunkRefusal == nil {
            if isError, case .close(let reply) = failed(refusal) { return .close(reply) }
            chunkRefusal = refusal
            reset()
        }
        let chunk = Chunk(size: size, isLast: false, isFirst: false, isKept: false)
        pending = .chunk(chunk, refusal: refusal)
        return .receiveChunk(chunk)
    }

    /// True when a message may have so many octets more. RFC 1870 counts them as they are sent.
    private func isRoom(for size: Int, after octets: Int) -> Bool {
        let (sum, isOver) = octets.addingReportingOverflow(size)
        return !isOver && (settings.messageSize == 0 || sum <= settings.messageSize)
    }
}
