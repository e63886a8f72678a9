// CredentialSources: all sources of passwords, in order.
// auth-sources(5).
// SPDX-License-Identifier: MIT

import Accounts
public import Control
import MailModel
public import Passwords

/// The sources of `control/auth`, in its order; without that file, the users file where it is.
///
/// The first source that knows the login decides. One that cannot say ends the search: neither a
/// refusal nor an acceptance of a later source counts, since the one that is silent may have refused.
/// Nobody behind one that never says that a login is unknown is asked for passwords, by whatever
/// mechanism: whom it refuses must not come in by another. A login that nobody knows costs the time
/// of a wrong password.
///
/// A value serves one request at a time. It may be carried through fork.
public struct CredentialSources {
    /// The longest login, in bytes.
    public static let longestLogin = 255

    let sources: [any PasswordSource]
    /// Those that are asked for passwords and what is made of them.
    private let asked: ArraySlice<any PasswordSource>
    private let secret: LoginSecret

    /// Reads `control/auth` and looks at each source as far as that can be done without a server.
    /// - Throws: `ControlError` with file and line for what cannot be right.
    public init(_ root: Root) throws(ControlError) {
        let users = UsersFile(root)
        // Where the file cannot be used, it may be no source, or else says so itself.
        secret = LoginSecret(try? users.secret(), iterations: (try? users.verifiers())?.iterations)
        let settings = CredentialSettings(root: root, secret: secret)
        guard let lines = try root.control.list("auth") else {
            sources = [UsersSource(users, settings, mayBeMissing: true)]
            asked = sources[...]
            return
        }
        var sources: [any PasswordSource] = []
        for line in lines {
            sources.append(try CredentialKind.open(line, settings))
        }
        self.sources = sources
        asked = sources.firstIndex { $0.isLast }.map { sources[...$0] } ?? sources[...]
    }

    /// What can be done by at least one source; CRAM-MD5 only where all that check passwords can do it.
    /// Many clients take it before PLAIN and try no other, so a user of whom there is only a hash could
    /// not log in where it is offered for the sake of others. A file may change it while this runs.
    public var abilities: Abilities {
        let each = asked.map(\.abilities)
        let behind = sources[asked.endIndex...].map { $0.abilities.subtracting(.passwords) }
        let all = (each + behind).reduce(into: Abilities()) { $0.formUnion($1) }
        let isForAll = each.allSatisfy { !$0.contains(.verify) || $0.contains(.cramMD5) }
        return isForAll ? all : all.subtracting(.cramMD5)
    }

    /// The names of the sources for logs, without any secret.
    public var labels: [String] { sources.map(\.label) }

    /// Checks a password. Never `.unknown`: who is known to nobody is refused.
    public func verify(
        _ login: [UInt8], _ password: [UInt8], _ context: LoginContext = LoginContext()
    ) -> LoginAnswer {
        guard CredentialSources.isLogin(login), CredentialSources.isPassword(password) else {
            return .refused
        }
        for source in asked where source.abilities.contains(.verify) {
            let answer = source.verify(login, password, context)
            if answer != .unknown { return answer }
        }
        // As long as a wrong password takes. What comes of it does not matter.
        let decoy = asked.lazy.compactMap(\.decoy).first
        _ = try? decoy?.matches(password)
        return .refused
    }

    /// What each source says of a password, up to the first that knows the login: for an
    /// administrator who asks why. Nobody is asked for what can be no login or password.
    public func explain(_ login: [UInt8], _ password: [UInt8]) -> [(label: String, LoginAnswer)] {
        var said: [(label: String, LoginAnswer)] = []
        guard CredentialSources.isLogin(login), CredentialSources.isPassword(password) else {
            return said
        }
        for source in asked where source.abilities.contains(.verify) {
            let answer = source.verify(login, password, LoginContext())
            said.append((source.label, answer))
            if answer != .unknown { break }
        }
        return said
    }

    /// What SCRAM-SHA-256 needs. `.unknown` where no source knows the login, and `.refused` where
    /// the one that does, or may, has nothing for SCRAM: go on with `decoy(for:)`, so that nobody
    /// learns which it is.
    public func scramVerifier(
        _ login: [UInt8], _ context: LoginContext = LoginContext()
    ) -> Lookup<SCRAMVerifier> {
        guard CredentialSources.isLogin(login) else { return .unknown }
        for source in asked {
            let found = source.scramVerifier(login, context)
            if case .unknown = found { continue }
            return found
        }
        return asked.last?.isLast == true ? .refused : .unknown
    }

    /// Checks what came back for a challenge of CRAM-MD5, also where a checkpassword program does so.
    /// Never `.unknown`.
    public func verify(
        _ login: [UInt8], _ answer: CRAMAnswer, _ context: LoginContext = LoginContext()
    ) -> LoginAnswer {
        guard CredentialSources.isLogin(login), answer.digest.count == 32 else { return .refused }
        for source in asked {
            let result = source.verify(login, answer, context)
            if result != .unknown { return result }
        }
        return .refused
    }

    /// A verifier for somebody who has none: the same for the same login, and no password fits.
    /// - Throws: `PasswordError` when OpenSSL does not compute it.
    public func decoy(for login: [UInt8]) throws(PasswordError) -> SCRAMVerifier {
        try secret.decoy(for: login)
    }

    static func isLogin(_ login: [UInt8]) -> Bool {
        !login.isEmpty && login.count <= longestLogin && !login.contains(0)
    }

    private static func isPassword(_ password: [UInt8]) -> Bool {
        !password.isEmpty && !password.contains(0)
            && password.count <= PreparedPassword.maximumLength
    }
}
