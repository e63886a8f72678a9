// SCRAMVerifier: what a server keeps of a password for SCRAM-SHA-256.
// RFC 5802, section 3; RFC 7677.
// SPDX-License-Identifier: MIT

import MailModel

/// What proves a password without being one: whoever has it can check a login, and pretend to be the
/// server, but not log in.
public struct SCRAMVerifier: Hashable, Sendable {
    /// RFC 7677, section 4: at least so many iterations.
    public static let defaultIterations = 4096
    /// The most iterations that a stored verifier may want of us.
    public static let maximumIterations = 10_000_000

    /// The salt, at least one byte.
    public let salt: [UInt8]
    /// How often the hash is applied.
    public let iterations: Int
    /// H(ClientKey), 32 bytes.
    public let storedKey: [UInt8]
    /// ServerKey, 32 bytes.
    public let serverKey: [UInt8]

    /// A verifier of a password, which is prepared here.
    /// - Throws: `PasswordError` when it cannot be computed.
    public init(
        of password: [UInt8], salt: [UInt8], iterations: Int = SCRAMVerifier.defaultIterations
    ) throws(PasswordError) {
        let salted = try Digests.pbkdf2(
            PreparedPassword.of(password), salt: salt, iterations: max(1, iterations))
        let clientKey = try Digests.hmac("SHA256", key: salted, Array("Client Key".utf8))
        self.salt = salt
        self.iterations = max(1, iterations)
        storedKey = try Digests.digest("SHA256", clientKey)
        serverKey = try Digests.hmac("SHA256", key: salted, Array("Server Key".utf8))
    }

    /// A verifier of parts, which nobody's password may fit.
    public init(salt: [UInt8], iterations: Int, storedKey: [UInt8], serverKey: [UInt8]) {
        self.salt = salt
        self.iterations = iterations
        self.storedKey = storedKey
        self.serverKey = serverKey
    }

    /// Reads `ITERATIONS,SALT,STORED-KEY,SERVER-KEY`, the last three in base64: the form of
    /// Dovecot's `{SCRAM-SHA-256}`. Nil for anything else.
    public init?(_ text: some Collection<UInt8>) {
        let fields = text.split(separator: 0x2C, omittingEmptySubsequences: false)
        guard fields.count == 4, let iterations = fields[0].decimalValue,
            (1...SCRAMVerifier.maximumIterations).contains(iterations),
            let salt = Base64.decode(fields[1]), !salt.isEmpty, salt.count <= 1024,
            let storedKey = Base64.decode(fields[2]), storedKey.count == 32,
            let serverKey = Base64.decode(fields[3]), serverKey.count == 32
        else { return nil }
        self.init(salt: salt, iterations: iterations, storedKey: storedKey, serverKey: serverKey)
    }

    /// The form that it is read from.
    public var text: [UInt8] {
        let keys = [salt, storedKey, serverKey].map(Base64.encode)
        return Array("\(iterations)".utf8) + keys.flatMap { [0x2C] + $0 }
    }

    /// True when it is that of the password.
    /// - Throws: `PasswordError` when it cannot be computed.
    public func matches(_ password: [UInt8]) throws(PasswordError) -> Bool {
        let other = try SCRAMVerifier(of: password, salt: salt, iterations: iterations)
        return Digests.areEqual(storedKey + serverKey, other.storedKey + other.serverKey)
    }

    /// Sixteen bytes that nobody can guess.
    public static var newSalt: [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<16).map { _ in generator.next() }
    }
}
