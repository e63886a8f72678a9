// StoredPassword: a password as a file or a database has it: {SCHEME}value.
// auth-sources(5), section STORED PASSWORDS.
// SPDX-License-Identifier: MIT

import MailModel

/// A password as it is stored, of any scheme that is known here.
public enum StoredPassword: Hashable, Sendable {
    /// A hash of crypt(3).
    case crypt([UInt8])
    /// The password itself.
    case clear([UInt8])
    /// What SCRAM needs.
    case scram(SCRAMVerifier)
    /// The digest of the password, and of a salt behind it, by OpenSSL's name.
    case digest(name: String, value: [UInt8], salt: [UInt8])
    /// No password fits: nothing is stored, or `!` or `*` is in front of it.
    case locked

    /// Schemes that crypt(3) tells apart by itself.
    private static let cryptSchemes: Set<String> = [
        "CRYPT", "BLF-CRYPT", "SHA512-CRYPT", "SHA256-CRYPT", "MD5-CRYPT", "DES-CRYPT",
    ]

    /// Digests in base64, and how long they are; `S` in front: a salt follows.
    private static let digests: [String: (name: String, length: Int)] = [
        "SHA": ("SHA1", 20), "SHA1": ("SHA1", 20), "SHA256": ("SHA256", 32),
        "SHA512": ("SHA512", 64), "SSHA": ("SHA1", 20), "SSHA256": ("SHA256", 32),
        "SSHA512": ("SHA512", 64), "LDAP-MD5": ("MD5", 16), "SMD5": ("MD5", 16),
    ]

    /// Reads what is stored. Without a scheme it is a hash of crypt(3).
    /// - Throws: `PasswordError.unknownScheme`.
    public init(_ text: some Collection<UInt8>) throws(PasswordError) {
        guard let first = text.first, first != 0x21, first != 0x2A else {
            self = .locked
            return
        }
        guard first == 0x7B, let end = text.firstIndex(of: 0x7D) else {
            try self.init(crypt: Array(text))
            return
        }
        let scheme = String(decoding: text.dropFirst().prefix { $0 != 0x7D }, as: UTF8.self)
        let value = Array(text[text.index(after: end)...])
        try self.init(scheme.uppercased(), value)
    }

    private init(_ scheme: String, _ value: [UInt8]) throws(PasswordError) {
        let isUnset = value.first.map { $0 == 0x21 || $0 == 0x2A } ?? true
        switch scheme {
        case _ where value.isEmpty: self = .locked
        case "PLAIN", "CLEAR", "CLEARTEXT": self = .clear(value)
        case _ where isUnset: self = .locked
        case _ where StoredPassword.cryptSchemes.contains(scheme): try self.init(crypt: value)
        case "SCRAM-SHA-256":
            guard let verifier = SCRAMVerifier(value) else { throw .unknownScheme("{\(scheme)}") }
            self = .scram(verifier)
        case "PLAIN-MD5":
            guard let digest = StoredPassword.hexadecimal(value), digest.count == 16 else {
                throw .unknownScheme("{\(scheme)}")
            }
            self = .digest(name: "MD5", value: digest, salt: [])
        default:
            guard let (name, length) = StoredPassword.digests[scheme],
                let bytes = Base64.decode(value), bytes.count >= length,
                bytes.count == length || scheme.hasPrefix("SS") || scheme == "SMD5"
            else { throw .unknownScheme("{\(scheme.prefix(32))}") }
            self = .digest(
                name: name, value: Array(bytes.prefix(length)), salt: Array(bytes[length...]))
        }
    }

    /// A hash begins with `$` or `_`, or has the 13 bytes of DES: a password in clear whose scheme was
    /// forgotten is none.
    private init(crypt hash: [UInt8]) throws(PasswordError) {
        guard hash.first == 0x24 || hash.first == 0x5F || hash.count == 13 else {
            throw .unknownScheme("something that has no scheme and is no hash of crypt(3)")
        }
        self = .crypt(hash)
    }

    /// The bytes of pairs of hexadecimal digits; nil for anything else.
    public static func hexadecimal(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count % 2 == 0 else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8?
        for byte in text {
            let digit: UInt8
            switch byte.asciiLowercased {
            case 0x30...0x39: digit = byte - 0x30
            case 0x61...0x66: digit = byte.asciiLowercased - 0x61 + 10
            default: return nil
            }
            if let first = high { bytes.append(first << 4 | digit) }
            high = high == nil ? digit : nil
        }
        return bytes
    }

    /// True when the password is this one. What is given is tried as it is, then, where that is
    /// something else, prepared by SASLprep (RFC 4013), since a new password is stored prepared.
    /// - Throws: `PasswordError` when that cannot be known.
    public func matches(_ password: [UInt8]) throws(PasswordError) -> Bool {
        guard !password.isEmpty, !password.contains(0) else { return false }
        if try matchesExactly(password) { return true }
        let prepared = PreparedPassword.of(password)
        guard prepared != password else { return false }
        return try matchesExactly(prepared)
    }

    private func matchesExactly(_ password: [UInt8]) throws(PasswordError) -> Bool {
        switch self {
        case .crypt(let hash): return try CryptHash.matches(password, hash)
        case .clear(let stored): return Digests.areEqual(stored, password)
        case .scram(let verifier): return try verifier.matches(password)
        case .digest(let name, let value, let salt):
            return Digests.areEqual(try Digests.digest(name, password + salt), value)
        case .locked: return false
        }
    }

    /// The password itself, where that is what is stored.
    public var clearText: [UInt8]? { if case .clear(let text) = self { text } else { nil } }
}
