// ForwardOrigin: which message a forwarded one is of.
// queue(5), section FORWARDED MESSAGES.
// SPDX-License-Identifier: MIT

public import MailModel
import UnixIO

/// The recipient of a message whose instructions forward it.
public struct ForwardOrigin: Hashable, Sendable {
    /// The message.
    public let message: QueueID
    /// The recipient's number in its envelope.
    public let recipient: Int

    /// What is noted as done for the recipient when the forwarded message is queued.
    public static let key = Array("forward".utf8)

    /// A recipient of a message.
    public init(message: QueueID, recipient: Int) {
        self.message = message
        self.recipient = recipient
    }

    /// The id of the forwarded message: the same at each attempt, so that no second one can be in
    /// the queue beside it.
    public var id: QueueID {
        // FNV-1a, so that equal ids in are equal ids out on every host and in every version.
        let bytes = Array("\(message) forward \(recipient)".utf8)
        let hash = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        return SessionID(microseconds: message.microseconds, random: hash).message(1)
    }
}

extension Fields {
    /// Adds `forward-of` and `forward-recipient`.
    mutating func append(_ origin: ForwardOrigin) {
        append("forward-of", origin.message.description)
        append("forward-recipient", origin.recipient)
    }

    /// What `append` added; nil without it.
    var forwardOrigin: ForwardOrigin? {
        guard let id = self["forward-of"].flatMap({ QueueID($0) }),
            let number = self["forward-recipient"]?.decimalValue
        else { return nil }
        return ForwardOrigin(message: id, recipient: number)
    }
}

extension Spool {
    /// True when an id is taken by the very message that is handed over: an earlier attempt had
    /// queued it, and nobody heard of it.
    func holds(_ forward: Submission, _ error: QueueError) -> Bool {
        guard case .system(let system) = error, system.errno == .fileExists else { return false }
        do {
            let name = MessagePlace.new.path(forward.id)
            let file = try open(name)
            let message = try MessageFooter.read(file.borrowed, name)
            guard message.forwardOf == forward.forwardOf else { return false }
            // Whoever put it there may have died before it was on disk.
            try file.borrowed.syncData(name)
            try sync(folder: MessagePlace.new.folder(forward.id))
            return true
        } catch {
            return false
        }
    }
}

extension QueueRunner {
    /// Before a forwarded message is delivered, the state of the one that it is of must say that it
    /// was made: else a crash in between would make it again when it is gone from here.
    func recordForward(by forward: ActiveMessage) throws(QueueError) {
        guard let origin = forward.message.forwardOf, forward.id == origin.id else { return }
        let record = StateRecord.done(origin.recipient, [ForwardOrigin.key])
        if let original = active[origin.message] {
            original.note(record)
            return try save(original)
        }
        let state = try spool.state(of: origin.message)
        guard !state.records.contains(record) else { return }
        // One that is finished needs no state any more.
        var isThere = state.exists
        if !isThere { isThere = try spool.isNew(origin.message) }
        guard isThere else { return }
        do throws(SystemError) {
            _ = try spool.append([record], to: origin.message, at: state.length, isSynced: true)
        } catch {
            throw .system(error)
        }
    }
}

extension Spool {
    /// True for a message that was never deferred.
    func isNew(_ id: QueueID) throws(QueueError) -> Bool {
        do throws(SystemError) {
            return try Files.status(MessagePlace.new.path(id), in: root.borrowed) != nil
        } catch {
            throw .system(error)
        }
    }
}
