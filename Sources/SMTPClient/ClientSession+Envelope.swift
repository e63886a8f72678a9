// ClientSession+Envelope: MAIL and RCPT, and DATA behind them, in groups where the server allows it.
// RFC 5321, sections 3.3 and 4.5.3.1.10; RFC 2920; RFC 1870; RFC 6152; RFC 3461.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol

/// What the server said to the envelope.
struct EnvelopeReplies {
    /// The numbers of the forward-paths that it takes.
    var accepted: [Int] = []
    /// Why it refuses the whole.
    var refusal: SMTPReply?
    /// The reply to DATA, where that was sent with the others.
    var go: SMTPReply?
}

/// One command of an envelope.
private enum EnvelopeCommand {
    case rset
    case mail
    case rcpt(Int)
    case data

    var step: ClientStep {
        switch self {
        case .rset: .rset
        case .mail: .mail
        case .rcpt: .rcpt
        case .data: .data
        }
    }
}

extension ClientSession {
    /// The most commands that are sent before their replies are read.
    static var groupSize: Int { 100 }

    /// MAIL and every RCPT. With PIPELINING they go in groups, at the end of the last of which DATA
    /// may stand (RFC 2920, section 3.1); every reply is read, whatever the one before it said.
    mutating func sendEnvelope(
        _ mail: OutgoingMail, _ result: inout TransactionResult, withDATA: Bool
    ) throws(ClientError) -> EnvelopeReplies {
        var commands: [EnvelopeCommand] = needsReset ? [.rset, .mail] : [.mail]
        commands += mail.forwardPaths.indices.map(EnvelopeCommand.rcpt)
        if withDATA { commands.append(.data) }
        needsReset = true
        transactions += 1
        let size = extensions.pipelining ? ClientSession.groupSize : 1
        var replies = EnvelopeReplies()
        for start in stride(from: 0, to: commands.count, by: size) {
            let group = commands[start..<min(commands.count, start + size)]
            try requireSilence(commands[start].step)
            var bytes: [UInt8] = []
            for command in group { bytes += text(of: command, mail) + [0x0D, 0x0A] }
            _ = try line.send(bytes, commands[start].step, repliesDue: group.count)
            for command in group {
                try take(try reply(command.step), to: command, &replies, &result)
            }
            guard replies.refusal == nil else { break }
        }
        return replies
    }

    private func take(
        _ reply: SMTPReply, to command: EnvelopeCommand, _ replies: inout EnvelopeReplies,
        _ result: inout TransactionResult
    ) throws(ClientError) {
        switch command {
        case .rset:
            guard reply.isPositive else { throw .unexpected(.rset, reply) }
        case .mail:
            guard let refusal = try ClientSession.refusal(reply, .mail) else { return }
            replies.refusal = refusal
            // At once: what is said of a transaction that was never begun is not looked at.
            for index in result.replies.indices { result.replies[index] = refusal }
        case .rcpt(let index):
            if replies.refusal != nil { return }
            if let refusal = try ClientSession.refusal(reply, .rcpt) {
                result.replies[index] = refusal
            } else {
                replies.accepted.append(index)
            }
        case .data: replies.go = reply
        }
    }

    private func text(of command: EnvelopeCommand, _ mail: OutgoingMail) -> [UInt8] {
        switch command {
        case .rset: Array("RSET".utf8)
        case .mail: mailCommand(mail)
        case .rcpt(let index): rcptCommand(mail, index)
        case .data: Array("DATA".utf8)
        }
    }

    func mailCommand(_ mail: OutgoingMail) -> [UInt8] {
        var command = Array("MAIL FROM:".utf8) + mail.reversePath
        if extensions.size, let size = mail.size { command += " SIZE=\(size)".utf8 }
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

    func rcptCommand(_ mail: OutgoingMail, _ index: Int) -> [UInt8] {
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
    static func refusal(
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
