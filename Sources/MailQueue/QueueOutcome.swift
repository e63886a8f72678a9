// QueueOutcome: what became of a commit.
// queue(5), section CLIENT PROTOCOL.
// SPDX-License-Identifier: MIT

import MailModel

/// The answer to a commit. There is no third case: what is not known to be queued is refused,
/// temporarily.
public enum QueueOutcome: Hashable, Sendable {
    /// The message is safe under this id.
    case queued(QueueID)
    /// It is not, or it is not known to be: the reply for a client and the exit code for a caller
    /// of qmail-queue.
    case refused(Reply, FilterExit)

    /// The table of refusals.
    public static func refused(_ reason: QueueRefusal) -> QueueOutcome {
        .refused(reason.reply, reason.exit)
    }

    /// The outcome on the wire.
    public var fields: Fields {
        var fields = Fields()
        switch self {
        case .queued(let id):
            fields.append("status", "queued")
            fields.append("id", id.description)
        case .refused(let reply, let exit):
            fields.append("status", reply.isPermanent ? "permanent" : "temporary")
            fields.append("code", Int(reply.code))
            fields.append("enhanced", reply.status.description)
            fields.append("text", reply.text)
            fields.append("exit", Int(exit.rawValue))
        }
        return fields
    }

    /// Reads an answer; nil when it is none.
    public init?(_ fields: Fields) {
        switch fields.text("status") {
        case "queued":
            guard let id = fields["id"].flatMap({ QueueID($0) }) else { return nil }
            self = .queued(id)
        case "temporary", "permanent":
            guard let code = try? fields.number("code"), (400...599).contains(code),
                let status = fields["enhanced"].flatMap({ EnhancedStatus($0) }),
                let text = fields.text("text"), let number = try? fields.number("exit"),
                let exit = FilterExit(rawValue: Int32(clamping: number)), exit != .accept
            else { return nil }
            self = .refused(Reply(UInt16(code), status, text), exit)
        default: return nil
        }
    }
}

/// Why the queue refuses a message: code, status, text and exit code in one table.
public enum QueueRefusal: Hashable, Sendable {
    /// `ENOSPC`, `EDQUOT`, `EFBIG`.
    case diskFull
    /// Something else could not be written, synced or named.
    case cannotWrite
    /// The message could not be read from the descriptor.
    case cannotRead
    /// The queue's own service did not answer, or not in time.
    case unavailable
    /// The time ran out.
    case timedOut
    /// The request was not one.
    case badRequest(String)
    /// The id is taken.
    case duplicate

    /// What the client is told.
    public var reply: Reply {
        switch self {
        case .diskFull:
            Reply(452, EnhancedStatus(4, 3, 1), "Insufficient system storage, try again later")
        case .cannotWrite:
            Reply(451, EnhancedStatus(4, 3, 0), "Cannot write to the queue, try again later")
        case .cannotRead:
            Reply(451, EnhancedStatus(4, 3, 0), "Cannot read the message, try again later")
        case .unavailable:
            Reply(451, EnhancedStatus(4, 3, 0), "The queue is not available, try again later")
        case .timedOut:
            Reply(451, EnhancedStatus(4, 3, 0), "The queue did not answer in time")
        case .badRequest(let what):
            Reply(451, EnhancedStatus(4, 3, 5), "The queue was asked wrongly: \(what)")
        case .duplicate:
            Reply(451, EnhancedStatus(4, 3, 0), "This id is in the queue already")
        }
    }

    /// What a caller of qmail-queue gets.
    public var exit: FilterExit {
        switch self {
        case .diskFull, .cannotWrite: .cannotWrite
        case .cannotRead: .cannotRead
        case .unavailable: .networkTrouble
        case .timedOut: .timedOut
        case .badRequest: .internalBug
        case .duplicate: .defer
        }
    }
}
