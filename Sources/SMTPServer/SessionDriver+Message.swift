// SessionDriver+Message: reads a message and stores it.
// RFC 5321, section 4.1.1.4; RFC 3030, section 2.
// SPDX-License-Identifier: MIT

import MailModel
import MailQueue
import SMTPProtocol
import UnixIO

extension SessionDriver {
    /// Reads what follows DATA to its end.
    mutating func receiveMessage() throws(StreamError) -> ReceivedMessage {
        var message = incoming(
            .data(DataDecoder(bareLineFeed: session.settings.bareLineFeed)))
        try read(&message)
        return finish(message)
    }

    /// Reads the octets of a chunk, whatever becomes of them.
    mutating func receive(_ chunk: Chunk) throws(StreamError) -> ReceivedChunk {
        guard chunk.isKept else {
            chunks = nil
            try skip(chunk.size)
            return .more
        }
        var message = chunk.isFirst ? incomingChunks() : taken()
        message.begin(chunk)
        try read(&message)
        if chunk.isLast {
            switch finish(message) {
            case .whole(let edits): return .whole(edits: edits)
            case .refused(let reply): return .refused(reply)
            }
        }
        // What is wrong now stays wrong: the client need not send the rest.
        if let reply = message.refusal {
            subject = (.message(message.length), session.facts[.message]?.printable)
            return .refused(reply)
        }
        chunks = consume message
        return .more
    }

    /// The message so far. There is one whenever a chunk is not the first.
    private mutating func taken() -> IncomingMessage {
        if let message = chunks.take() { return message }
        return incomingChunks()
    }

    private mutating func incomingChunks() -> IncomingMessage {
        incoming(.chunks(ChunkDecoder(bareLineFeed: session.settings.bareLineFeed)))
    }

    /// A message of which nothing has come.
    private mutating func incoming(_ decoder: MessageDecoder) -> IncomingMessage {
        stored = nil
        return IncomingMessage(
            decoder, session.settings, isStored: !session.isThrownAway, limits: limits,
            room: server.queueRoom)
    }

    /// Reads up to the next command.
    private mutating func read(_ message: inout IncomingMessage) throws(StreamError) {
        while !message.isAtCommand {
            if message.deadline.hasPassed { throw .timedOut }
            let patience = min(limits.data, message.deadline.remaining)
            try wire.bytes(within: patience) { message.take($0) }
        }
    }

    /// Gives back what a message took that is over: a client that says nothing after a refusal must
    /// not keep it on the disk.
    mutating func forgetMessage() {
        chunks = nil
        stored = nil
        behind?.giveUp()
    }

    /// Gets octets out of the way that are none of a message.
    private mutating func skip(_ size: Int) throws(StreamError) {
        var left = size
        let deadline = Deadline.after(limits.message)
        while left > 0 {
            if deadline.hasPassed { throw .timedOut }
            try wire.bytes(within: min(limits.data, deadline.remaining)) { bytes in
                let taken = min(bytes.count, left)
                left -= taken
                return taken
            }
        }
    }

    /// Stores a message that is whole.
    private mutating func finish(_ message: consuming IncomingMessage) -> ReceivedMessage {
        subject = (.message(message.length), session.facts[.message]?.printable)
        if let reply = message.refusal { return .refused(reply) }
        if session.isThrownAway { return .whole(edits: []) }
        let edits = message.removals + completion(message) + trace()
        do {
            stored = try message.stored()
            return .whole(edits: edits)
        } catch {
            log.trouble("\(error)", message: session.messageID)
            return .refused(QueueRefusal(error).reply)
        }
    }

    /// The fields that a user's message lacks. RFC 6409, section 8.
    private func completion(_ message: borrowing IncomingMessage) -> [Edit] {
        guard session.settings.isSubmission, let id = session.messageID else { return [] }
        return MissingFields(hasDate: message.hasDate, hasMessageID: message.hasMessageID)
            .edits(id: id, host: session.settings.name, time: WallClock.seconds)
    }

    private func trace() -> [Edit] {
        guard let id = session.messageID, let envelope = session.envelope else { return [] }
        // Between two servers that are one, as Postfix does it.
        if behind != nil, session.speaksForAnother { return [] }
        let trace = TraceField(
            facts: session.facts, name: session.settings.name, id: id,
            recipients: envelope.recipients, isUTF8: envelope.options.smtputf8,
            time: WallClock.seconds)
        return trace.field.map { [.prepend($0)] } ?? []
    }
}
