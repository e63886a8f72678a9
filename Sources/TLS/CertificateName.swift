// CertificateName: what a certificate says whom it is for.
// RFC 5280, section 4.2.1.6.
// SPDX-License-Identifier: MIT

import COpenSSL

/// A name in a certificate.
public struct CertificateName: Hashable, Sendable {
    /// Where it stands.
    public enum Kind: Hashable, Sendable {
        /// rfc822Name of the subjectAltName.
        case mailbox
        /// dNSName of the subjectAltName.
        case host
        /// The first common name of the subject.
        case common
    }

    /// Where it stands.
    public let kind: Kind
    /// The name; bytes that are no UTF-8 are replaced, so that it fits nothing.
    public let text: String

    /// The names of a certificate, those of the subjectAltName first.
    static func all(of certificate: OpaquePointer) -> [CertificateName] {
        var names: [CertificateName] = []
        withUnsafeMutablePointer(to: &names) { pointer in
            copenssl_names(certificate, pointer) { owner, type, text, length in
                guard let text, let kind = Kind(type) else { return }
                let bytes = UnsafeBufferPointer(start: text, count: Int(length))
                let name = CertificateName(
                    kind: kind, text: String(decoding: bytes, as: UTF8.self))
                owner?.assumingMemoryBound(to: [CertificateName].self).pointee.append(name)
            }
        }
        return names
    }
}

extension CertificateName.Kind {
    fileprivate init?(_ type: Int32) {
        switch type {
        case GEN_EMAIL: self = .mailbox
        case GEN_DNS: self = .host
        case GEN_DIRNAME: self = .common
        default: return nil
        }
    }
}
