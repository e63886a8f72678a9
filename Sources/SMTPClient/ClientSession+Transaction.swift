// ClientSession+Transaction: one message, from MAIL to the reply for all accepted recipients.
// RFC 5321, section 3.3.
// SPDX-License-Identifier: MIT

import MailModel
public import SMTPProtocol
import UnixIO

/// What came of a transaction, recipient by recipient.
public struct TransactionResult: Sendable {
    /// For each forward-path the reply that settles it; nil where the failure left it open, and
    /// never nil without a failure.
    public internal(set) var replies: [SMTPReply?]
    /// Why the transaction ended before its end; the session is of no use then.
    public internal(set) var failure: ClientError?
    /// True when the end of the message was sent and no answer came: a server may have taken
    /// the message, so that nobody else must be given it now.
    public internal(set) var isInDoubt = false
    /// True when the server refused MAIL.
    public internal(set) var refusedMail = false
    /// True when the server was told what NOTIFY, ORCPT, RET and ENVID ask for, so that reports are
    /// its matter from now on. RFC 3461, section 5.2.2.
    public internal(set) var passedDSN = false
}

extension ClientSession {
    /// Sends one message. Recipients are told apart: those that are refused do not keep the
    /// others from getting it.
    public mutating func send(
        _ mail: OutgoingMail, _ message: some MessageSource
    ) -> TransactionResult {
        var result = TransactionResult(
            replies: Array(repeating: nil, count: mail.forwardPaths.count))
        do throws(ClientError) {
            try transact(mail, message, &result)
        } catch {
            isBroken = true
            result.failure = error
        }
        return result
    }

    private mutating func transact(
        _ mail: OutgoingMail, _ message: some MessageSource, _ result: inout TransactionResult
    ) throws(ClientError) {
        let usesChunks = extensions.chunking
        result.passedDSN = extensions.dsn
        let envelope = try sendEnvelope(
            mail, &result, withDATA: extensions.pipelining && !usesChunks)
        result.refusedMail = envelope.refusal != nil
        guard !envelope.accepted.isEmpty else { return endWithoutRecipients(envelope) }
        let reply: SMTPReply
        if usesChunks {
            reply = try sendChunks(message, &result.isInDoubt)
        } else {
            reply = try sendData(message, envelope.go, &result.isInDoubt)
        }
        for index in envelope.accepted { result.replies[index] = reply }
    }

    /// RFC 2920, section 3.1: a server that takes DATA although it refused every recipient is sent a
    /// single dot. What it says to that is of no consequence.
    private mutating func endWithoutRecipients(_ envelope: EnvelopeReplies) {
        guard envelope.go?.replyClass == 3 else { return }
        isBroken = true
        guard (try? line.send([0x2E, 0x0D, 0x0A], .finalDot, repliesDue: 1)) == true,
            let reply = try? line.reply(.finalDot), reply.code != 421
        else { return }
        isBroken = false
    }
}

extension ClientSession {
    /// The bytes of the message that are sent at a time.
    static var pieceSize: Int { 65_536 }
    /// The bytes of a chunk; RFC 3030 sets no limit. Each costs a round trip.
    static var chunkSize: Int { 262_144 }

    /// DATA, unless it was said already, the message and its end.
    /// - Returns: the reply for all accepted recipients.
    mutating func sendData(
        _ message: some MessageSource, _ given: SMTPReply?, _ isInDoubt: inout Bool
    ) throws(ClientError) -> SMTPReply {
        let go: SMTPReply
        if let given { go = given } else { go = try ask(Array("DATA".utf8), .data) }
        guard go.replyClass == 3 else {
            if go.isPositive { throw .unexpected(.data, go) }
            return go
        }
        if let reply = try sendPieces(message) { return reply }
        isInDoubt = true
        return try finalReply(&isInDoubt)
    }

