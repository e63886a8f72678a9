// TLSFacts: what is known of a session's TLS.
// smtp-server(8), section TLS.
// SPDX-License-Identifier: MIT

import MailModel

/// What a handshake has shown.
public struct TLSFacts: Hashable, Sendable {
    /// The protocol, such as `TLSv1.3`.
    public var version: [UInt8]
    /// The cipher suite by its name.
    public var cipher: [UInt8]
    /// The name that the client asked for (SNI); nil when it named none.
    public var serverName: [UInt8]?
    /// SHA-256 of the client's certificate (DER), in hexadecimal digits; nil without one.
    public var peerDigest: [UInt8]?
    /// Who the client is by its certificate, where that was verified: the e-mail addresses of its
    /// subjectAltName, and where there is none the common name of its subject.
    public var peerNames: [[UInt8]]

    /// The facts of a handshake.
    public init(
        version: [UInt8], cipher: [UInt8], serverName: [UInt8]? = nil,
        peerDigest: [UInt8]? = nil, peerNames: [[UInt8]] = []
    ) {
        self.version = version
        self.cipher = cipher
        self.serverName = serverName
        self.peerDigest = peerDigest
        self.peerNames = peerNames
    }

    /// Puts them among the facts of a session.
    func enter(_ facts: inout Facts) {
        facts[.tlsVersion] = version
        facts[.tlsCipher] = cipher
        facts[.tlsServerName] = serverName
        facts[.tlsPeer] = peerDigest
    }
}
