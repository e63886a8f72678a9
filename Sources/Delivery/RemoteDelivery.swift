// RemoteDelivery: one message for recipients of one domain, from host to host.
// deliver-remote(8); RFC 5321, sections 4.5.4 and 5.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPClient
import SMTPProtocol
import UnixIO

/// Tries hosts until each recipient has an outcome. Once the end of the message was sent to a host,
/// no other host is given it, whatever happens.
struct RemoteDelivery {
    private let request: DeliveryRequest
    private let settings: RemoteSettings
    private let deadline: Deadline
    private var results: [DeliveryResult?]
    private var paths: [[UInt8]] = []
    /// True when a host let us begin a session.
    private var hasMet = false
    private var isUnreachable = false
    /// Why the hosts that were tried did not answer for the recipients.
    private var trouble: DeliveryResult?
    /// What the log says of the session that goes on.
    private var sessionFacts: [(key: String, value: String?)] = []

    init(_ request: DeliveryRequest, _ settings: RemoteSettings) {
        self.request = request
        self.settings = settings
        deadline = .after(settings.deliveryLimit)
        results = request.envelope.recipients.map { _ in nil }
    }

    /// Delivers and says what became of the recipients.
    mutating func run(_ message: MessageReader) -> DeliveryReply {
        if let mail = prepare(message) {
            do throws(RoutingError) {
                try deliver(mail, message)
            } catch {
                isUnreachable = !error.reply.isPermanent
                settle(DeliveryResult(error.reply))
            }
        }
        let results = results.map { $0 ?? DeliveryResult(LocalTrouble.unreadable) }
        return DeliveryReply(results, isUnreachable: isUnreachable)
    }

    private mutating func deliver(
        _ mail: OutgoingMail, _ message: MessageReader
    ) throws(RoutingError) {
        var destination = try Destination(request.domain ?? [], settings)
        var hasTried = false
        while !pending.isEmpty, !deadline.hasPassed, let candidate = destination.next() {
            hasTried = true
            attempt(candidate, mail, message)
        }
        isUnreachable = hasTried && !hasMet
        if let unknown = destination.unknown, trouble?.outcome == .failed {
            note(DeliveryResult(unknown.reply))
        }
        // Whoever was tried and said nothing that settles it has not said no.
        let reason = hasTried ? ClientError.lost(.greeting).reply : destination.reasonForNone
        settle(trouble ?? DeliveryResult(reason))
    }

    /// The recipients without an outcome.
    private var pending: [Int] { results.indices.filter { results[$0] == nil } }

    /// What can be said before anybody is asked; nil when that is all.
    private mutating func prepare(_ message: MessageReader) -> OutgoingMail? {
        let survey: MessageSurvey
        do {
            survey = try MessageSurvey(message)
        } catch {
            log("message-unreadable", nil, "\(error)")
            settle(DeliveryResult(LocalTrouble.unreadable))
            return nil
        }
        guard !survey.hasBareCR else {
            settle(DeliveryResult(ClientError.bareCR.reply))
            return nil
        }
        let options = request.envelope.options
        guard !options.requireTLS || settings.security != nil else {
            let text = "REQUIRETLS was asked for, and this host sends without TLS"
            settle(DeliveryResult(Reply(550, EnhancedStatus(5, 7, 30), text)))
            return nil
        }
        let utf8 = options.smtputf8
        guard let reversePath = RemoteDelivery.path(request.envelope.reversePath, utf8: utf8)
        else {
            settle(
                DeliveryResult(
                    Reply(553, EnhancedStatus(5, 1, 7), "the sender's address cannot be sent")))
            return nil
        }
        for (index, recipient) in request.envelope.recipients.enumerated() {
            let path = PathSyntax.path(of: recipient, utf8: utf8)
            paths.append(path ?? [])
            guard path == nil else { continue }
            let text = "the recipient's address cannot be sent"
            settle(index, DeliveryResult(Reply(553, EnhancedStatus(5, 1, 3), text)))
        }
        var mail = OutgoingMail(
            reversePath: reversePath, forwardPaths: [], size: survey.wireLength,
            hasEightBit: survey.hasEightBit)
        mail.options = options
        return mail
    }

    /// The reverse-path for the wire. qmail's `#@[]` stands for a bounce of a bounce, which
    /// nobody must answer.
    private static func path(_ reversePath: ReversePath, utf8: Bool) -> [UInt8]? {
        guard let mailbox = reversePath.mailbox, mailbox.bytes != Array("#@[]".utf8) else {
            return [0x3C, 0x3E]
        }
        return PathSyntax.path(of: mailbox, utf8: utf8)
    }
}

extension RemoteDelivery {
    /// Talks to one host. Whoever has no outcome after that is for the next one.
    private mutating func attempt(
        _ candidate: Candidate, _ mail: OutgoingMail, _ message: MessageReader
    ) {
        var security: (any HopSecurity)?
        switch decide(candidate) {
        case nil: break
        case .refuse(let reply): return refuse(candidate, reply)
        case .use(let found): security = found
        }
        guard var session = open(candidate, security) else { return }
        hasMet = true
        sessionFacts = security?.facts ?? []
        defer { sessionFacts = [] }
        if let most = session.extensions.maximumSize, let size = mail.size, size > most {
            let text = "the message has \(size) bytes, and \(candidate) takes no more than \(most)"
            settle(DeliveryResult(Reply(552, EnhancedStatus(5, 3, 4), text)))
        } else {
            converse(&session, candidate, mail, message)
        }
        session.quit()
    }

