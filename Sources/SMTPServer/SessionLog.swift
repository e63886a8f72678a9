// SessionLog: one line for each thing that happened in a session.
// chainmail(7), section LOGS.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol
import UnixIO

/// What a reply is about, for the log.
enum Subject {
    /// The connection, before the greeting.
    case connect
    /// HELO or EHLO; only refusals are logged.
    case helo
    /// A reverse-path.
    case mail(ReversePath)
    /// A recipient.
    case recipient(Mailbox)
    /// DATA; only refusals are logged.
    case data
    /// A whole message and its size.
    case message(Int)
}

/// Writes the events of one session.
struct SessionLog {
    let log: Log
    let session: String

    /// The session begins.
    func connected(_ facts: Facts, _ profile: ListenerProfile) {
        log.event(
            "connect",
            [
                "session": session, "client": facts[.clientIP]?.printable,
                "port": facts[.clientPort]?.printable, "local": facts[.localIP]?.printable,
                "service": profile.service.rawValue,
                "relay": facts.mayRelay ? "yes" : nil,
            ])
    }

    /// A reply was given to something that is worth a line.
    func replied(_ reply: SMTPReply, to subject: Subject, message: String?, facts: Facts) {
        switch subject {
        case .connect, .helo, .data:
            guard reply.code >= 400 else { return }
            let name = subject.name
            event(name, reply, message, "helo", facts[.helo]?.printable)
        case .mail(let path):
            event(
                "mail", reply, message, "reverse-path", path.bytes.printable,
                [
                    ("helo", facts[.helo]?.printable),
                    ("auth-user", facts[.authUser]?.printable),
                ])
        case .recipient(let mailbox): event("rcpt", reply, message, "recipient", "\(mailbox)")
        case .message(let length): event("message", reply, message, "size", "\(length)")
        }
    }

    /// The client has spoken before it was greeted.
    func earlyTalker(_ facts: Facts) {
        log.event(
            "early-talker", ["session": session, "client": facts[.clientIP]?.printable])
    }

    /// Something of ours went wrong.
    func trouble(_ what: String, message: QueueID?) {
        log.event(
            "trouble",
            ["session": session, "message": message.map(\.description), "error": what])
    }

    /// The session ended.
    func ended(_ reason: String, messages: Int) {
        log.event(
            "disconnect",
            ["session": session, "reason": reason, "messages": "\(messages)"])
    }

    /// A client is made to wait: the line comes when the wait begins.
    func delays(_ delay: Duration, _ request: FilterRequest) {
        log.event(
            "delay",
            [
                "session": session, "message": request.facts[.message]?.printable,
                "stage": request.stage.rawValue, "ms": "\(delay.milliseconds)",
            ])
    }

    /// A client is not made to wait, since so many are already.
    func notDelayed(_ request: FilterRequest, waiting: Int) {
        log.event(
            "not-delayed",
            [
                "session": session, "message": request.facts[.message]?.printable,
                "stage": request.stage.rawValue, "waiting": "\(waiting)",
            ])
    }

    private func event(
        _ name: String, _ reply: SMTPReply, _ message: String?, _ key: String, _ value: String?,
        _ others: [(key: String, value: String?)] = []
    ) {
        log.event(
            name,
            pairs: [("session", session), ("message", message), (key, value)] + others + [
                ("code", "\(reply.code)"), ("status", reply.status.map(\.description)),
                ("text", reply.code >= 400 ? reply.text : nil),
            ])
    }
}

extension Subject {
    /// What the reply to a request's verdict is about.
    init?(_ request: FilterRequest, length: Int) {
        switch request.stage {
        case .connect: self = .connect
        case .helo: self = .helo
        case .data: self = .data
        case .message: self = .message(length)
        case .mail:
            guard let envelope = request.envelope else { return nil }
            self = .mail(envelope.reversePath)
        case .rcpt:
            guard let mailbox = request.envelope?.recipients.first else { return nil }
            self = .recipient(mailbox)
        }
    }

    fileprivate var name: String {
        switch self {
        case .connect: "connect-refused"
        case .helo: "helo-refused"
        case .data: "data-refused"
        case .mail: "mail"
        case .recipient: "rcpt"
        case .message: "message"
        }
    }
}