    /// The reply to the end of the message.
    private mutating func finalReply(_ isInDoubt: inout Bool) throws(ClientError) -> SMTPReply {
        let reply = try line.reply(.finalDot)
        guard reply.replyClass != 3 else { throw .unexpected(.finalDot, reply) }
        isInDoubt = false
        needsReset = !reply.isPositive
        if reply.code == 421 { isBroken = true }
        return reply
    }

    /// The message and the final dot.
    /// - Returns: the reply of a server that refuses before it has seen the end; nil when
    ///   everything was sent.
    mutating func sendPieces(
        _ message: some MessageSource
    ) throws(ClientError) -> SMTPReply? {
        var message = message
        var encoder = DataEncoder()
        var output: [UInt8] = []
        while let piece = try ClientSession.next(of: &message) {
            try ClientSession.encode(piece, with: &encoder, into: &output)
            guard output.count >= ClientSession.pieceSize else { continue }
            guard try line.send(output, .message) else { return try earlyReply() }
            output.removeAll(keepingCapacity: true)
        }
        encoder.finish(into: &output)
        try line.receiveWaiting(.message)
        if line.hasInput { return try earlyReply() }
        return try line.send(output, .message) ? nil : try earlyReply()
    }

    /// The message in chunks, each with its reply. RFC 3030, section 2.
    /// - Returns: the reply for all accepted recipients.
    mutating func sendChunks(
        _ message: some MessageSource, _ isInDoubt: inout Bool
    ) throws(ClientError) -> SMTPReply {
        var message = message
        var encoder = DataEncoder(hasFinalDot: false)
        var output: [UInt8] = []
        while let piece = try ClientSession.next(of: &message) {
            try ClientSession.encode(piece, with: &encoder, into: &output)
            guard output.count >= ClientSession.chunkSize else { continue }
            let reply = try sendChunk(output)
            // Whatever is left is not sent: RSET comes next.
            guard reply.isPositive else { return reply }
            output.removeAll(keepingCapacity: true)
        }
        encoder.finish(into: &output)
        try requireSilence(.message)
        let command = Array("BDAT \(output.count) LAST\r\n".utf8)
        guard try line.send(command + output, .message, repliesDue: 1) else {
            return try earlyReply()
        }
        isInDoubt = true
        let reply = try finalReply(&isInDoubt)
        try requireBDAT(reply)
        return reply
    }

    private mutating func sendChunk(_ bytes: [UInt8]) throws(ClientError) -> SMTPReply {
        try requireSilence(.message)
        let command = Array("BDAT \(bytes.count)\r\n".utf8)
        guard try line.send(command + bytes, .message, repliesDue: 1) else {
            return try earlyReply()
        }
        let reply = try reply(.message)
        guard reply.replyClass != 3 else { throw .unexpected(.message, reply) }
        try requireBDAT(reply)
        return reply
    }

    /// A server that offers CHUNKING and knows no BDAT has read the message as commands. It says
    /// nothing of the message.
    private func requireBDAT(_ reply: SMTPReply) throws(ClientError) {
        guard reply.code != 500, reply.code != 502 else { throw .unexpected(.message, reply) }
    }

    private static func encode(
        _ piece: [UInt8], with encoder: inout DataEncoder, into output: inout [UInt8]
    ) throws(ClientError) {
        do throws(DataEncoderError) {
            try encoder.encode(piece, into: &output)
        } catch {
            throw .bareCR
        }
    }

    private static func next(
        of message: inout some MessageSource
    ) throws(ClientError) -> [UInt8]? {
        do {
            return try message.next()
        } catch {
            throw .unreadable(error)
        }
    }

    /// What the server says in the middle of a message. Only a refusal is believed.
    private mutating func earlyReply() throws(ClientError) -> SMTPReply {
        isBroken = true
        let reply = try reply(.message)
        guard reply.replyClass >= 4 else { throw .unexpected(.message, reply) }
        return reply
    }
}
