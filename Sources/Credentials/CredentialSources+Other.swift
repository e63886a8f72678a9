// CredentialSources+Other: logins that are shown by something else than a password.
// auth-sources(5).
// SPDX-License-Identifier: MIT

extension CredentialSources {
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
