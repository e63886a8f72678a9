// TLSContext: what all connections of one kind have in common. It is shared through fork.
// SSL_CTX_new(3).
// SPDX-License-Identifier: MIT

import COpenSSL

/// What a connection is made from.
public protocol TLSContext: AnyObject {
    /// A connection that has said nothing.
    /// - Throws: `TLSError`.
    func connection() throws(TLSError) -> Connecting
}

/// A connection of OpenSSL before it has a transport.
public struct Connecting: ~Copyable {
    private let ssl: OpaquePointer
    let isServer: Bool

    init(_ ssl: OpaquePointer, isServer: Bool) {
        self.ssl = ssl
        self.isServer = isServer
    }

    deinit { SSL_free(ssl) }

    /// Gives it away.
    consuming func take() -> OpaquePointer {
        let ssl = ssl
        discard self
        return ssl
    }
}

/// An `SSL_CTX` of our own defaults.
final class Context {
    let pointer: OpaquePointer

    init(_ method: OpaquePointer?, _ versions: ClosedRange<TLSVersion>) throws(TLSError) {
        try OpenSSL.start()
        guard let context = SSL_CTX_new(method) else { throw .taken() }
        pointer = context
        copenssl_set_defaults(context)
        let lowest = versions.lowerBound.number
        guard copenssl_set_versions(context, lowest, versions.upperBound.number) == 1 else {
            throw .taken()
        }
    }

    deinit { SSL_CTX_free(pointer) }

    func connection() throws(TLSError) -> OpaquePointer {
        guard let ssl = SSL_new(pointer) else { throw .taken() }
        return ssl
    }

    /// Certificates in PEM by which the other end is checked. With `isTold` clients hear whose
    /// certificates we know.
    func trust(_ authorities: [UInt8], isTold: Bool) throws(TLSError) {
        let store = SSL_CTX_get_cert_store(pointer)
        let certificates = try Certificates.all(in: authorities)
        defer { for certificate in certificates { X509_free(certificate) } }
        guard !certificates.isEmpty else { throw TLSError("it holds no certificate") }
        for certificate in certificates {
            guard X509_STORE_add_cert(store, certificate) == 1 else { throw .taken() }
            if isTold, SSL_CTX_add_client_CA(pointer, certificate) != 1 { throw .taken() }
        }
    }

    /// Lists in PEM of what is revoked: then every certificate but an authority's needs one.
    func distrust(_ revoked: [UInt8]) throws(TLSError) {
        let store = SSL_CTX_get_cert_store(pointer)
        let count = try OpenSSL.reading(revoked) { bio throws(TLSError) in
            var count = 0
            while let list = PEM_read_bio_X509_CRL(bio, nil, nil, nil) {
                defer { X509_CRL_free(list) }
                guard X509_STORE_add_crl(store, list) == 1 else { throw .taken() }
                count += 1
            }
            let isEnd = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
            guard isEnd else { throw .taken() }
            ERR_clear_error()
            return count
        }
        guard count > 0 else { throw TLSError("it holds no list of revoked certificates") }
        X509_STORE_set_flags(store, UInt(X509_V_FLAG_CRL_CHECK))
    }
}
