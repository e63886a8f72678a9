// LMTPDelivery: one message for recipients whose mailboxes a server of LMTP keeps.
// RFC 2033; deliver-local(8), section LMTP.
// SPDX-License-Identifier: MIT

import MailModel
import Recipients
import Resolver
import SMTPClient
import SMTPProtocol
import UnixIO

/// One session with one server. Each recipient has an outcome of its own; one whose reply was lost
/// is deferred, so that the server may get the message for him twice, and never not at all.
struct LMTPDelivery {
    /// Limits of one delivery.
    struct Limits: Sendable {
        /// For one connection.
        var connect = Duration.seconds(30)
        /// For each step, instead of those of RFC 5321, section 4.5.3.2.
        var step: Duration?
        /// For all of it.
        var delivery = Duration.seconds(3000)
    }

    /// The most transactions of one session: recipients that are too many for one go into the next.
    private static let mostTransactions = 200

    private let request: DeliveryRequest
    private let endpoint: LMTPEndpoint
    private let settings: StoreSettings
    private let limits: Limits
    private var results: [DeliveryResult?]
    private var paths: [[UInt8]] = []

    /// A delivery to all recipients of a request.
    init(
        _ request: DeliveryRequest, to endpoint: LMTPEndpoint, _ settings: StoreSettings,
        _ limits: Limits = Limits()
    ) {
        self.request = request
        self.endpoint = endpoint
        self.settings = settings
        self.limits = limits
        results = request.envelope.recipients.map { _ in nil }
    }

    /// Delivers and says what became of each recipient, in their order.
    mutating func run(_ file: Descriptor) -> [DeliveryResult] {
        // Return-Path and Delivered-To are the server's: it is the final delivery.
        let message = MessageReader(request, file, removing: ["return-path"])
        let unreadable = DeliveryResult(LocalTrouble.unreadable)
        do {
            try settleLoops(message)
            let survey = try MessageSurvey(message)
            if let mail = prepare(survey) { deliver(mail, message) }
        } catch {
            log("\(error)")
            settle(unreadable)
        }
        return results.map { $0 ?? unreadable }
    }

    /// The recipients without an outcome.
    private var pending: [Int] { results.indices.filter { results[$0] == nil } }

    /// Whoever is in a Delivered-To of the header had the message before.
    private mutating func settleLoops(_ message: MessageReader) throws(SystemError) {
        let marks = try DeliveryMarks(message)
        for (index, recipient) in request.envelope.recipients.enumerated()
        where marks.contains(recipient.bytes) {
            results[index] = DeliveryResult(LocalTrouble.looping)
        }
    }

    /// What can be said before anybody is asked; nil when that is all.
    private mutating func prepare(_ survey: MessageSurvey) -> OutgoingMail? {
        guard !survey.hasBareCR else {
            settle(DeliveryResult(ClientError.bareCR.reply))
            return nil
        }
        let utf8 = request.envelope.options.smtputf8
        var reversePath: [UInt8]? = [0x3C, 0x3E]
        if let mailbox = request.envelope.reversePath.mailbox,
            mailbox.bytes != Array("#@[]".utf8)
        {
            reversePath = PathSyntax.path(of: mailbox, utf8: utf8)
        }
        guard let reversePath else {
            let text = "the sender's address cannot be sent"
            settle(DeliveryResult(Reply(553, EnhancedStatus(5, 1, 7), text)))
            return nil
        }
        for (index, recipient) in request.envelope.recipients.enumerated() {
            let path = PathSyntax.path(of: recipient, utf8: utf8)
            paths.append(path ?? [])
            guard path == nil, results[index] == nil else { continue }
            let text = "the recipient's address cannot be sent"
            results[index] = DeliveryResult(Reply(553, EnhancedStatus(5, 1, 3), text))
        }
        guard !pending.isEmpty else { return nil }
        var mail = OutgoingMail(
            reversePath: reversePath, forwardPaths: [], size: survey.wireLength,
            hasEightBit: survey.hasEightBit)
        mail.options = request.envelope.options
        return mail
    }

