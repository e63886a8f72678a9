// ClientSession+Transaction: MAIL, RCPT, DATA and the message.
// RFC 5321, section 3.3; RFC 1870; RFC 2920; RFC 6152.
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
}

extension ClientSession {
    /// The most commands that are sent before their replies are read.
    static var groupSize: Int { 100 }
    /// The bytes of the message that are sent at a time.
    static var pieceSize: Int { 65_536 }

    /// Sends one message. Recipients are told apart: those that are refused do not keep the
    /// others from getting it.
    public mutating func send(
        _ mail: OutgoingMail, _ message: some MessageSource
    ) -> TransactionResult {
        var result = TransactionResult(
            replies: Array(repeating: nil, count: mail.forwardPaths.count))
        do throws(ClientError) {
            let accepted = try sendEnvelope(mail, &result)
            guard !accepted.isEmpty else { return result }
            let reply = try sendMessage(message, &result.isInDoubt)
            for index in accepted { result.replies[index] = reply }
        } catch {
            isBroken = true
            result.failure = error
        }
        return result
    }

    /// MAIL and every RCPT, in groups where the server offers PIPELINING. DATA is not among them:
    /// a server that refuses every recipient must not be sent a message, not even an empty one.
    /// - Returns: the accepted recipients.
    mutating func sendEnvelope(
        _ mail: OutgoingMail, _ result: inout TransactionResult
    ) throws(ClientError) -> [Int] {
        let commands =
            [mailCommand(mail)] + mail.forwardPaths.indices.map { rcptCommand(mail, $0) }
        let size = extensions.pipelining ? ClientSession.groupSize : 1
        var accepted: [Int] = []
        var refusal: SMTPReply?
        for start in stride(from: 0, to: commands.count, by: size) {
            let group = start..<min(commands.count, start + size)
            try requireSilence(start == 0 ? .mail : .rcpt)
            let bytes: [UInt8] = Array(commands[group].joined(separator: [0x0D, 0x0A]))
            _ = try line.send(bytes + [0x0D, 0x0A], .rcpt, repliesDue: group.count)
            for index in group {
                let reply = try reply(index == 0 ? .mail : .rcpt)
                if index == 0 {
                    refusal = try ClientSession.refusal(reply, .mail)
                } else if let refusal = try ClientSession.refusal(reply, .rcpt) {
                    result.replies[index - 1] = refusal
                } else {
                    accepted.append(index - 1)
                }
            }
            guard refusal == nil else { break }
        }
        guard let refusal else { return accepted }
        for index in result.replies.indices { result.replies[index] = refusal }
        return []
    }

    private func mailCommand(_ mail: OutgoingMail) -> [UInt8] {
        var command = Array("MAIL FROM:".utf8) + mail.reversePath
        if extensions.size, let size = mail.size { command += " SIZE=\(size)".utf8 }
        // A server that does not offer it gets the bytes as they are: see deliver-remote(8).
        if mail.hasEightBit, extensions.eightBitMIME { command += " BODY=8BITMIME".utf8 }
        if extensions.smtputf8, mail.options.smtputf8 { command += " SMTPUTF8".utf8 }
        if extensions.requireTLS, mail.options.requireTLS, isSecured {
            // RFC 8689, section 4.2.1.
            command += " REQUIRETLS".utf8
        }
        if extensions.dsn {
            if let ret = mail.options.ret { command += " RET=\(ret.rawValue)".utf8 }
            if let envid = mail.options.envid { command += " ENVID=".utf8 + envid.xtext }
        }
        return command
    }

    private func rcptCommand(_ mail: OutgoingMail, _ index: Int) -> [UInt8] {
        var command = Array("RCPT TO:".utf8) + mail.forwardPaths[index]
        guard extensions.dsn, mail.recipientOptions.indices.contains(index) else { return command }
        let options = mail.recipientOptions[index]
        if let notify = options.notify { command += " NOTIFY=\(notify.value)".utf8 }
        // UTF-8 itself is only for a server that was told of SMTPUTF8. RFC 6533, section 3.
        let mayHaveUTF8 = extensions.smtputf8 && mail.options.smtputf8
        if let orcpt = options.orcpt, mayHaveUTF8 || orcpt.value.allSatisfy({ $0 < 0x80 }) {
            command += " ORCPT=".utf8 + orcpt.value
        }
        return command
    }

    /// The reply where it refuses; nil where it accepts.
    private static func refusal(
        _ reply: SMTPReply, _ step: ClientStep
    ) throws(ClientError) -> SMTPReply? {
        switch reply.replyClass {
        case 2: return nil
        case 3: throw .unexpected(step, reply)
        default: return step == .rcpt ? withoutOldCode(reply) : reply
        }
    }

    /// RFC 5321, section 4.5.3.1.10: 552 means too many recipients in old servers, and that is
    /// 452. A status of another meaning says that the server is not one of them.
    private static func withoutOldCode(_ reply: SMTPReply) -> SMTPReply {
        let isTooMany = reply.status == nil || reply.status == EnhancedStatus(5, 5, 3)
        guard reply.code == 552, isTooMany else { return reply }
        return SMTPReply(452, EnhancedStatus(4, 5, 3), lines: reply.lines)
    }
}

extension ClientSession {
    /// DATA, the message and its end.
    /// - Returns: the reply for all accepted recipients.
    private mutating func sendMessage(
        _ message: some MessageSource, _ isInDoubt: inout Bool
    ) throws(ClientError) -> SMTPReply {
        let go = try ask(Array("DATA".utf8), .data)
        guard go.replyClass == 3 else {
            if go.isPositive { throw .unexpected(.data, go) }
            return go
        }
        if let reply = try sendPieces(message) { return reply }
        isInDoubt = true
        let reply = try line.reply(.finalDot)
        guard reply.replyClass != 3 else { throw .unexpected(.finalDot, reply) }
        isInDoubt = false
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
            do throws(DataEncoderError) {
                try encoder.encode(piece, into: &output)
            } catch {
                throw .bareCR
            }
            guard output.count >= ClientSession.pieceSize else { continue }
            guard try line.send(output, .message) else { return try earlyReply() }
            output.removeAll(keepingCapacity: true)
        }
        encoder.finish(into: &output)
        try line.receiveWaiting(.message)
        if line.hasInput { return try earlyReply() }
        return try line.send(output, .message) ? nil : try earlyReply()
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
