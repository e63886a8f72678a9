// certificate: the name in a client certificate that TLS has verified.
// auth-sources(5); RFC 4422, appendix A.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// Accepts whoever has a certificate of an authority that smtp-server trusts for that, as the first
/// of its names or as another of them that the client asks for.
final class CertificateSource: PasswordlessSource {
    let label = "certificate"
    let abilities: Abilities = .certificate

    func verify(
        certificate names: [[UInt8]], as identity: [UInt8], _ context: LoginContext
    ) -> LoginAnswer {
        let names = names.filter { CredentialSources.isLogin($0) }
        guard !identity.isEmpty else {
            return names.first.map { .accepted(user: $0) } ?? .refused
        }
        return names.contains(identity) ? .accepted(user: identity) : .refused
    }
}

extension CredentialKind {
    /// `certificate`.
    static let certificate = CredentialKind("certificate", form: "certificate", options: []) {
        line, _ throws(ControlError) in
        guard try line.words().isEmpty else { throw line.invalid("nothing may follow") }
        return CertificateSource()
    }
}
