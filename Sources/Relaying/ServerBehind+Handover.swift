// A whole message for a server behind: for all of its recipients, or for none.
// filter-chain(8), option --reinject; RFC 5321, section 3.3.
// SPDX-License-Identifier: MIT

public import MailModel
public import SMTPClient
import SMTPProtocol
public import UnixIO

extension ServerBehind {
    /// Hands over a message.
    ///
    /// There is one answer for whoever waits: the server's to the message; or, when it refuses a
    /// recipient, its reply to that one, and nobody gets the message. A temporary one comes before
    /// a permanent one: asked again, the server may take them all.
    /// - Returns: a reply of class 2 only when the server has the message.
    public func take(
        _ envelope: Envelope, _ message: some MessageSource, of client: Facts,
        until deadline: Deadline
    ) -> Reply {
        do throws(UnsendableAddress) {
            let mail = try OutgoingMail(envelope)
            do throws(ServerBehindError) {
                return try hand(mail, envelope, message, client, deadline)
            } catch {
                return error.reply
            }
        } catch {
            return error.reply
        }
    }

    private func hand(
        _ mail: OutgoingMail, _ envelope: Envelope, _ message: some MessageSource,
        _ client: Facts, _ deadline: Deadline
    ) throws(ServerBehindError) -> Reply {
        var mail = mail
        do {
            let survey = try MessageSurvey(message)
            guard !survey.hasBareCR else { return ClientError.bareCR.reply }
            mail.size = survey.wireLength
            mail.hasEightBit = survey.hasEightBit
        } catch {
            throw .session(.unreadable(error))
        }
        var session = try open(until: deadline)
        let reply = try ServerBehind.ask { () throws(ClientError) in
            if let refusal = try session.forward(client.forwarded) {
                return ServerBehindError.strange(refusal).reply
            }
            if let reply = Self.obstacle(to: mail, session.extensions) { return reply }
            return try session.transact(mail, envelope.recipients, message)
        }
        session.quit()
        return reply
    }

    /// Why a server cannot be given this mail at all. That is for the administrator to change.
    private static func obstacle(to mail: OutgoingMail, _ offered: ServerExtensions) -> Reply? {
        if mail.needsUTF8, !offered.smtputf8 {
            return Reply(451, EnhancedStatus(4, 6, 7), "the server behind offers no SMTPUTF8")
        }
        if mail.hasEightBit, !offered.eightBitMIME {
            return Reply(451, EnhancedStatus(4, 6, 3), "the server behind offers no 8BITMIME")
        }
        return nil
    }
}

extension ClientSession {
    /// One transaction for all recipients or none.
    fileprivate mutating func transact(
        _ mail: OutgoingMail, _ recipients: [Mailbox], _ message: some MessageSource
    ) throws(ClientError) -> Reply {
        let answer = try begin(mail)
        guard answer.isPositive else { return answer.reply }
        var refusal: Reply?
        for (number, recipient) in recipients.enumerated() {
            let answer = try add(number, of: mail)
            guard !answer.isPositive else { continue }
            let reply = answer.reply
            if refusal == nil || (refusal?.code ?? 0 >= 500 && reply.code < 500) {
                refusal = Reply(reply.code, reply.status, "\(recipient): \(reply.text)")
            }
        }
        if let refusal { return refusal }
        let result = send(message)
        if let reply = result.reply { return reply.reply }
        throw result.failure ?? .lost(.finalDot)
    }
}
