// RemoteDelivery+Session: how a delivery comes to a session in which mail can be sent.
// deliver-remote(8); RFC 5321, section 3.1; RFC 4954.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPClient
import UnixIO

extension RemoteDelivery {
    /// Sends by the session that an earlier delivery left open, where there is one. When it is over
    /// that says nothing of the host.
    mutating func useKeptSession(_ mail: OutgoingMail, _ message: MessageReader) {
        guard var open = keeper.take(for: key) else { return }
        open.session.limit(to: limits)
        guard open.session.isStillOpen(), open.mayGoOn(settings.sessionMessages) else {
            return open.quit()
        }
        talk(open, mail, message, isKept: true)
        if !pending.isEmpty { keeper.letGo() }
    }

    /// Talks to one host. Whoever has no outcome after that is for the next one.
    mutating func attempt(
        _ candidate: Candidate, _ login: ClientLogin?, _ mail: OutgoingMail,
        _ message: MessageReader
    ) {
        var security: (any HopSecurity)?
        switch decide(candidate) {
        case nil: break
        case .refuse(let reply): return refuse(candidate, reply, "not-secure")
        case .use(let found): security = found
        }
        guard let session = open(candidate, security, login) else { return }
        hasMet = true
        let open = OpenSession(
            session: session, candidate: candidate, facts: security?.facts ?? [],
            end: .after(settings.sessionLimit))
        talk(open, mail, message, isKept: false)
    }

    private mutating func talk(
        _ open: consuming OpenSession, _ mail: OutgoingMail, _ message: MessageReader,
        isKept: Bool
    ) {
        sessionFacts = open.facts
        converse(&open.session, open.candidate, mail, message, isKept: isKept)
        sessionFacts = []
        if open.mayGoOn(settings.sessionMessages) {
            keeper.keep(open, for: key)
        } else {
            open.quit()
        }
    }

    private var limits: ClientLimits { ClientLimits(step: settings.stepLimit, deadline: deadline) }

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
        _ candidate: Candidate, _ security: (any HopSecurity)?, _ login: ClientLogin?
    ) -> ClientSession? {
        guard let socket = connect(candidate) else { return nil }
        var session = ClientSession(socket, limits: limits)
        do {
            if let security {
                if let reply = try security.open(&session, as: settings.helloName) {
                    session.quit()
                    refuse(candidate, reply, "not-secure")
                    return nil
                }
            } else {
                try session.open(as: settings.helloName)
            }
            guard let login, let reply = try logIn(&session, login, candidate) else {
                return session
            }
            session.quit()
            refuse(candidate, reply, "login-refused")
        } catch {
            log("session-failed", candidate, error.description)
            if let security, security.goesOnInClear(after: error) {
                return open(candidate, security, login)
            }
            note(DeliveryResult(error.reply, host: "\(candidate)"))
        }
        return nil
    }

    /// What TLS or a login must be there and is not keeps this host from the message.
    private mutating func refuse(_ candidate: Candidate, _ reply: Reply, _ event: String) {
        // What one message asks for says nothing of the host.
        if request.envelope.options.requireTLS { hasMet = true }
        note(DeliveryResult(reply, host: "\(candidate)"))
        log(event, candidate, reply.text)
    }

    private mutating func connect(_ candidate: Candidate) -> OwnedDescriptor? {
        guard
            let endpoint = InternetEndpoint(
                address: candidate.address.bytes, port: candidate.port)
        else { return nil }
        do {
            return try InternetSocket.connect(
                to: endpoint, from: settings.source(for: candidate.address), "\(candidate)",
                deadline: min(deadline, .after(settings.connectLimit)))
        } catch {
            let reply = Reply(451, EnhancedStatus(4, 4, 1), "cannot connect: \(error.errno)")
            note(DeliveryResult(reply, host: "\(candidate)"))
            log("connect-failed", candidate, "\(error.errno)")
            return nil
        }
    }

    /// Says who we are.
    /// - Returns: why the message cannot be sent now; nil when the host knows us. A wrong password
    ///   is a slip of ours, and no reason to return mail.
    private func logIn(
        _ session: inout ClientSession, _ login: ClientLogin, _ candidate: Candidate
    ) throws(ClientError) -> Reply? {
        guard session.isSecured || candidate.address.isLoopback || mayLogInInClear else {
            return Reply(
                454, EnhancedStatus(4, 7, 11), "no login there: the connection is without TLS")
        }
        let offered = session.extensions.mechanisms
        let known: [any ClientMechanism] = [PlainMechanism(login), LoginMechanism(login)]
        guard let mechanism = known.first(where: { offered.contains($0.name) }) else {
            return Reply(454, EnhancedStatus(4, 7, 0), "no login there: neither PLAIN nor LOGIN")
        }
        switch try session.authenticate(mechanism) {
        case .accepted: return nil
        case .refused(let reply):
            return Reply(454, EnhancedStatus(4, 7, 8), "our login is refused: \(reply)")
        }
    }

    private var mayLogInInClear: Bool {
        guard let route = key.route else { return false }
        return settings.clearLogins.contains(route.host.asciiLowercased)
    }
}
