// LoginDesk: answers what a mechanism asks about a login, out of the sources of passwords.
// auth-sources(5).
// SPDX-License-Identifier: MIT

import AuthProtocol
import Credentials
import MailModel
import Passwords
import SASL
import UnixIO

/// Asks the sources, and remembers what they said: a mechanism is only told yes or no.
final class LoginDesk: SASLAuthority {
    let binding: ChannelBinding?
    /// What the sources said last; nil before they were asked.
    private(set) var finding: LoginAnswer?
    private let sources: CredentialSources
    private let names: [[UInt8]]
    private var context: LoginContext

    /// How long the sources together may take for one step.
    static let patience = Duration.seconds(30)

    init(_ question: AuthQuestion, _ sources: CredentialSources) {
        self.sources = sources
        names = question.identities
        let (exporter, unique) = (question.tlsExporter, question.tlsUnique)
        let isBound = exporter != nil || unique != nil
        binding = isBound ? ChannelBinding(exporter: exporter, unique: unique) : nil
        context = LoginContext(question)
    }

    /// A step begins.
    func begin() { context.deadline = .after(Self.patience) }

    func verifies(_ login: [UInt8], password: [UInt8]) -> Bool {
        note(sources.verify(login, password, context))
    }

    func verifies(_ login: [UInt8], digest: [UInt8], of challenge: [UInt8]) -> Bool {
        note(
            sources.verify(login, CRAMAnswer(challenge: challenge, digest: digest), context))
    }

    func verifies(token: [UInt8], for login: [UInt8]) -> Bool {
        note(sources.verify(token: token, for: login, context))
    }

    func certifies(_ identity: [UInt8]) -> Bool {
        note(sources.verify(certificate: names, as: identity, context))
    }

    /// The keys of a real login are found before the client has shown anything: they are what
    /// accepts it.
    func scramKeys(of login: [UInt8]) -> SCRAMKeys? {
        let login = SASLLibrary.prepared(login) ?? login
        switch sources.scramVerifier(login, context) {
        case .found(let verifier, let user):
            finding = .accepted(user: user)
            return SCRAMKeys(verifier)
        case .refused, .unknown:
            finding = .refused
            return decoy(for: login)
        case .unavailable(let reason):
            finding = .unavailable(reason)
            return nil
        }
    }

    private func decoy(for login: [UInt8]) -> SCRAMKeys? {
        do throws(PasswordError) {
            let decoy = try sources.decoy(for: login)
            // Where passwords are stored, the verifier of a real login is computed now, which takes
            // much longer than to look one up.
            if sources.abilities.contains(.clearText) {
                _ = try SCRAMVerifier(of: login, salt: decoy.salt, iterations: decoy.iterations)
            }
            return SCRAMKeys(decoy)
        } catch {
            finding = .unavailable("\(error)")
            return nil
        }
    }

    private func note(_ answer: LoginAnswer) -> Bool {
        finding = answer
        if case .accepted = answer { return true }
        return false
    }
}

extension SCRAMKeys {
    fileprivate init(_ verifier: SCRAMVerifier) {
        self.init(
            salt: verifier.salt, iterations: verifier.iterations, storedKey: verifier.storedKey,
            serverKey: verifier.serverKey)
    }
}

extension LoginContext {
    /// What a question tells of the client.
    fileprivate init(_ question: AuthQuestion) {
        self.init()
        clientAddress = question.facts.clientIP
        localAddress = question.facts[.localIP].flatMap { IPAddress($0) }
        localPort = question.facts[.localPort]?.decimalValue.flatMap { UInt16(exactly: $0) }
        isSecured = question.facts[.tlsVersion] != nil
        mechanism = question.mechanism
    }
}
