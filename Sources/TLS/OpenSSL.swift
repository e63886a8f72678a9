// OpenSSL: the library is started here, once, and told to read no configuration of its own.
// OPENSSL_init_ssl(3).
// SPDX-License-Identifier: MIT

import COpenSSL

enum OpenSSL {
    /// Everything is said by our own files: openssl.cnf is not read, so that the same
    /// configuration means the same on every host.
    private static let isReady: Bool = {
        let options = UInt64(OPENSSL_INIT_NO_LOAD_CONFIG)
        return OPENSSL_init_ssl(options, nil) == 1
    }()

    /// Starts the library unless it was started.
    /// - Throws: `TLSError`.
    static func start() throws(TLSError) {
        guard isReady else { throw .taken(or: "OpenSSL cannot be started") }
        ERR_clear_error()
    }

    /// Lends a BIO that reads from bytes.
    static func reading<Value, Failure: Error>(
        _ bytes: [UInt8], _ body: (OpaquePointer?) throws(Failure) -> Value
    ) throws(Failure) -> Value {
        let bio = BIO_new_mem_buf(bytes, Int32(clamping: bytes.count))
        defer { BIO_free(bio) }
        return try withExtendedLifetime(bytes) { () throws(Failure) -> Value in try body(bio) }
    }
}
