// TLSLayer: OpenSSL as what a session of the client goes through.
// RFC 3207.
// SPDX-License-Identifier: MIT

public import SMTPClient
public import TLS

/// TLS for one session.
public final class TLSLayer: SecureLayer {
    /// What does it.
    public let engine: ClientEngine

    /// A layer that has said nothing.
    public init(_ engine: ClientEngine) { self.engine = engine }

    /// See `SecureLayer`.
    public func shakeHands(_ received: [UInt8]) throws(SecureLayerError) -> Bool {
        do { return try engine.shakeHands(received) } catch { throw SecureLayerError("\(error)") }
    }

    /// See `SecureLayer`.
    public func open(_ received: [UInt8]) throws(SecureLayerError) -> [UInt8] {
        do { return try engine.open(received) } catch { throw SecureLayerError("\(error)") }
    }

    /// See `SecureLayer`.
    public func seal(_ bytes: [UInt8]) throws(SecureLayerError) {
        do { try engine.seal(bytes) } catch { throw SecureLayerError("\(error)") }
    }

    /// See `SecureLayer`.
    public func takeOutput() -> [UInt8] { engine.takeOutput() }

    /// See `SecureLayer`.
    public var isAtEnd: Bool { engine.isAtEnd }
}
