// SecureLayer: what stands between the words of a session and its connection once TLS has begun.
// RFC 3207; RFC 8314, section 3.
// SPDX-License-Identifier: MIT

/// Why the two ends cannot go on under TLS.
public struct SecureLayerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason as one line.
    public let description: String

    /// An error with this reason.
    public init(_ description: String) { self.description = description }
}

/// TLS as seen from here: bytes into other bytes. It does no I/O and never waits, so that a session
/// reads while it writes under TLS as it does without, and so that whoever only asks in clear
/// needs no library for it.
public protocol SecureLayer: AnyObject {
    /// Goes on with the handshake, with what has come since the last call.
    /// - Returns: true when it is over.
    func shakeHands(_ received: [UInt8]) throws(SecureLayerError) -> Bool

    /// What the other end said, of what has come.
    func open(_ received: [UInt8]) throws(SecureLayerError) -> [UInt8]

    /// Makes bytes ready to be sent: `takeOutput` has them then.
    func seal(_ bytes: [UInt8]) throws(SecureLayerError)

    /// What must be sent, in order, and is given out once.
    func takeOutput() -> [UInt8]

    /// True when the other end has said that nothing more will come.
    var isAtEnd: Bool { get }
}
