// CryptHash: hashes of crypt(3).
// crypt(3), crypt(5), crypt_gensalt(3).
// SPDX-License-Identifier: MIT

import CPasswords
import Glibc
import MailModel

/// How a new hash is made.
public struct HashMethod: Hashable, Sendable {
    /// Its name on a command line.
    public let name: String
    /// What its hashes begin with.
    public let prefix: String
    /// The costs that crypt(3) takes.
    public let costs: ClosedRange<Int>

    /// yescrypt, whose cost 5 needs 16 MiB for each login; what Debian hashes passwords with.
    public static let yescrypt = HashMethod(name: "yescrypt", prefix: "$y$", costs: 1...11)
    /// bcrypt. It looks at the first 72 bytes of a password only.
    public static let bcrypt = HashMethod(name: "bcrypt", prefix: "$2b$", costs: 4...31)
    /// SHA-512 in rounds, of which the cost is the number.
    public static let sha512 = HashMethod(name: "sha512", prefix: "$6$", costs: 1000...999_999_999)

    /// All of them, the best first.
    public static let all = [yescrypt, bcrypt, sha512]
}

/// Hashes of crypt(3): yescrypt, bcrypt, SHA-512 and whatever else the system's library knows.
public enum CryptHash {
    /// A hash of a password, with a new salt. Without a cost it is the library's default.
    /// - Throws: `PasswordError`; for a cost that the method does not have, and a password that
    ///   crypt(3) cannot take whole.
    public static func make(
        of password: [UInt8], _ method: HashMethod = .yescrypt, cost: Int? = nil
    ) throws(PasswordError) -> [UInt8] {
        guard !password.isEmpty, !password.contains(0),
            password.count <= PreparedPassword.maximumLength
        else { throw .failed("no password that crypt(3) takes") }
        guard method.prefix != HashMethod.bcrypt.prefix || password.count <= 72 else {
            throw .failed("bcrypt takes passwords of at most 72 bytes")
        }
        var setting = [CChar](repeating: 0, count: Int(CPASSWORDS_HASH_SIZE))
        let failure = cpasswords_setting(method.prefix, UInt(max(0, cost ?? 0)), &setting)
        guard failure == 0 else { throw .failed("\(method.name) has no cost \(cost ?? 0)") }
        return try hash(password, setting)
    }

    /// True when a hash is that of the password.
    /// - Throws: `PasswordError` when the hash is of no method of this system's crypt(3), or there
    ///   is not enough memory for it.
    public static func matches(
        _ password: [UInt8], _ hash: [UInt8]
    ) throws(PasswordError) -> Bool {
        guard !hash.contains(0), hash.count < Int(CPASSWORDS_HASH_SIZE) else {
            throw .unknownScheme("something else than a hash")
        }
        // crypt(3) would compare what is before the NUL.
        guard !password.contains(0), password.count <= PreparedPassword.maximumLength else {
            return false
        }
        let computed = try self.hash(password, hash.map(CChar.init(bitPattern:)) + [0])
        return Digests.areEqual(computed, hash)
    }

    private static func hash(
        _ password: [UInt8], _ setting: [CChar]
    ) throws(PasswordError) -> [UInt8] {
        var output = [CChar](repeating: 0, count: Int(CPASSWORDS_HASH_SIZE))
        let phrase = password.map(CChar.init(bitPattern:)) + [0]
        switch cpasswords_crypt(phrase, setting, &output) {
        case 0: return output.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
        case EINVAL: throw .unknownScheme("a hash that crypt(3) does not know")
        case let number: throw .failed("crypt: \(String(cString: strerror(number)))")
        }
    }
}
