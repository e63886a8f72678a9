// RemoteDelivery+Conversation: one message, and what becomes of its recipients, in one session.
// RFC 5321, sections 3.3 and 4.5.3.1.10; RFC 6152; RFC 6531; RFC 9422.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPClient
import UnixIO

extension RemoteDelivery {
    /// The most transactions for one message.
    private static var maximumTransactions: Int { 200 }

    /// One transaction, and another for the recipients that were too many for the one before.
    /// Whoever has no outcome afterwards is for another session or host.
    mutating func converse(
        _ session: inout ClientSession, _ candidate: Candidate, _ mail: OutgoingMail,
        _ message: MessageReader, isKept: Bool
    ) {
        guard let content = content(mail, message, for: session.extensions, candidate) else {
            return
        }
        var mail = content.mail
        if let most = session.extensions.maximumSize, let size = mail.size, size > most {
            let text = "the message has \(size) bytes, and \(candidate) takes no more than \(most)"
            return settle(DeliveryResult(Reply(552, EnhancedStatus(5, 3, 4), text)))
        }
        let most = session.extensions.maximumRecipients ?? .max
        for round in 0..<RemoteDelivery.maximumTransactions {
            let open = Array(pending.prefix(most))
            mail.forwardPaths = open.map { paths[$0] }
            mail.recipientOptions = open.map { request.envelope.options(ofRecipient: $0) }
            let result = content.send(&session, mail)
            if isKept, round == 0, result.saysNothingOfMessage {
                return log("session-over", candidate, result.failure?.description ?? "")
            }
            take(result, open, candidate)
            if result.failure != nil || pending.isEmpty { return }
            // The session has no room for another, but a new one has.
            if session.transactions >= session.extensions.maximumTransactions ?? .max { break }
        }
        let text = "too many recipients at a time"
        note(DeliveryResult(Reply(452, EnhancedStatus(4, 5, 3), text), host: "\(candidate)"))
    }

    private mutating func take(
        _ result: TransactionResult, _ open: [Int], _ candidate: Candidate
    ) {
        let hasDelivered = result.replies.contains { $0?.isPositive == true }
        let mayGoOn = hasDelivered && result.failure == nil
        for (index, reply) in zip(open, result.replies) {
            // RFC 5321, section 4.5.3.1.10: the others go in a transaction of their own.
            guard let reply, !(mayGoOn && reply.code == 452) else { continue }
            var outcome = DeliveryResult(reply.reply, host: "\(candidate)")
            if result.passedDSN, reply.isPositive { outcome.notice = .passed }
            settle(index, outcome)
        }
        if let failure = result.failure {
            fail(failure, isInDoubt: result.isInDoubt, candidate)
        }
    }

    /// A session that ended before its end.
    private mutating func fail(
        _ failure: ClientError, isInDoubt: Bool, _ candidate: Candidate
    ) {
        log("session-failed", candidate, failure.description)
        let reply = failure.reply
        guard !isInDoubt else {
            let text = "\(reply.text), after the whole message was sent: possible duplicate"
            settle(DeliveryResult(Reply(reply.code, reply.status, text), host: "\(candidate)"))
            return
        }
        switch failure {
        case .unreadable: settle(DeliveryResult(LocalTrouble.unreadable))
        case .bareCR: settle(DeliveryResult(reply))
        default: note(DeliveryResult(reply, host: "\(candidate)"))
        }
    }
}

/// A message in the form that a host takes.
private struct Content {
    var mail: OutgoingMail
    let message: MessageReader
    /// Nil where the message goes as it is.
    var conversion: MessageConversion?

    func send(_ session: inout ClientSession, _ mail: OutgoingMail) -> TransactionResult {
        guard let conversion else { return session.send(mail, message) }
        return session.send(mail, conversion.source(message))
    }
}

extension RemoteDelivery {
    /// The message as the host can take it; nil when it cannot, which is noted: another host may.
    private mutating func content(
        _ mail: OutgoingMail, _ message: MessageReader, for offered: ServerExtensions,
        _ candidate: Candidate
    ) -> Content? {
        guard offered.smtputf8 || !mail.needsUTF8 else {
            let text = "the message is for hosts with SMTPUTF8 only"
            note(
                DeliveryResult(Reply(550, EnhancedStatus(5, 6, 7), text), host: "\(candidate)"))
            return nil
        }
        let isSevenBit = mail.hasEightBit && !offered.eightBitMIME
        guard isSevenBit || mail.hasLongLines else { return Content(mail: mail, message: message) }
        do throws(ConversionError) {
            if conversion?.isSevenBit != isSevenBit {
                conversion = try MessageConversion(message, isSevenBit: isSevenBit)
            }
        } catch {
            note(DeliveryResult(error.reply, host: "\(candidate)"))
            return nil
        }
        guard let conversion, conversion.changesAnything else {
            return Content(mail: mail, message: message)
        }
        var mail = mail
        mail.size = conversion.wireLength
        if isSevenBit { mail.hasEightBit = false }
        return Content(mail: mail, message: message, conversion: conversion)
    }
}

extension TransactionResult {
    /// True when a session that had lain idle ended, or had no room for another message, before
    /// anything was said of this one.
    fileprivate var saysNothingOfMessage: Bool {
        if isInDoubt { return false }
        guard failure == nil else {
            return replies.allSatisfy { $0 == nil } && failure?.isOurs == false
        }
        return refusedMail && replies.allSatisfy { $0?.replyClass == 4 }
    }
}

extension ClientError {
    /// True when the message itself is the reason.
    fileprivate var isOurs: Bool {
        switch self {
        case .unreadable, .bareCR: true
        default: false
        }
    }
}
