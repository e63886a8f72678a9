// ClientSession+Verification: MAIL and RCPT without a message, to learn of one mailbox.
// RFC 5321, sections 3.3 and 4.1.1.5.
// SPDX-License-Identifier: MIT

public import SMTPProtocol

/// What a server says when it is asked for one mailbox.
public enum Verification: Hashable, Sendable {
    /// It answered RCPT with this, yes or no.
    case answered(SMTPReply)
    /// It refused MAIL, so that nothing was asked.
    case notAsked(SMTPReply)
}

extension ClientSession {
    /// Asks for one mailbox, and takes the transaction back. The session can be asked again, as
    /// long as `canGoOn` says so.
    /// - Parameters:
    ///   - forwardPath: the mailbox in angle brackets.
    ///   - reversePath: who asks, in angle brackets.
    ///   - limits: the time limits of this question.
    /// - Returns: what the server said.
    /// - Throws: `ClientError` when there is no answer; the session is of no use then.
    public mutating func verify(
        _ forwardPath: [UInt8], from reversePath: [UInt8], limits: ClientLimits
    ) throws(ClientError) -> Verification {
        line.limits = limits
        // Whatever goes wrong from here on, nobody knows what the server takes the next command
        // for.
        isBroken = true
        let reply = try ask(Array("MAIL FROM:".utf8) + reversePath, .mail)
        guard reply.replyClass != 3 else { throw .unexpected(.mail, reply) }
        guard reply.isPositive else {
            isBroken = false
            return .notAsked(reply)
        }
        let answer = try ask(Array("RCPT TO:".utf8) + forwardPath, .rcpt)
        guard answer.replyClass != 3 else { throw .unexpected(.rcpt, answer) }
        // The answer is there; what becomes of the session is a matter of the next question.
        if let reset = try? ask(Array("RSET".utf8), .rset), reset.isPositive { isBroken = false }
        return .answered(answer)
    }
}
