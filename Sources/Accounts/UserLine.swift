// UserLine: one line of a users file.
// users(5); Dovecot's passwd-file.
// SPDX-License-Identifier: MIT

import Control
import MailModel
public import Passwords

/// A line `login:password:uid:gid:verifier:home:shell:extra`, of which the fields from the third on may
/// be missing. Dovecot reads the same line; it passes over the fifth field, where we keep what SCRAM
/// needs.
public struct UserLine: Hashable, Sendable {
    /// What is wrong with a line.
    public struct Failure: Error, Hashable, Sendable, CustomStringConvertible {
        /// The reason, without anything of a password.
        public let description: String
    }

    /// The longest login, in bytes.
    public static let longestLogin = 255
    /// The longest line, in bytes.
    public static let longestLine = 8192
    private static let scheme = Array("{SCRAM-SHA-256}".utf8)

    /// The login with small letters.
    public let login: [UInt8]
    /// All fields, from the login on as it was written.
    private var fields: [[UInt8]]

    /// Reads a line.
    public init(_ line: some Collection<UInt8>) throws(Failure) {
        fields = line.split(separator: 0x3A, maxSplits: 7, omittingEmptySubsequences: false)
            .map { Array($0) }
        guard fields.count >= 2 else {
            throw Failure(description: "not login:password and more fields divided by colons")
        }
        login = try UserLine.login(fields[0])
        guard line.count <= UserLine.longestLine, !line.contains(0) else {
            throw Failure(
                description: "more than \(UserLine.longestLine) bytes in the line, or a NUL")
        }
    }

    /// A line of a new user, whose password is stored as `field` says, such as `{CRYPT}$y$...`.
    public init(
        login: [UInt8], field: [UInt8], verifier: SCRAMVerifier?
    ) throws(Failure) {
        self.login = try UserLine.login(login)
        fields = [self.login, [], [], [], [], [], []]
        set(field: field, verifier: verifier)
    }

    /// A login with small letters.
    /// - Throws: `Failure` when it cannot be one: blanks, colons and control characters are not in
    ///   a login, and `#` does not begin it.
    public static func login(_ text: some Collection<UInt8>) throws(Failure) -> [UInt8] {
        guard let first = text.first, first != 0x23, text.count <= longestLogin,
            !text.contains(where: { $0.isControl || $0 == 0x20 || $0 == 0x3A }),
            String(validating: Array(text), as: UTF8.self) != nil
        else {
            throw Failure(description: "no login: \(text.prefix(longestLogin).printable)")
        }
        return text.asciiLowercased
    }

    /// Gives the user another password; what else the line has stays, in the fifth field anything but a
    /// verifier where there is no new one.
    public mutating func set(field: [UInt8], verifier: SCRAMVerifier?) {
        while fields.count < 7 { fields.append([]) }
        fields[1] = field
        if let verifier {
            fields[4] = UserLine.scheme + verifier.text
        } else if fields[4].starts(with: UserLine.scheme) {
            fields[4] = []
        }
    }

    /// How the password is stored, for people: `yescrypt`, `{PLAIN}`, `locked`.
    public var scheme: String {
        let field = fields[1]
        let names = [
            "$y$": "yescrypt", "$2": "bcrypt", "$6$": "sha512", "$5$": "sha256", "$1$": "md5",
        ]
        switch try? StoredPassword(field) {
        case .locked?: return "locked"
        case .crypt(let hash)?:
            return names.first { hash.starts(with: $0.key.utf8) }?.value ?? "crypt"
        default: return field.prefix { $0 != 0x7D }.printable + "}"
        }
    }

    /// The password field as it stands.
    public var passwordField: [UInt8] { fields[1] }

    /// The password.
    /// - Throws: `PasswordError` for a scheme that is not known here.
    public func password() throws(PasswordError) -> StoredPassword { try StoredPassword(fields[1]) }

    /// What SCRAM needs, from the fifth field, or from the second where that has nothing else.
    public var verifier: SCRAMVerifier? {
        let field = fields.count > 4 ? fields[4] : []
        for text in [field, fields[1]] where text.starts(with: UserLine.scheme) {
            return SCRAMVerifier(text.dropFirst(UserLine.scheme.count))
        }
        return nil
    }

    /// The line without its end.
    public var text: [UInt8] { Array(fields.joined(separator: [0x3A])) }

    /// What follows the login and its colon.
    var rest: [UInt8] { Array(fields.dropFirst().joined(separator: [0x3A])) }
}
