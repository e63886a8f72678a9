// NewPassword: what is stored of a password that somebody chose.
// users(5).
// SPDX-License-Identifier: MIT

import MailModel

/// How new passwords are stored.
public struct NewPassword: Hashable, Sendable {
    /// The method of crypt(3).
    public var method: HashMethod
    /// Its cost; nil for the default of the system's library.
    public var cost: Int?
    /// Iterations of the verifier for SCRAM; nil for no verifier.
    public var iterations: Int?

    /// How to store them.
    public init(
        _ method: HashMethod = .yescrypt, cost: Int? = nil,
        iterations: Int? = SCRAMVerifier.defaultIterations
    ) {
        self.method = method
        self.cost = cost
        self.iterations = iterations
    }

    /// Hash and verifier of a password, which is prepared by SASLprep (RFC 4013) first.
    /// - Throws: `PasswordError` when it is empty, too long, no UTF-8, or holds what SASLprep
    ///   prohibits, such as control characters.
    public func stored(
        _ password: [UInt8]
    ) throws(PasswordError) -> (hash: [UInt8], verifier: SCRAMVerifier?) {
        guard !password.isEmpty else { throw .failed("the password is empty") }
        guard password.count <= PreparedPassword.maximumLength else {
            throw .failed(
                "the password has more than \(PreparedPassword.maximumLength) bytes")
        }
        guard let prepared = PreparedPassword.prepare(password) else {
            throw .failed("the password is not UTF-8 or holds what RFC 4013 prohibits")
        }
        let hash = try CryptHash.make(of: prepared, method, cost: cost)
        guard let iterations else { return (hash, nil) }
        let verifier = try SCRAMVerifier(
            of: prepared, salt: SCRAMVerifier.newSalt, iterations: iterations)
        return (hash, verifier)
    }
}
