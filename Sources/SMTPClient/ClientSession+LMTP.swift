// ClientSession+LMTP: a session with a server of LMTP.
// RFC 2033.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol

extension ClientSession {
    /// Waits for the greeting and says LHLO; there is nothing else to say to a server that refuses
    /// it. RFC 2033, section 4.1.
    /// - Parameter name: our own name, or an address literal.
    /// - Throws: `ClientError`; the session is of no use then.
    public mutating func openLMTP(as name: [UInt8]) throws(ClientError) {
        isBroken = true
        let greeting = try line.reply(.greeting)
        try ClientSession.requirePositive(greeting, .greeting)
        let reply = try ask(Array("LHLO ".utf8) + name, .ehlo)
        try ClientSession.requirePositive(reply, .ehlo)
        extensions = ServerExtensions(reply)
        isBroken = false
    }

    /// Sends one message by LMTP: after the final dot there is a reply for each recipient that was
    /// accepted, in the order of RCPT (RFC 2033, section 4.2). Where such a reply is lost, the
    /// recipient's is nil and the result is in doubt; those that came before it count.
    public mutating func sendLMTP(
        _ mail: OutgoingMail, _ message: some MessageSource
    ) -> TransactionResult {
        var result = TransactionResult(
            replies: Array(repeating: nil, count: mail.forwardPaths.count))
        do throws(ClientError) {
            let accepted = try sendEnvelope(mail, &result, withDATA: false).accepted
            guard !accepted.isEmpty else { return result }
            if let refusal = try sendData(message) {
                for index in accepted { result.replies[index] = refusal }
                return result
            }
            result.isInDoubt = true
            for index in accepted {
                let reply = try line.reply(.finalDot)
                // A recipient's reply, whatever it is: 421 ends the session for those behind it.
                guard reply.replyClass != 3 else { throw .unexpected(.finalDot, reply) }
                if reply.code == 421 { isBroken = true }
                result.replies[index] = reply
            }
            result.isInDoubt = false
        } catch {
            isBroken = true
            result.failure = error
        }
        return result
    }

    /// DATA, the message and the final dot.
    /// - Returns: the reply of a server that refuses before it has seen the end; nil when
    ///   everything was sent.
    private mutating func sendData(
        _ message: some MessageSource
    ) throws(ClientError) -> SMTPReply? {
        let go = try ask(Array("DATA".utf8), .data)
        guard go.replyClass == 3 else {
            if go.isPositive { throw .unexpected(.data, go) }
            return go
        }
        return try sendPieces(message)
    }
}
