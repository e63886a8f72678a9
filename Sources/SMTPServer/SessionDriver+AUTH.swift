// SessionDriver+AUTH: a login is verified by auth-check.
// smtp-server(8), section Authentication.
// SPDX-License-Identifier: MIT

import AuthProtocol
import FilterChain
import MailModel
import SMTPProtocol
import UnixIO
import Workers

extension SessionDriver {
    /// Offers what auth-check can serve to this session as it is now: at its beginning, and at each
    /// EHLO, since TLS and the list may have changed.
    mutating func offerMechanisms() {
        let settings = server.configuration.auth
        guard profile.isSubmission || settings.isForServers else { return }
        let known = server.authOffer.mechanisms
        let underTLS = known.filter { mechanism in
            switch mechanism {
            case .scramSHA256Plus: !bindings.isEmpty
            case .external: !identities.isEmpty
            default: true
            }
        }
        let inClear = known.filter { mechanism in
            !mechanism.needsTLS && (!mechanism.revealsSecret || settings.showsSecretsInClear)
        }
        session.offer(underTLS: underTLS.map(\.rawValue), inClear: inClear.map(\.rawValue))
    }

    /// Gives a challenge and takes what the client answers.
    mutating func challenge(_ reply: SMTPReply) throws(StreamError) -> SessionStep {
        give(reply)
        let step: SessionStep
        do throws(StreamError) {
            step = session.responded(try nextLine())
        } catch {
            _ = concede()
            throw error
        }
        if case .authenticate = step { return step }
        if concede() { try slowDown() }
        authentication.end()
        return hasFailedTooOften ? .close(SMTPReply(.tooManyLogins)) : step
    }

    /// A token is refused by a challenge, and whatever the client answers to that, it has failed:
    /// RFC 7628, section 3.2.3. So it has when it goes away instead, or cancels.
    /// - Returns: true when that was so.
    private mutating func concede() -> Bool {
        guard authentication.hasRefusedToken else { return false }
        let dummy = AuthRequest(
            mechanism: AuthMechanism.oauthBearer.rawValue, response: [0x01], isFirst: false)
        guard case .refused(let reason, let login) = ask(dummy) else { return false }
        record(reason, login, dummy.mechanism)
        return true
    }

    /// Asks auth-check, which knows the users.
    mutating func authenticate(_ request: AuthRequest) throws(StreamError) -> SessionStep {
        if request.isFirst {
            authentication.end()
            // Where the client speaks first and did not, nobody need be asked.
            let mechanism = AuthMechanism(rawValue: request.mechanism)
            if request.response == nil, mechanism?.clientSpeaksFirst == true {
                return session.authenticated(.challenge([]))
            }
        }
        switch ask(request) {
        case .challenge(let bytes):
            // Of this mechanism that is the error, and else there is nothing to say.
            authentication.hasRefusedToken =
                request.mechanism == AuthMechanism.oauthBearer.rawValue && !bytes.isEmpty
            return session.authenticated(.challenge(bytes))
        case .accepted(let user, let final):
            log.loggedIn(user, request.mechanism)
            return session.authenticated(.accepted(user: user, final: final))
        case .refused(let reason, let login):
            return try refuse(reason, login, request.mechanism)
        case .unavailable(let reason):
            log.cannotLogIn(request.mechanism, reason)
            return session.authenticated(.unavailable(.authUnavailable))
        }
    }

    /// Whether the user may use a reverse-path.
    func admits(_ path: ReversePath, _ user: [UInt8]) -> Bool {
        let isAdmitted = server.configuration.senderLogins?.admits(path, user) ?? true
        if !isAdmitted { log.foreignSender(path, user) }
        return isAdmitted
    }

    private mutating func ask(_ request: AuthRequest) -> AuthReply {
        var question = AuthQuestion(
            mechanism: request.mechanism, response: request.response, facts: session.facts)
        // Only where we offered to bind: else a client that could is right not to.
        if session.settings.mechanismsUnderTLS.contains(AuthMechanism.scramSHA256Plus.rawValue) {
            question.tlsExporter = bindings["tls-exporter"]
            question.tlsUnique = bindings["tls-unique"]
        }
        question.identities = identities
        do throws(ExchangeError) {
            return try authentication.answer(to: question, server.authClient)
        } catch {
            server.authOffer.doubt()
            return .unavailable("\(error)")
        }
    }

    /// A login is refused, and the client waits.
    private mutating func refuse(
        _ reason: AuthRefusal, _ login: [UInt8]?, _ mechanism: String
    ) throws(StreamError) -> SessionStep {
        record(reason, login, mechanism)
        try slowDown()
        return session.authenticated(
            .refused(hasFailedTooOften ? .tooManyLogins : .badCredentials))
    }

    private var hasFailedTooOften: Bool {
        authentication.failures >= server.configuration.auth.failures
    }

    /// A refused login is counted and logged, and steps that want to know are told.
    private mutating func record(
        _ reason: AuthRefusal, _ login: [UInt8]?, _ mechanism: String
    ) {
        log.refusedLogin(login, mechanism, reason.rawValue)
        authentication.fail()
        var facts = session.facts
        facts[.authUser] = login
        server.chain.report(
            .refusedLogin, FilterRequest(stage: .helo, facts: facts), log: server.log)
    }

    /// Makes the client wait where there is room for one more that waits. Where there is none the
    /// refusal comes at once: it grants nothing.
    private mutating func slowDown() throws(StreamError) {
        let delay = min(server.configuration.auth.delay, limits.delay)
        guard delay > .zero, let place = server.delayed.take() else { return }
        defer { server.delayed.leave(place) }
        try wire.pause(for: delay, patience: limits.command)
    }

    /// What ties a login to this TLS session, by its registered name.
    private var bindings: [String: [UInt8]] {
        let all = wire.tls?.channelBindings ?? []
        // GNU SASL knows no tls-server-end-point.
        return Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0.bytes) })
            .filter { $0.key != "tls-server-end-point" }
    }

    /// The names in the client's certificate, when TLS has verified it.
    private var identities: [[UInt8]] { session.peerNames }
}

extension Reply {
    static let badCredentials = Reply(
        535, EnhancedStatus(5, 7, 8), "Authentication credentials invalid")
    static let tooManyLogins = Reply(
        421, EnhancedStatus(4, 7, 0), "Too many failed logins, try again later")
}

extension SessionLog {
    /// A client is known now.
    func loggedIn(_ user: [UInt8], _ mechanism: String) {
        log.event(
            "login", ["session": session, "user": user.printable, "mechanism": mechanism])
    }

    /// A login was refused.
    func refusedLogin(_ login: [UInt8]?, _ mechanism: String, _ reason: String) {
        log.event(
            "login-refused",
            [
                "session": session, "login": login?.prefix(255).printable,
                "mechanism": mechanism, "reason": reason,
            ])
    }

    /// Nobody could say whether a login is right.
    func cannotLogIn(_ mechanism: String, _ reason: String) {
        log.event(
            "login-unavailable",
            ["session": session, "mechanism": mechanism, "error": reason])
    }

    /// A user gave a reverse-path that is another's.
    func foreignSender(_ path: ReversePath, _ user: [UInt8]) {
        log.event(
            "sender-refused",
            ["session": session, "user": user.printable, "reverse-path": path.bytes.printable])
    }
}
