// Credential: a private key and the certificate chain that goes with it, from one PEM file.
// PEM_read_bio_PrivateKey(3); RFC 7468.
// SPDX-License-Identifier: MIT

import COpenSSL

/// Who one end is, and the key that proves it.
public final class Credential {
    let key: OpaquePointer
    let certificate: OpaquePointer
    /// Those above the certificate, in the order of the file.
    let chain: [OpaquePointer]

    /// Reads a key and one or more certificates, the one of the key first. What else the text
    /// holds is passed over.
    /// - Throws: `TLSError` when something is missing, encrypted, damaged, or does not match.
    public init(pem: [UInt8]) throws(TLSError) {
        try OpenSSL.start()
        let key = try Credential.key(pem)
        let certificates: [OpaquePointer]
        do {
            certificates = try Certificates.all(in: pem)
        } catch {
            EVP_PKEY_free(key)
            throw error
        }
        self.key = key
        guard let first = certificates.first else {
            // Deinit does not run before everything has a value.
            EVP_PKEY_free(key)
            throw TLSError("it holds no certificate")
        }
        certificate = first
        chain = Array(certificates.dropFirst())
        guard X509_check_private_key(certificate, key) == 1 else {
            ERR_clear_error()
            throw TLSError("the key is not the one of the first certificate")
        }
    }

    deinit {
        EVP_PKEY_free(key)
        X509_free(certificate)
        for certificate in chain { X509_free(certificate) }
    }

    /// The host names that the certificate is for, in lower case. Those of the subjectAltName;
    /// without any, the common name: RFC 6125, section 6.4.4.
    public var hostNames: [String] {
        let names = CertificateName.all(of: certificate)
        let hosts = names.filter { $0.kind == .host }
        let fitting = hosts.isEmpty ? names.filter { $0.kind == .common } : hosts
        return fitting.map { $0.text.lowercased() }
    }

    /// Gives key and chain to a context.
    func use(in context: OpaquePointer) throws(TLSError) {
        guard SSL_CTX_use_certificate(context, certificate) == 1,
            SSL_CTX_use_PrivateKey(context, key) == 1
        else { throw .taken() }
        for certificate in chain {
            X509_up_ref(certificate)
            guard copenssl_add_chain(context, certificate) == 1 else {
                X509_free(certificate)
                throw .taken()
            }
        }
    }

    private static func key(_ pem: [UInt8]) throws(TLSError) -> OpaquePointer {
        // A key with a passphrase would ask for it on the terminal.
        let key = OpenSSL.reading(pem) { bio in
            PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil)
        }
        guard let key else {
            let isLocked = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_BAD_PASSWORD_READ
            ERR_clear_error()
            guard String(decoding: pem, as: UTF8.self).contains("PRIVATE KEY-----") else {
                throw TLSError("it holds no private key")
            }
            throw TLSError(
                isLocked
                    ? "the private key has a passphrase; it must have none"
                    : "the private key cannot be read")
        }
        return key
    }
}

/// Certificates in PEM.
enum Certificates {
    /// All of them; whoever gets them frees them.
    static func all(in pem: [UInt8]) throws(TLSError) -> [OpaquePointer] {
        try OpenSSL.reading(pem) { bio throws(TLSError) in
            var all: [OpaquePointer] = []
            while let next = PEM_read_bio_X509(bio, nil, nil, nil) { all.append(next) }
            let isEnd = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE
            guard isEnd else {
                for certificate in all { X509_free(certificate) }
                let number = all.count + 1
                throw TLSError("certificate \(number) cannot be read: \(TLSError.taken())")
            }
            ERR_clear_error()
            return all
        }
    }
}
