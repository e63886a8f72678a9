// SessionDriver+Forward: what is accepted goes to a server behind, in step with the client.
// smtp-server(8), section A server behind.
// SPDX-License-Identifier: MIT

import MailModel
import Relaying
import SMTPClient
import SMTPProtocol
import UnixIO

extension SessionDriver {
    /// Offers what the server behind can do too.
    mutating func narrowExtensions() {
        guard let offer = server.offerBehind?.extensions else { return }
        session.narrow(to: offer)
    }

    /// Tells the server behind of a command.
    func pass(_ command: PassedCommand) -> SMTPReply {
        guard let behind else { return SMTPReply(.cannotStore) }
        switch command {
        case .mail(let envelope):
            let facts = session.factsOfCandidate
            let reply = behind.begin(
                envelope, size: facts[.declaredSize]?.decimalValue, for: facts)
            if let extensions = behind.extensions { server.offerBehind?.note(extensions) }
            return reply
        case .recipients(let recipients): return behind.add(recipients)
        }
    }

    /// Gives it a message; what it says is the client's reply.
    mutating func forward(_ message: AcceptedMessage, to behind: PassedSession) -> QueueAnswer {
        guard let stored = stored.take() else { return .refused(.cannotStore) }
        guard !message.edits.hold else { return .refused(.held) }
        let range = message.edits.replacement ?? (offset: 0, length: stored.length)
        let content = EditedMessage(
            stored.file.borrowed, offset: range.offset, length: range.length,
            message.edits.overlay)
        let answer = behind.finish(message.edits.applied(to: message.envelope), content)
        withExtendedLifetime(stored.length) {}
        switch answer {
        case .answered(let reply):
            log.passed(reply, message.id)
            if reply.isPositive { acceptedMessages += 1 }
            return .answered(reply)
        case .failed(let reply):
            log.trouble(reply.text, message: message.id)
            return .refused(reply)
        }
    }
}

extension Reply {
    fileprivate static let held = Reply(
        451, EnhancedStatus(4, 7, 1), "Held for the administrator, try again later")
}

extension SessionLog {
    /// A server behind has answered for a message.
    fileprivate func passed(_ reply: SMTPReply, _ id: QueueID) {
        log.event(
            "passed-on",
            [
                "session": session, "message": id.description, "code": "\(reply.code)",
                "text": reply.text,
            ])
    }

    /// A server in front says for whom it speaks.
    func speaks(for facts: Facts) {
        log.event(
            "client",
            [
                "session": session, "client": facts[.clientIP]?.printable,
                "name": facts[.clientName]?.printable, "helo": facts[.helo]?.printable,
                "auth-user": facts[.authUser]?.printable,
            ])
    }
}
