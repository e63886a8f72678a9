// CredentialSources+Other: logins that are shown by something else than a password.
// auth-sources(5).
// SPDX-License-Identifier: MIT

extension CredentialSources {
    /// What each source says of a password, up to the first that knows the login: for an
    /// administrator who asks why.
    public func explain(_ login: [UInt8], _ password: [UInt8]) -> [(label: String, LoginAnswer)] {
        var said: [(label: String, LoginAnswer)] = []
        guard CredentialSources.isLogin(login), !password.isEmpty, !password.contains(0) else {
            return said
        }
        for source in sources where source.abilities.contains(.verify) {
            let answer = source.verify(login, password, LoginContext())
            said.append((source.label, answer))
            if answer != .unknown { break }
        }
        return said
    }

    /// Checks a token of OAuth. `login` is whom the client wants to be, empty when it does not say;
    /// the token decides. Never `.unknown`.
    public func verify(
        token: [UInt8], for login: [UInt8], _ context: LoginContext = LoginContext()
    ) -> LoginAnswer {
        guard !token.isEmpty, !login.contains(0), login.count <= Self.longestLogin else {
            return .refused
        }
        for source in sources {
            let answer = source.verify(token: token, for: login, context)
            if answer != .unknown { return answer }
        }
        return .refused
    }

    /// Who the names of a certificate are that TLS has verified, in the order of their weight, when
    /// the client wants to act as an identity, empty when it does not say. Never `.unknown`.
    public func verify(
        certificate names: [[UInt8]], as identity: [UInt8],
        _ context: LoginContext = LoginContext()
    ) -> LoginAnswer {
        for source in sources {
            let answer = source.verify(certificate: names, as: identity, context)
            if answer != .unknown { return answer }
        }
        return .refused
    }
}

extension PasswordSource {
    /// Most sources know no tokens.
    public func verify(
        token: [UInt8], for login: [UInt8], _ context: LoginContext
    ) -> LoginAnswer { .unknown }

    /// Most sources know no certificates.
    public func verify(
        certificate names: [[UInt8]], as identity: [UInt8], _ context: LoginContext
    ) -> LoginAnswer { .unknown }
}
