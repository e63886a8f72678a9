// StoredSource: a source that has what is stored of each user.
// auth-sources(5).
// SPDX-License-Identifier: MIT

import MailModel
import Passwords

/// What is stored of one user.
struct Account: Sendable {
    /// The password, of any scheme.
    var password: StoredPassword
    /// What SCRAM needs, where that is stored too.
    var verifier: SCRAMVerifier?
    /// The password itself, where that is stored beside what is checked.
    var clearText: [UInt8]?

    /// The password itself, of somebody who may log in.
    var ownText: [UInt8]? {
        password == .locked ? nil : clearText ?? password.clearText
    }
}

/// A source that looks something stored up, and decides by it.
protocol StoredSource: PasswordSource {
    /// What salts are made of that nobody shall foretell.
    var secret: LoginSecret { get }

    /// What is stored of a user.
    func account(_ login: [UInt8], _ context: LoginContext) -> Lookup<Account>
}

extension StoredSource {
    func verify(_ login: [UInt8], _ password: [UInt8], _ context: LoginContext) -> LoginAnswer {
        answer(account(login, context)) { account throws(PasswordError) in
            // Who is locked out learns it no sooner than who gives a wrong password.
            if account.password == .locked { _ = try decoy?.matches(password) }
            return try account.password.matches(password)
        }
    }

    func scramVerifier(_ login: [UInt8], _ context: LoginContext) -> Lookup<SCRAMVerifier> {
        account(login, context).map { (account) throws(PasswordError) in
            guard account.password != .locked else { return nil }
            if case .scram(let verifier) = account.password { return verifier }
            if let verifier = account.verifier { return verifier }
            guard let text = account.ownText else { return nil }
            return try SCRAMVerifier(of: text, salt: try secret.salt(for: login))
        }
    }

    func verify(_ login: [UInt8], _ answer: CRAMAnswer, _ context: LoginContext) -> LoginAnswer {
        self.answer(account(login, context)) { account throws(PasswordError) in
            guard let text = account.ownText else { return false }
            return try answer.isOf(text)
        }
    }

    private func answer(
        _ lookup: Lookup<Account>, _ isRight: (Account) throws(PasswordError) -> Bool
    ) -> LoginAnswer {
        switch lookup {
        case .found(let account, let user):
            do throws(PasswordError) {
                return try isRight(account) ? .accepted(user: user) : .refused
            } catch {
                return .unavailable("\(label): \(error)")
            }
        case .refused: return .refused
        case .unknown: return .unknown
        case .unavailable(let reason): return .unavailable(reason)
        }
    }
}

/// What salts are made of where none is stored: the same login gets the same salt, as it would from a
/// file, and nobody can foretell it. RFC 5802, section 9.
public struct LoginSecret: Sendable {
    private let bytes: [UInt8]
    private let iterations: Int

    /// A secret of bytes that stay the same; of random ones without them. Verifiers of nobody have as
    /// many iterations as most others.
    init(_ bytes: [UInt8]?, iterations: Int? = nil) {
        self.iterations = iterations ?? SCRAMVerifier.defaultIterations
        var generator = SystemRandomNumberGenerator()
        self.bytes = bytes ?? (0..<32).map { _ in generator.next() }
    }

    /// Sixteen bytes for a login.
    func salt(for login: [UInt8]) throws(PasswordError) -> [UInt8] {
        Array(try key("salt", login).prefix(16))
    }

    /// A verifier for somebody who does not exist: like a real one, and of no password.
    func decoy(for login: [UInt8]) throws(PasswordError) -> SCRAMVerifier {
        SCRAMVerifier(
            salt: try salt(for: login), iterations: iterations,
            storedKey: try key("stored", login), serverKey: try key("server", login))
    }

    private func key(_ use: String, _ login: [UInt8]) throws(PasswordError) -> [UInt8] {
        try Digests.hmac("SHA256", key: bytes, Array("\(use) ".utf8) + login.asciiLowercased)
    }
}
