// SASLAuthority: whom the library asks about logins while a conversation goes on.
// RFC 4422.
// SPDX-License-Identifier: MIT

/// Who knows the logins. What cannot be known now is nil or false here too: the authority
/// remembers that it was so, and whoever runs the conversation asks it before he tells the client
/// anything.
public protocol SASLAuthority: AnyObject {
    /// What ties the conversation to the TLS session below it; nil where no `-PLUS` was offered.
    var binding: ChannelBinding? { get }

    /// Whether a login has this password: PLAIN and LOGIN.
    func verifies(_ login: [UInt8], password: [UInt8]) -> Bool

    /// Whether a login has the password that makes this digest, hexadecimal digits, of the challenge:
    /// CRAM-MD5. Some that can tell do not give the password itself.
    func verifies(_ login: [UInt8], digest: [UInt8], of challenge: [UInt8]) -> Bool

    /// What SCRAM needs of a login. For one that is not known too, so that nobody learns which
    /// are: keys that no proof fits.
    func scramKeys(of login: [UInt8]) -> SCRAMKeys?

    /// Whether the certificate of the client lets it act as this identity, which is empty when it
    /// names none: EXTERNAL.
    func certifies(_ identity: [UInt8]) -> Bool
}

/// Channel bindings of a TLS session, as bytes. RFC 5929 and RFC 9266.
public struct ChannelBinding: Hashable, Sendable {
    /// tls-exporter, for TLS 1.3.
    public var exporter: [UInt8]?
    /// tls-unique, for TLS 1.2 and before.
    public var unique: [UInt8]?

    /// Bindings of these kinds.
    public init(exporter: [UInt8]? = nil, unique: [UInt8]? = nil) {
        self.exporter = exporter
        self.unique = unique
    }
}

/// What a server keeps of a password for SCRAM-SHA-256. RFC 5802, section 3.
public struct SCRAMKeys: Hashable, Sendable {
    /// The salt.
    public var salt: [UInt8]
    /// How often the password was hashed.
    public var iterations: Int
    /// The hash of the client's key, 32 bytes.
    public var storedKey: [UInt8]
    /// The server's key, 32 bytes.
    public var serverKey: [UInt8]

    /// Keys of these parts.
    public init(salt: [UInt8], iterations: Int, storedKey: [UInt8], serverKey: [UInt8]) {
        self.salt = salt
        self.iterations = iterations
        self.storedKey = storedKey
        self.serverKey = serverKey
    }
}
