// QueueService: the server's side of the way into the queue.
// queue(5), section CLIENT PROTOCOL.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO
import Workers

/// Serves one request a connection, in a worker of the resident queue-message.
public struct QueueService {
    /// A request that does not come within this time is dropped, so that nobody holds a worker.
    public static let patience = Duration.seconds(10)

    private let spool: Spool
    private let trusted: Set<uid_t>
    private let socket: String
    private let log: Log

    /// A service for a queue. `trusted` are users beside root and the queue's own whose word
    /// about clients is believed; `socket` is named in errors.
    public init(_ spool: Spool, trusted: Set<uid_t>, socket: String, log: Log) {
        self.spool = spool
        self.trusted = trusted.union([0, spool.user])
        self.socket = socket
        self.log = log
    }

    /// Reads a request, does it and answers. Never throws: a client that is gone needs no answer.
    public func serve(_ descriptor: consuming OwnedDescriptor) {
        let connection = Connection(descriptor, socket)
        let deadline = Deadline.after(QueueService.patience)
        guard let peer = connection.peer else { return }
        do throws(ExchangeError) {
            var request = try Exchange.receive(
                on: connection, firstByte: deadline, deadline: deadline)
            switch request.fields.text("request") {
            case "open": try open(on: connection)
            case "room":
                var answer = Fields()
                answer.append("status", "room")
                answer.append("free", spool.freeBytes)
                try Exchange.send(answer, on: connection, deadline: deadline)
            case "commit":
                let outcome = commit(request.fields, request.first.take(), from: peer)
                // Before the answer: a client that is gone, or a death in between, must not leave a
                // message to the manager's next look around.
                if case .queued(let id) = outcome { spool.pullTrigger(id) }
                try Exchange.send(
                    outcome.fields, on: connection, deadline: .after(QueueService.patience))
            default:
                let outcome = QueueOutcome.refused(.badRequest("request"))
                try Exchange.send(outcome.fields, on: connection, deadline: deadline)
            }
        } catch {
            log.event("client-lost", ["pid": "\(peer.pid)", "error": "\(error)"])
        }
    }

    private func open(on connection: borrowing Connection) throws(ExchangeError) {
        let deadline = Deadline.after(QueueService.patience)
        let file: NamelessFile
        do throws(QueueError) {
            file = try spool.nameless()
        } catch {
            log.event("open-failed", ["error": "\(error)"])
            return try Exchange.send(error.outcome.fields, on: connection, deadline: deadline)
        }
        var answer = Fields()
        answer.append("status", "opened")
        try Exchange.send(
            answer, descriptors: [file.writing.borrowed, file.reading.borrowed], on: connection,
            deadline: deadline)
    }

    private func commit(
        _ fields: Fields, _ descriptor: consuming OwnedDescriptor?,
        from peer: (pid: pid_t, uid: uid_t)
    ) -> QueueOutcome {
        var forward: Submission?
        do throws(QueueError) {
            guard let file = descriptor else { throw .badRequest("no descriptor came along") }
            var submission = try QueueService.submission(fields)
            if !trusted.contains(peer.uid) { submission.facts = Facts() }
            if peer.uid != 0, peer.uid != spool.user { submission.forwardOf = nil }
            if submission.forwardOf != nil { forward = submission }
            let message = try spool.accept(
                submission, file.borrowed, submitter: "\(peer.pid) \(peer.uid)",
                now: WallClock.microseconds)
            log.queued(
                message, messageID: submission.messageID(in: file.borrowed),
                isHeld: submission.edits.hold)
            return .queued(submission.id)
        } catch {
            if let forward, spool.holds(forward, error) { return .queued(forward.id) }
            log.event(
                "queue-failed",
                [
                    "message": fields.text("id"), "pid": "\(peer.pid)", "uid": "\(peer.uid)",
                    "error": "\(error)",
                ])
            return error.outcome
        }
    }

    private static func submission(_ fields: Fields) throws(QueueError) -> Submission {
        do throws(FieldsError) {
            let submission = try Submission(fields)
            guard !submission.finalEnvelope.recipients.isEmpty else {
                throw .missing("recipient")
            }
            return submission
        } catch {
            throw .badRequest("\(error)")
        }
    }
}

extension Log {
    /// The event of a message that is safe.
    func queued(_ message: QueuedMessage, messageID: [UInt8]?, isHeld: Bool) {
        event(
            "queued",
            [
                "message": message.id.description,
                "session": message.facts[.session].map(\.printable),
                "from": message.envelope.reversePath.description,
                "recipients": "\(message.envelope.recipients.count)",
                "bytes": "\(message.messageLength)", "message-id": messageID?.printable,
                "by": message.submitter,
                "held": isHeld ? "yes" : nil,
            ])
    }
}
