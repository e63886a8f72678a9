// IncomingMessage: a message while it comes in, in memory or, when big, in the queue's own file.
// smtp-server(8); queue(5), section CLIENT PROTOCOL.
// SPDX-License-Identifier: MIT

import MailModel
import MailQueue
import SMTPProtocol
import UnixIO

/// Decodes what follows DATA or BDAT and puts it where filters and the queue can read it.
///
/// A message that must be refused is read to its true end all the same: whatever comes before it
/// is never a command.
struct IncomingMessage: ~Copyable {
    private var decoder: MessageDecoder
    private var scan: HeaderScan
    /// What is decoded and not in the spool.
    private var pending: [UInt8] = []
    private var spooled: NamelessFile?
    private var spooledLength = 0
    private var trouble: Reply?
    private let settings: SessionSettings
    /// When all of it must have come.
    let deadline: Deadline
    private let isStored: Bool
    private let limits: ServerLimits
    private let room: QueueRoom

    /// A message of which nothing has come. One that is thrown away whatever it is need not be
    /// stored.
    init(
        _ decoder: MessageDecoder, _ settings: SessionSettings, isStored: Bool,
        limits: ServerLimits, room: QueueRoom
    ) {
        self.decoder = decoder
        scan = HeaderScan(name: Array(settings.name.utf8))
        self.settings = settings
        deadline = .after(limits.message)
        self.isStored = isStored
        self.limits = limits
        self.room = room
    }

    /// True when a command comes next: after the message, or between two chunks.
    var isAtCommand: Bool { decoder.isAtCommand }

    /// Bytes of the message with LF line ends.
    var length: Int { spooledLength + pending.count }

    /// Begins a chunk of the message.
    mutating func begin(_ chunk: Chunk) {
        decoder.begin(chunk)
        if decoder.isComplete { scan.finish() }
    }

    /// Takes bytes from the wire and returns how many.
    mutating func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        let before = pending.count
        let taken = decoder.decode(bytes, into: &pending)
        if !scan.isDone { scan.take(pending[before...]) }
        if decoder.isComplete { scan.finish() }
        if !isStored || refusal != nil {
            // Of what nobody will get no more is kept than there is, which makes room at once.
            pending.removeAll(keepingCapacity: true)
            spooled = nil
        } else if pending.count > limits.memory {
            spill()
        }
        return taken
    }

    /// The reply that the message must be refused with; nil when there is no reason so far.
    var refusal: Reply? {
        if settings.messageSize > 0, decoder.size > settings.messageSize { return .messageTooBig }
        if !decoder.isWellFormed { return .bareLineEnd }
        if decoder.longestLine > settings.messageLine { return .longLine }
        if scan.hops > limits.hops { return .tooManyHops }
        if scan.isHostile { return .forgedFields }
        return trouble
    }

    /// Edits that take away what only we may write.
    var removals: [Edit] { scan.removals }

    /// True when the header has a field `Date`.
    var hasDate: Bool { scan.hasDate }

    /// True when the header has a field `Message-ID`.
    var hasMessageID: Bool { scan.hasMessageID }

    /// The whole message as a file.
    /// - Throws: `SystemError`.
    consuming func stored() throws(SystemError) -> StoredMessage {
        guard let file = spooled.take() else {
            let memory = try Files.inMemory("message")
            try memory.borrowed.writeAll(pending, "message")
            return StoredMessage(memory: memory, length: pending.count)
        }
        try file.writing.borrowed.writeAll(pending, "spool file")
        return try StoredMessage(file, length: spooledLength + pending.count)
    }

    private mutating func spill() {
        // MAIL need not say how big a message will be, and not truly.
        if let reply = room.refusal(needed: pending.count) { return give(up: reply) }
        do {
            if spooled == nil { spooled = try room.open(deadline: .after(limits.queue)) }
            try spooled?.writing.borrowed.writeAll(pending, "spool file")
            spooledLength += pending.count
        } catch let error as QueueError {
            trouble = .cannotStore
            if case .refused(let reply, _) = error.outcome { trouble = reply }
        } catch let error as SystemError {
            trouble = QueueRefusal(error).reply
        } catch {
            trouble = .cannotStore
        }
        pending.removeAll(keepingCapacity: true)
    }

    private mutating func give(up reply: Reply) {
        trouble = reply
        pending.removeAll(keepingCapacity: true)
        spooled = nil
    }
}