    private func decide(_ candidate: Candidate) -> HopDecision? {
        let question = SecurityQuestion(
            domain: (request.domain ?? []).asciiLowercased, identity: candidate.identity,
            address: candidate.address, port: candidate.port,
            requiresTLS: request.envelope.options.requireTLS)
        return settings.security?.decide(
            question, deadline: min(deadline, .after(settings.lookupLimit)))
    }

    /// A session in which mail can be sent.
    private mutating func open(
        _ candidate: Candidate, _ security: (any HopSecurity)?
    ) -> ClientSession? {
        guard let socket = connect(candidate) else { return nil }
        var session = ClientSession(
            socket, limits: ClientLimits(step: settings.stepLimit, deadline: deadline))
        do {
            guard let security else {
                try session.open(as: settings.helloName)
                return session
            }
            guard let reply = try security.open(&session, as: settings.helloName) else {
                return session
            }
            session.quit()
            refuse(candidate, reply)
        } catch {
            log("session-failed", candidate, error.description)
            if let security, security.goesOnInClear(after: error) {
                return open(candidate, security)
            }
            note(DeliveryResult(error.reply, host: "\(candidate)"))
        }
        return nil
    }

    /// What TLS must be there and is not keeps this host from the message.
    private mutating func refuse(_ candidate: Candidate, _ reply: Reply) {
        // What one message asks for says nothing of the host.
        if request.envelope.options.requireTLS { hasMet = true }
        note(DeliveryResult(reply, host: "\(candidate)"))
        log("not-secure", candidate, reply.text)
    }

    private mutating func connect(_ candidate: Candidate) -> OwnedDescriptor? {
        guard
            let endpoint = InternetEndpoint(
                address: candidate.address.bytes, port: candidate.port)
        else { return nil }
        do {
            return try InternetSocket.connect(
                to: endpoint, "\(candidate)",
                deadline: min(deadline, .after(settings.connectLimit)))
        } catch {
            let reply = Reply(451, EnhancedStatus(4, 4, 1), "cannot connect: \(error.errno)")
            note(DeliveryResult(reply, host: "\(candidate)"))
            log("connect-failed", candidate, "\(error.errno)")
            return nil
        }
    }

    /// One transaction, and another for the recipients that were too many for the one before.
    private mutating func converse(
        _ session: inout ClientSession, _ candidate: Candidate, _ mail: OutgoingMail,
        _ message: MessageReader
    ) {
        var mail = mail
        for _ in 0..<RemoteDelivery.maximumTransactions {
            let open = pending
            mail.forwardPaths = open.map { paths[$0] }
            mail.recipientOptions = open.map { request.envelope.options(ofRecipient: $0) }
            // Another host may do, so that this one is only a reason.
            guard session.extensions.smtputf8 || !mail.needsUTF8 else {
                let text = "the message is for hosts with SMTPUTF8 only"
                return note(
                    DeliveryResult(
                        Reply(550, EnhancedStatus(5, 6, 7), text), host: "\(candidate)"))
            }
            let result = session.send(mail, message)
            let hasDelivered = result.replies.contains { $0?.isPositive == true }
            let mayGoOn = hasDelivered && result.failure == nil
            for (index, reply) in zip(open, result.replies) {
                // RFC 5321, section 4.5.3.1.10: the others go in a transaction of their own.
                guard let reply, !(mayGoOn && reply.code == 452) else { continue }
                settle(index, DeliveryResult(reply.reply, host: "\(candidate)"))
            }
            if let failure = result.failure {
                fail(failure, isInDoubt: result.isInDoubt, candidate)
                return
            }
            if pending.isEmpty { return }
        }
        let text = "too many recipients at a time"
        settle(
            DeliveryResult(Reply(452, EnhancedStatus(4, 5, 3), text), host: "\(candidate)"))
    }

    /// The most transactions of one session.
    private static var maximumTransactions: Int { 200 }

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

extension RemoteDelivery {
    /// Remembers why a host did not do. A temporary reason outlives permanent ones: mail fails
    /// only where every host said so.
    private mutating func note(_ result: DeliveryResult) {
        if trouble?.outcome != .deferred || result.outcome == .deferred { trouble = result }
    }

    /// Gives every recipient that has none this outcome.
    private mutating func settle(_ result: DeliveryResult) {
        for index in pending { settle(index, result) }
    }

    private mutating func settle(_ index: Int, _ result: DeliveryResult) {
        results[index] = result
        RemoteAgent.log(result, request.envelope.recipients[index], request, sessionFacts)
    }

    private func log(_ event: String, _ candidate: Candidate?, _ error: String) {
        Log(RemoteAgent.name).event(
            event,
            ["message": request.id.description, "host": candidate?.description, "error": error])
    }
}
