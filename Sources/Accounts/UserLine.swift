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
    /// The line as it was written.
    private var line: [UInt8]

    /// Reads a line.
    public init(_ line: some Collection<UInt8>) throws(Failure) { try self.init(Array(line)[...]) }

    /// Reads a line. Nothing but the login is looked at before somebody asks: a file has many lines.
    init(_ line: ArraySlice<UInt8>) throws(Failure) {
        guard let end = line.firstIndex(of: 0x3A) else {
            throw Failure(description: "not login:password and more fields divided by colons")
        }
        login = try UserLine.login(of: line[..<end])
        guard line.count <= UserLine.longestLine, !line.contains(0) else {
            throw Failure(
                description: "more than \(UserLine.longestLine) bytes in the line, or a NUL")
        }
        self.line = Array(line)
    }

    /// All fields, from the login on as it was written.
    private var fields: [[UInt8]] {
        line.split(separator: 0x3A, maxSplits: 7, omittingEmptySubsequences: false)
            .map { Array($0) }
    }

    /// A line of a new user, whose password is stored as `field` says, such as `{CRYPT}$y$...`.
    public init(
        login: [UInt8], field: [UInt8], verifier: SCRAMVerifier?
    ) throws(Failure) {
        self.login = try UserLine.login(login)
        line = self.login + Array("::::::".utf8)
        set(field: field, verifier: verifier)
    }

    /// A login with small letters.
    /// - Throws: `Failure` when it cannot be one: blanks, colons and control characters are not in
    ///   a login, and `#` does not begin it.
    public static func login(_ text: some Collection<UInt8>) throws(Failure) -> [UInt8] {
        try login(of: Array(text)[...])
    }

    private static func login(of text: ArraySlice<UInt8>) throws(Failure) -> [UInt8] {
        var isPlain = text.count <= longestLogin && !text.isEmpty && text.first != 0x23
        var isASCII = true
        for byte in text {
            if byte <= 0x20 || byte == 0x3A || byte == 0x7F { isPlain = false }
            if byte >= 0x80 { isASCII = false }
        }
        guard isPlain, isASCII || String(validating: text, as: UTF8.self) != nil else {
            throw Failure(description: "no login: \(text.prefix(longestLogin).printable)")
        }
        return text.asciiLowercased
    }

    /// Gives the user another password; what else the line has stays, in the fifth field anything but a
    /// verifier where there is no new one.
    public mutating func set(field: [UInt8], verifier: SCRAMVerifier?) {
        var fields = fields
        while fields.count < 7 { fields.append([]) }
        fields[1] = field
        if let verifier {
            fields[4] = UserLine.scheme + verifier.text
        } else if fields[4].starts(with: UserLine.scheme) {
            fields[4] = []
        }
        line = Array(fields.joined(separator: [0x3A]))
    }

    /// How the password is stored, for people: `yescrypt`, `{PLAIN}`, `locked`.
    public var scheme: String {
        let field = passwordField
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
    public var passwordField: [UInt8] { Array(rest.prefix { $0 != 0x3A }) }

    /// The password.
    /// - Throws: `PasswordError` for a scheme that is not known here.
    public func password() throws(PasswordError) -> StoredPassword {
        try StoredPassword(passwordField)
    }

    /// What SCRAM needs, from the fifth field, or from the second where that has nothing else.
    public var verifier: SCRAMVerifier? {
        let fields = fields
        for text in [fields.count > 4 ? fields[4] : [], fields[1]]
        where text.starts(with: UserLine.scheme) {
            return SCRAMVerifier(text.dropFirst(UserLine.scheme.count))
        }
        return nil
    }

    /// The iterations of the verifier, without a look at the rest of it; nil without one.
    var iterations: Int? {
        guard let colon = line.firstIndex(of: 0x3A) else { return nil }
        var field = 1
        var start = colon + 1
        while field <= 4, start <= line.count {
            let end = line[start...].firstIndex(of: 0x3A) ?? line.endIndex
            let text = line[start..<end]
            if field == 1 || field == 4, text.starts(with: UserLine.scheme) {
                let digits = text.dropFirst(UserLine.scheme.count).prefix(while: \.isASCIIDigit)
                if let number = digits.decimalValue { return number }
            }
            field += 1
            start = end + 1
        }
        return nil
    }

    /// The line without its end.
    public var text: [UInt8] { line }

    /// What follows the login and its colon.
    var rest: ArraySlice<UInt8> {
        line[((line.firstIndex(of: 0x3A) ?? line.endIndex - 1) + 1)...]
    }
}
