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
    let request: DeliveryRequest
    let settings: RemoteSettings
    let keeper: SessionKeeper
    let key: SessionKey
    let deadline: Deadline
    private var results: [DeliveryResult?]
    private(set) var paths: [[UInt8]] = []
    /// True when a host let us begin a session.
    var hasMet = false
    private var isUnreachable = false
    /// Why the hosts that were tried did not answer for the recipients.
    private var trouble: DeliveryResult?
    /// What the log says of the session that goes on.
    var sessionFacts: [(key: String, value: String?)] = []
    /// The message for hosts that do not take it as it is, once one was met.
    var conversion: MessageConversion?

    init(_ request: DeliveryRequest, _ settings: RemoteSettings, _ keeper: SessionKeeper) {
        self.request = request
        self.settings = settings
        self.keeper = keeper
        key = SessionKey(request, settings)
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
        useKeptSession(mail, message)
        if pending.isEmpty { return }
        var destination = try Destination(
            request.domain ?? [], settings, from: request.envelope.reversePath)
        var hasTried = false
        while !pending.isEmpty, !deadline.hasPassed, let candidate = destination.next() {
            hasTried = true
            attempt(candidate, destination.route?.login, mail, message)
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
    var pending: [Int] { results.indices.filter { results[$0] == nil } }

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
        mail.hasLongLines = survey.hasLongLine
        mail.options = options
        if options.smtputf8, survey.hasEightBit {
            // 8-bit text in a body alone is not what SMTPUTF8 is for.
            mail.hasEightBitHeader = try? MessageConversion.hasEightBitHeader(message)
        }
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
    /// Remembers why a host did not do. A temporary reason outlives permanent ones: mail fails
    /// only where every host said so.
    mutating func note(_ result: DeliveryResult) {
        if trouble?.outcome != .deferred || result.outcome == .deferred { trouble = result }
    }

    /// Gives every recipient that has none this outcome.
    mutating func settle(_ result: DeliveryResult) {
        for index in pending { settle(index, result) }
    }

    mutating func settle(_ index: Int, _ result: DeliveryResult) {
        results[index] = result
        RemoteAgent.log(result, request.envelope.recipients[index], request, sessionFacts)
    }

    func log(_ event: String, _ candidate: Candidate?, _ error: String) {
        Log(RemoteAgent.name).event(
            event,
            ["message": request.id.description, "host": candidate?.description, "error": error])
    }
}
