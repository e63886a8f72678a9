// ServerCheck: what the certificate of a server that we connect to must be.
// SSL_set1_host(3), SSL_dane_enable(3); RFC 6125, RFC 6698, RFC 7671.
// SPDX-License-Identifier: MIT

import COpenSSL

/// A TLSA record. RFC 6698, section 2.1.
public struct TLSARecord: Hashable, Sendable, CustomStringConvertible {
    /// 2 is an authority of the domain's own, 3 the server's certificate itself; 0 and 1 are not
    /// for SMTP (RFC 7672, section 3.1.3).
    public let usage: UInt8
    /// 0 is the whole certificate, 1 its public key.
    public let selector: UInt8
    /// 0 is the thing itself, 1 its SHA-256, 2 its SHA-512.
    public let matchingType: UInt8
    /// What must match.
    public let data: [UInt8]

    /// Reads the data of a record; nil when it is cut short.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count > 3 else { return nil }
        usage = bytes[0]
        selector = bytes[1]
        matchingType = bytes[2]
        data = Array(bytes[3...])
    }

    /// As in a zone file: `3 1 1 0123...`.
    public var description: String {
        "\(usage) \(selector) \(matchingType) \(data.hexadecimal)"
    }
}

/// A digest that a certificate or its public key must have.
public struct CertificatePin: Hashable, Sendable {
    /// What is digested.
    public enum Kind: String, Sendable {
        /// The certificate in DER.
        case certificate = "cert"
        /// Its public key as SubjectPublicKeyInfo in DER, which a renewed certificate may keep.
        case key
    }

    /// What is digested.
    public let kind: Kind
    /// SHA-256.
    public let digest: [UInt8]

    /// A pin of 32 bytes; nil for any other number.
    public init?(_ kind: Kind, _ digest: [UInt8]) {
        guard digest.count == 32 else { return nil }
        self.kind = kind
        self.digest = digest
    }
}

/// What is asked of a server's certificate.
public enum ServerCheck: Hashable, Sendable {
    /// Nothing.
    case nothing
    /// An authority that we know has made it, for one of these names; `.example.test` is any name
    /// below that domain. Only names of subjectAltName count. With `isRequired` false the handshake
    /// goes on with any certificate, and `ClientEngine.trouble` tells.
    case authority(names: [String], isRequired: Bool)
    /// One of the records is of it. The first name is the base domain of the records; the others
    /// may be in a certificate that an authority of the domain's has made.
    case records([TLSARecord], names: [String])
    /// It has one of these digests; nothing else counts.
    case pins([CertificatePin])
}

/// What is wrong with a server's certificate.
public enum CertificateTrouble: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is not valid any more, or not yet.
    case outOfDate(String)
    /// It is for other names.
    case otherName(String)
    /// Nobody that we know vouches for it.
    case notTrusted(String)
    /// No TLSA record and no pin is of it.
    case noMatch(String)
    /// There is none.
    case missing

    /// The reason as one line.
    public var description: String {
        switch self {
        case .outOfDate(let text), .otherName(let text), .notTrusted(let text),
            .noMatch(let text):
            text
        case .missing: "the server shows no certificate"
        }
    }

    /// What a result of verification means; nil when all is well.
    init?(_ result: Int) {
        let text = String(cString: X509_verify_cert_error_string(result))
        switch Int32(truncatingIfNeeded: result) {
        case X509_V_OK: return nil
        case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID: self = .outOfDate(text)
        case X509_V_ERR_HOSTNAME_MISMATCH: self = .otherName(text)
        case X509_V_ERR_DANE_NO_MATCH: self = .noMatch(text)
        default: self = .notTrusted(text)
        }
    }
}

extension ServerCheck {
    /// How many of these records OpenSSL can do something with: none means that nobody can be
    /// checked by them. Usages 0 and 1 are not among them.
    public static func usable(_ records: [TLSARecord]) throws(TLSError) -> [TLSARecord] {
        let context = try Context(
            TLS_client_method(), TLSVersion.version12...TLSVersion.version13)
        guard SSL_CTX_dane_enable(context.pointer) == 1 else { throw .taken() }
        let ssl = try context.connection()
        defer {
            SSL_free(ssl)
            ERR_clear_error()
        }
        guard SSL_dane_enable(ssl, "usable.invalid") == 1 else { throw .taken() }
        return records.filter { add($0, to: ssl) }
    }

    /// Tells a connection what is asked. Its context must know DANE.
    func apply(to ssl: OpaquePointer) throws(TLSError) {
        switch self {
        case .nothing, .pins: SSL_set_verify(ssl, SSL_VERIFY_NONE, nil)
        case .authority(let names, let isRequired):
            SSL_set_verify(ssl, isRequired ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nil)
            SSL_set_hostflags(
                ssl,
                UInt32(
                    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
            guard !names.isEmpty, names.allSatisfy({ SSL_add1_host(ssl, $0) == 1 }) else {
                throw .taken(or: "there is no name to look for")
            }
        case .records(let records, let names):
            SSL_set_verify(ssl, SSL_VERIFY_PEER, nil)
            guard let base = names.first, SSL_dane_enable(ssl, base) == 1 else {
                throw .taken(or: "there is no name to look for")
            }
            // RFC 7672, section 3.1.1: a record of the certificate itself asks for nothing else.
            SSL_dane_set_flags(ssl, UInt(DANE_FLAG_NO_DANE_EE_NAMECHECKS))
            SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
            guard names.dropFirst().allSatisfy({ SSL_add1_host(ssl, $0) == 1 }) else {
                throw .taken()
            }
            let usable = records.filter { ServerCheck.add($0, to: ssl) }
            ERR_clear_error()
            guard !usable.isEmpty else { throw TLSError("no TLSA record can be used") }
        }
    }

    private static func add(_ record: TLSARecord, to ssl: OpaquePointer) -> Bool {
        guard record.usage == 2 || record.usage == 3 else { return false }
        return SSL_dane_tlsa_add(
            ssl, record.usage, record.selector, record.matchingType, record.data,
            record.data.count) == 1
    }

    /// What is wrong with the certificate after a handshake that went well; nil when all is well.
    func trouble(_ ssl: OpaquePointer) -> CertificateTrouble? {
        if case .nothing = self { return nil }
        guard let certificate = SSL_get1_peer_certificate(ssl) else { return .missing }
        defer { X509_free(certificate) }
        guard case .pins(let pins) = self else {
            return CertificateTrouble(SSL_get_verify_result(ssl))
        }
        let found = pins.contains { pin in
            ServerCheck.digest(of: certificate, pin.kind) == pin.digest
        }
        return found ? nil : .noMatch("the certificate has none of the digests that it must have")
    }

    private static func digest(
        of certificate: OpaquePointer, _ kind: CertificatePin.Kind
    ) -> [UInt8]? {
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        switch kind {
        case .certificate:
            guard X509_digest(certificate, EVP_sha256(), &digest, &count) == 1 else { return nil }
        case .key:
            var bytes: UnsafeMutablePointer<UInt8>?
            let length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &bytes)
            guard length > 0, let bytes else { return nil }
            defer { copenssl_free(bytes) }
            guard
                EVP_Digest(bytes, Int(length), &digest, &count, EVP_sha256(), nil) == 1
            else { return nil }
        }
        return Array(digest.prefix(Int(count)))
    }
}

extension Sequence<UInt8> {
    /// Two hexadecimal digits a byte, in lower case.
    var hexadecimal: String {
        var text = ""
        for byte in self {
            text += byte < 16 ? "0" : ""
            text += String(byte, radix: 16)
        }
        return text
    }
}
