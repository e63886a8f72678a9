// Digests: SHA-2 and others, HMAC, PBKDF2, and comparing what is secret.
// RFC 2104, RFC 8018; EVP_Digest(3ssl), HMAC(3ssl).
// SPDX-License-Identifier: MIT

import COpenSSL
import MailModel
import SASL

/// Digests by OpenSSL's names: `SHA256`, `SHA1`, `MD5`.
public enum Digests {
    /// The digest of bytes.
    /// - Throws: `PasswordError` when OpenSSL does not have it, or not in its present mode.
    public static func digest(
        _ name: String, _ bytes: [UInt8]
    ) throws(PasswordError) -> [UInt8] {
        try output(name) { kind, output, used in
            EVP_Digest(bytes, bytes.count, output, &used, kind, nil) == 1
        }
    }

    /// The HMAC of bytes. RFC 2104.
    /// - Throws: `PasswordError` when OpenSSL does not have it, or not in its present mode.
    public static func hmac(
        _ name: String, key: [UInt8], _ bytes: [UInt8]
    ) throws(PasswordError) -> [UInt8] {
        try output(name) { kind, output, used in
            guard let size = Int32(exactly: key.count) else { return false }
            return HMAC(kind, key, size, bytes, bytes.count, output, &used) != nil
        }
    }

    /// PBKDF2 with HMAC-SHA-256, 32 bytes: Hi() of RFC 5802, section 2.2.
    static func pbkdf2(
        _ password: [UInt8], salt: [UInt8], iterations: Int
    ) throws(PasswordError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: 32)
        guard let size = Int32(exactly: password.count), let saltSize = Int32(exactly: salt.count),
            password.withUnsafeBytes({ password in
                PKCS5_PBKDF2_HMAC(
                    password.baseAddress?.assumingMemoryBound(to: CChar.self), size, salt,
                    saltSize, Int32(clamping: iterations), EVP_sha256(), Int32(output.count),
                    &output)
            }) == 1
        else { throw .failed("PBKDF2 failed") }
        return output
    }

    /// True when both are the same; the time it takes depends on their lengths alone.
    public static func areEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.count == other.count && CRYPTO_memcmp(one, other, one.count) == 0
    }

    private static func output(
        _ name: String,
        _ body: (OpaquePointer, UnsafeMutablePointer<UInt8>?, inout UInt32) -> Bool
    ) throws(PasswordError) -> [UInt8] {
        var output = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var used: UInt32 = 0
        guard let kind = EVP_get_digestbyname(name),
            output.withUnsafeMutableBufferPointer({ body(kind, $0.baseAddress, &used) })
        else { throw .failed("no digest \(name)") }
        return Array(output.prefix(Int(used)))
    }
}

/// A password as it is prepared for comparison.
public enum PreparedPassword {
    /// The most bytes of a password; crypt(3) takes no more.
    public static let maximumLength = 511

    /// SASLprep (RFC 4013) of UTF-8: spaces become spaces, and letters and marks are composed
    /// (NFKC). What is not UTF-8, or holds what is prohibited, stays as it is: it may be the
    /// password of somebody whose hash was made elsewhere.
    public static func of(_ password: [UInt8]) -> [UInt8] {
        guard password.contains(where: { $0 >= 0x80 }), !password.contains(0) else {
            return password
        }
        return prepare(password) ?? password
    }

    /// SASLprep of text; nil for what it prohibits, such as a control character, and for nothing.
    public static func prepare(_ text: [UInt8]) -> [UInt8]? {
        guard let bytes = SASLLibrary.prepared(text) else { return nil }
        return bytes.isEmpty ? nil : bytes
    }
}
