// ClientEngine: a client's side of TLS as a function of bytes, for whoever does the waiting.
// SSL_do_handshake(3), BIO_s_mem(3); RFC 8446, RFC 5246.
// SPDX-License-Identifier: MIT

import COpenSSL

/// TLS without a connection: bytes of the wire in, bytes of the wire out.
public final class ClientEngine {
    let ssl: OpaquePointer
    /// Contexts must live as long as their connections.
    private let target: ServerTarget
    /// Both belong to `ssl`.
    private let incoming: OpaquePointer
    private let outgoing: OpaquePointer
    /// True once a call failed for good: OpenSSL must not be called again then.
    private var isBroken = false
    /// True when the other end has said that nothing more will come.
    public private(set) var isAtEnd = false
    /// What is wrong with the server's certificate: why the handshake failed, or what did not keep
    /// it from going well.
    public private(set) var trouble: CertificateTrouble?

    /// An engine that has said nothing.
    /// - Throws: `TLSError`.
    public init(_ target: ServerTarget) throws(TLSError) {
        let connecting = try target.connection()
        guard let incoming = BIO_new(BIO_s_mem()) else { throw .taken() }
        guard let outgoing = BIO_new(BIO_s_mem()) else {
            BIO_free(incoming)
            throw .taken()
        }
        self.target = target
        self.incoming = incoming
        self.outgoing = outgoing
        ssl = connecting.take()
        SSL_set_bio(ssl, incoming, outgoing)
        SSL_set_connect_state(ssl)
    }

    deinit {
        // OpenSSL would never resume a session that ended without a farewell, as many do.
        SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN)
        SSL_free(ssl)
    }

    /// Goes on with the handshake.
    /// - Returns: true when it is over.
    /// - Throws: `TLSError`; what `takeOutput` has then tells the other end why.
    public func shakeHands(_ received: [UInt8]) throws(TLSError) -> Bool {
        try feed(received)
        let result = SSL_do_handshake(ssl)
        guard result != 1 else {
            try judge()
            return true
        }
        let error = SSL_get_error(ssl, result)
        guard copenssl_is_retry(error) != 1 else { return false }
        isBroken = true
        let reason = TLSError.taken(or: "the handshake failed")
        // Where nothing is asked of the certificate it is not what the handshake failed for.
        guard SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE,
            let trouble = CertificateTrouble(SSL_get_verify_result(ssl))
        else { throw reason }
        self.trouble = trouble
        throw TLSError("\(reason): \(trouble)")
    }

    /// What OpenSSL does not look at itself, or was told to let pass.
    private func judge() throws(TLSError) {
        trouble = target.check?.trouble(ssl)
        guard let trouble else { return }
        if case .authority(_, isRequired: false)? = target.check { return }
        isBroken = true
        throw TLSError("\(trouble)")
    }

    /// What the other end said, of what has come.
    /// - Throws: `TLSError` for what is not TLS, or was changed on the way.
    public func open(_ received: [UInt8]) throws(TLSError) -> [UInt8] {
        try feed(received)
        var bytes: [UInt8] = []
        while !isAtEnd {
            var got: Int32 = 0
            let piece = [UInt8](unsafeUninitializedCapacity: 16_384) { buffer, filled in
                got = SSL_read(ssl, buffer.baseAddress, Int32(buffer.count))
                filled = Int(max(0, got))
            }
            bytes += piece
            guard got <= 0 else { continue }
            let error = SSL_get_error(ssl, got)
            if copenssl_is_retry(error) == 1 { break }
            guard error == SSL_ERROR_ZERO_RETURN else {
                isBroken = true
                throw .taken(or: "the connection is broken")
            }
            isAtEnd = true
        }
        return bytes
    }

    /// Makes bytes ready to be sent.
    /// - Throws: `TLSError`.
    public func seal(_ bytes: [UInt8]) throws(TLSError) {
        try feed([])
        guard !bytes.isEmpty else { return }
        let put = SSL_write(ssl, bytes, Int32(clamping: bytes.count))
        guard put == bytes.count else {
            isBroken = true
            throw .taken(or: "nothing can be sent")
        }
    }

    /// What must be sent, in order.
    public func takeOutput() -> [UInt8] {
        let count = BIO_ctrl_pending(outgoing)
        return [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = Int(max(0, BIO_read(outgoing, buffer.baseAddress, Int32(clamping: count))))
        }
    }

    /// The version as `TLSv1.3`.
    public var version: String { String(cString: SSL_get_version(ssl)) }

    /// The name that IANA has for the ciphersuite, as `TLS_AES_256_GCM_SHA384`.
    public var cipher: String {
        SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)).map { String(cString: $0) } ?? ""
    }

    private func feed(_ received: [UInt8]) throws(TLSError) {
        guard !isBroken else { throw TLSError("the connection is broken") }
        ERR_clear_error()
        guard !received.isEmpty else { return }
        let put = BIO_write(incoming, received, Int32(clamping: received.count))
        guard put == received.count else {
            isBroken = true
            throw .taken(or: "no memory")
        }
    }
}