    private mutating func deliver(_ mail: OutgoingMail, _ message: MessageReader) {
        let deadline = Deadline.after(limits.delivery)
        let socket: OwnedDescriptor
        do throws(SystemError) {
            socket = try LMTPSocket(endpoint, settings.resolver)
                .connect(deadline: min(deadline, .after(limits.connect)))
        } catch {
            log("\(error)")
            let text = "cannot connect to the server of the mailboxes"
            return settle(DeliveryResult(Reply(451, EnhancedStatus(4, 4, 1), text)))
        }
        var session = ClientSession(
            socket, limits: ClientLimits(step: limits.step, deadline: deadline))
        do {
            try session.openLMTP(as: settings.helloName)
        } catch {
            log(error.description)
            return settle(DeliveryResult(LMTPDelivery.temporary(error.reply), host: host))
        }
        if let most = session.extensions.maximumSize, let size = mail.size, size > most {
            let text = "the message has \(size) bytes, and the mailboxes take no more than \(most)"
            settle(DeliveryResult(Reply(552, EnhancedStatus(5, 3, 4), text), host: host))
        } else {
            converse(&session, mail, message)
        }
        session.quit()
    }

    /// One transaction, and another for the recipients that were too many for the one before.
    private mutating func converse(
        _ session: inout ClientSession, _ mail: OutgoingMail, _ message: MessageReader
    ) {
        var mail = mail
        for _ in 0..<LMTPDelivery.mostTransactions {
            let open = pending
            mail.forwardPaths = open.map { paths[$0] }
            mail.recipientOptions = open.map { request.envelope.options(ofRecipient: $0) }
            guard session.extensions.smtputf8 || !mail.hasUTF8Path else {
                let text = "the server of the mailbox has no SMTPUTF8"
                return settle(
                    DeliveryResult(Reply(550, EnhancedStatus(5, 6, 7), text), host: host))
            }
            let result = session.sendLMTP(mail, message)
            let hasSettled = result.replies.contains { $0 != nil && $0?.code != 452 }
            for (index, reply) in zip(open, result.replies) {
                guard let reply else { continue }
                let isTooMany = reply.code == 452 && reply.status == EnhancedStatus(4, 5, 3)
                if isTooMany, hasSettled, session.canGoOn { continue }
                results[index] = DeliveryResult(reply.reply, host: host)
            }
            if let failure = result.failure {
                return fail(failure, isInDoubt: result.isInDoubt)
            }
            if pending.isEmpty || !session.canGoOn { break }
        }
        let text = "too many recipients at a time"
        settle(DeliveryResult(Reply(452, EnhancedStatus(4, 5, 3), text), host: host))
    }

    /// A session that ended before its end.
    private mutating func fail(_ failure: ClientError, isInDoubt: Bool) {
        log(failure.description)
        switch failure {
        case .unreadable: return settle(DeliveryResult(LocalTrouble.unreadable))
        case .bareCR: return settle(DeliveryResult(failure.reply))
        default: break
        }
        let reply = LMTPDelivery.temporary(failure.reply)
        let doubt = isInDoubt ? ", after the whole message was sent: possible duplicate" : ""
        settle(
            DeliveryResult(Reply(reply.code, reply.status, reply.text + doubt), host: host))
    }

    /// That the server does not talk to us is a matter between us two, and no reason to return
    /// mail, whatever code it gives.
    private static func temporary(_ reply: Reply) -> Reply {
        guard reply.isPermanent else { return reply }
        return Reply(451, EnhancedStatus(4, reply.status.subject, reply.status.detail), reply.text)
    }

    /// The server as a sender may know it: a path of ours is none of his business.
    private var host: String {
        switch endpoint {
        case .unix: "localhost"
        case .inet(let host, _): IPAddress(Array(host.utf8))?.literal ?? host
        }
    }

    /// Gives every recipient that has none this outcome.
    private mutating func settle(_ result: DeliveryResult) {
        for index in pending { results[index] = result }
    }

    private func log(_ error: String) {
        Log(LocalAgent.name).event(
            "lmtp-failed",
            [
                "message": request.id.description, "server": endpoint.description,
                "error": error,
            ])
    }
}

extension OutgoingMail {
    /// A message with a header in UTF-8 goes to a mailbox of ours as it is; addresses need a server
    /// that knows of them.
    fileprivate var hasUTF8Path: Bool {
        reversePath.contains { $0 >= 0x80 } || forwardPaths.contains { $0.contains { $0 >= 0x80 } }
    }
}
