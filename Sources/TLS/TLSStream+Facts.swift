// TLSStream+Facts: what was agreed on, and who the other end is.
// SSL_get_current_cipher(3), SSL_export_keying_material(3); RFC 5929, RFC 9266.
// SPDX-License-Identifier: MIT

import COpenSSL

/// The certificate that the other end showed.
public struct TLSPeer: Hashable, Sendable {
    /// SHA-256 of the certificate in DER, 64 hexadecimal digits in lower case.
    public let digest: String
    /// Its names, when an authority that we know vouches for it; empty when none does.
    public let names: [CertificateName]
    /// Why no authority vouches for it; nil when one does.
    public let trouble: String?
}

/// What ties an authentication to this very connection.
public struct ChannelBinding: Hashable, Sendable {
    /// The name that IANA has for it, such as `tls-exporter`.
    public let name: String
    /// What it is.
    public let bytes: [UInt8]
}

extension TLSStream {
    /// The version as `TLSv1.3`.
    public var version: String { String(cString: SSL_get_version(ssl)) }

    /// The name that IANA has for the ciphersuite, as `TLS_AES_256_GCM_SHA384`.
    public var cipher: String {
        SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)).map { String(cString: $0) } ?? ""
    }

    /// What the client called the server; nil when it did not.
    public var serverName: String? {
        SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name).map { String(cString: $0) }
    }

    /// True when an earlier session was resumed.
    public var isResumed: Bool { SSL_session_reused(ssl) == 1 }

    /// The other end's certificate; nil when it showed none.
    public var peer: TLSPeer? {
        guard let certificate = SSL_get1_peer_certificate(ssl) else { return nil }
        defer { X509_free(certificate) }
        guard let digest = TLSStream.digest(of: certificate, EVP_sha256()) else { return nil }
        let result = SSL_get_verify_result(ssl)
        let isVerified = result == Int(X509_V_OK)
        return TLSPeer(
            digest: digest.map(TLSStream.hexadecimal).joined(),
            names: isVerified ? CertificateName.all(of: certificate) : [],
            trouble: isVerified ? nil : String(cString: X509_verify_cert_error_string(result)))
    }

    /// What this connection offers to tie an authentication to it, the best first.
    public var channelBindings: [ChannelBinding] {
        [
            // RFC 9266, section 4.2: with TLS 1.2 only by prior agreement.
            ("tls-exporter", SSL_version(ssl) == TLS1_3_VERSION ? exported : nil),
            ("tls-unique", SSL_version(ssl) == TLS1_2_VERSION ? firstFinished : nil),
            ("tls-server-end-point", endPoint),
        ].compactMap { name, bytes in bytes.map { ChannelBinding(name: name, bytes: $0) } }
    }

    /// RFC 9266, section 4.
    private var exported: [UInt8]? {
        let label = "EXPORTER-Channel-Binding"
        var bytes = [UInt8](repeating: 0, count: 32)
        let result = SSL_export_keying_material(
            ssl, &bytes, bytes.count, label, label.utf8.count, [], 0, 1)
        return result == 1 ? bytes : nil
    }

    /// RFC 5929, section 3; without RFC 7627 two connections could have the same.
    private var firstFinished: [UInt8]? {
        guard copenssl_has_extended_master_secret(ssl) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 64)
        // In a full handshake the client's message is the first, in a resumed one the server's.
        let isOurs = (SSL_is_server(ssl) == 1) == isResumed
        let count =
            isOurs
            ? SSL_get_finished(ssl, &bytes, bytes.count)
            : SSL_get_peer_finished(ssl, &bytes, bytes.count)
        return count > 0 ? Array(bytes.prefix(count)) : nil
    }

    /// RFC 5929, section 4.1: the digest of the server's certificate by its signature's algorithm.
    private var endPoint: [UInt8]? {
        let isServer = SSL_is_server(ssl) == 1
        let certificate = isServer ? SSL_get_certificate(ssl) : SSL_get1_peer_certificate(ssl)
        guard let certificate else { return nil }
        defer { if !isServer { X509_free(certificate) } }
        var digest: Int32 = 0
        let signature = X509_get_signature_nid(certificate)
        guard OBJ_find_sigid_algs(signature, &digest, nil) == 1 else { return nil }
        let isWeak = digest == NID_md5 || digest == NID_sha1
        // Algorithms without a digest of their own, such as Ed25519, have no such binding.
        guard let kind = isWeak ? EVP_sha256() : EVP_get_digestbyname(OBJ_nid2sn(digest)) else {
            return nil
        }
        return TLSStream.digest(of: certificate, kind)
    }

    private static func digest(of certificate: OpaquePointer, _ kind: OpaquePointer?) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_digest(certificate, kind, &bytes, &count) == 1 else { return nil }
        return Array(bytes.prefix(Int(count)))
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 16)
        return byte < 16 ? "0\(digits)" : digits
    }
}
