// AuthMechanism: the mechanisms of AUTH and what must be known of them before one is used.
// RFC 4954; RFC 4422.
// SPDX-License-Identifier: MIT

/// A mechanism, by its name on the wire.
public enum AuthMechanism: String, CaseIterable, Sendable {
    // In the order in which they are offered: many clients take the first that they know.
    /// RFC 7677, bound to the TLS session.
    case scramSHA256Plus = "SCRAM-SHA-256-PLUS"
    /// RFC 7677.
    case scramSHA256 = "SCRAM-SHA-256"
    /// RFC 4616.
    case plain = "PLAIN"
    /// draft-murchison-sasl-login: not a standard, but what some clients know alone.
    case login = "LOGIN"
    /// RFC 2195.
    case cramMD5 = "CRAM-MD5"
    /// RFC 7628.
    case oauthBearer = "OAUTHBEARER"
    /// RFC 4422, appendix A: the certificate that the client gave to TLS.
    case external = "EXTERNAL"

    /// True where whoever reads the connection learns what he needs to log in himself.
    public var revealsSecret: Bool {
        switch self {
        case .plain, .login, .oauthBearer: true
        case .scramSHA256Plus, .scramSHA256, .cramMD5, .external: false
        }
    }

    /// True where it makes sense under TLS alone.
    public var needsTLS: Bool { self == .scramSHA256Plus || self == .external }

    /// True where the client speaks first: without an initial response it is asked for one by an
    /// empty challenge. RFC 4954, section 4.
    public var clientSpeaksFirst: Bool { self != .login && self != .cramMD5 }
}
