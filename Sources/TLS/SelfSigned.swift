// SelfSigned: a key and a certificate of it by itself, to begin with.
// smtp-server(8), section TLS.
// SPDX-License-Identifier: MIT

import COpenSSL
import Control
import Glibc
import MailModel
import UnixIO

/// What a server begins with that was given no certificate: clients that check none, which is what
/// other mail servers do, can encrypt.
public enum SelfSigned {
    /// How long it is good for: 10 years.
    public static let days: Int32 = 3650

    /// A P-256 key and its certificate, in PEM.
    /// - Throws: `TLSError`, also when the name is none of a host.
    public static func pem(for name: String) throws(TLSError) -> [UInt8] {
        try OpenSSL.start()
        guard isHostName(name) else { throw TLSError("\(name) is no host name") }
        var key: OpaquePointer?
        var certificate: OpaquePointer?
        guard copenssl_self_signed(name, days, &key, &certificate) == 1 else { throw .taken() }
        defer {
            EVP_PKEY_free(key)
            X509_free(certificate)
        }
        let bio = BIO_new(BIO_s_mem())
        defer { BIO_free(bio) }
        guard PEM_write_bio_PKCS8PrivateKey(bio, key, nil, nil, 0, nil, nil) == 1,
            PEM_write_bio_X509(bio, certificate) == 1
        else { throw .taken() }
        var bytes = [UInt8](repeating: 0, count: 16_384)
        let count = BIO_read(bio, &bytes, Int32(bytes.count))
        return Array(bytes.prefix(Int(max(0, count))))
    }

    /// Makes `NAME.pem` where a folder holds no certificate; the folder too, but not those above
    /// it. It belongs to whom the folder belongs to, so that a server which is not root can read
    /// what root made. Several may try at the same time: one file comes about.
    /// - Returns: its path; nil when there was a certificate already.
    /// - Throws: `ControlError`.
    public static func make(for name: String, in path: String) throws(ControlError) -> String? {
        guard try CertificateFolder(path).files().isEmpty else { return nil }
        let file = "\(path)/\(name).pem"
        do {
            let bytes = try pem(for: name)
            try Files.makeFolder(path)
            let folder = try Files.openFolder(path)
            let temporary = ".\(name).pem.\(String(Random.bits, radix: 36))"
            defer { try? Files.unlink(temporary, in: folder.borrowed) }
            try write(bytes, temporary, folder.borrowed)
            try Files.link(
                temporary, in: folder.borrowed, as: "\(name).pem", in: folder.borrowed)
            try folder.borrowed.sync(path)
            return file
        } catch let error as SystemError where error.errno == .fileExists {
            return nil
        } catch let error as SystemError {
            throw .unreadable(error)
        } catch {
            throw .invalid(file: file, line: nil, reason: "\(error)")
        }
    }

    private static func write(
        _ bytes: [UInt8], _ name: String, _ folder: Descriptor
    ) throws(SystemError) {
        let file = try Files.open(name, O_WRONLY | O_CREAT | O_EXCL, mode: 0o600, in: folder)
        if geteuid() == 0 {
            let owner = try folder.status(name)
            let number = file.number
            _ = try retrying("fchown", name) { fchown(number, owner.st_uid, owner.st_gid) }
        }
        try file.borrowed.writeAll(bytes, name)
        try file.borrowed.syncData(name)
    }

    private static func isHostName(_ name: String) -> Bool {
        name.utf8.count <= 253
            && name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                !label.isEmpty && label.utf8.count <= 63
                    && label.utf8.allSatisfy {
                        $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D || $0 == 0x5F
                    }
            }
    }
}
