// PasswordSource: what every source of passwords is to those that ask.
// auth-sources(5).
// SPDX-License-Identifier: MIT

public import MailModel
public import Passwords
public import UnixIO

/// What a source can do, and so which mechanisms may be offered.
public struct Abilities: OptionSet, Hashable, Sendable {
    /// The bits.
    public let rawValue: Int

    /// Abilities of these bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// A password that is given can be checked: PLAIN and LOGIN.
    public static let verify = Abilities(rawValue: 1)
    /// The password itself is there.
    public static let clearText = Abilities(rawValue: 2)
    /// What SCRAM-SHA-256 and SCRAM-SHA-256-PLUS need is there.
    public static let scram = Abilities(rawValue: 4)
    /// The answer to a challenge of CRAM-MD5 can be checked.
    public static let cramMD5 = Abilities(rawValue: 8)
    /// A token of OAuth can be checked.
    public static let token = Abilities(rawValue: 16)
    /// The names of a verified certificate are users.
    public static let certificate = Abilities(rawValue: 32)
    /// What needs a password or something made of it.
    static let passwords: Abilities = [.verify, .clearText, .scram, .cramMD5]
}

/// What is known of who logs in, and how long the answer may take.
public struct LoginContext: Sendable {
    /// The client's address.
    public var clientAddress: IPAddress?
    /// Our address that the client connected to.
    public var localAddress: IPAddress?
    /// The port there.
    public var localPort: UInt16?
    /// True under TLS.
    public var isSecured = false
    /// The mechanism, such as `PLAIN`, for programs and servers that want to know.
    public var mechanism = "PLAIN"
    /// Every source has a time limit of its own too.
    public var deadline = Deadline.never

    /// Nothing is known.
    public init() {}
}

/// Whether somebody may log in.
public enum LoginAnswer: Hashable, Sendable {
    /// Yes. The user is who that is, which may be another name than was given: that of an alias
    /// domain is the real one.
    case accepted(user: [UInt8])
    /// No: a wrong password, or a user who may not.
    case refused
    /// There is no such user here: the next source is asked.
    case unknown
    /// Not known: the source cannot be reached, or what it says has no sense. For logs; never
    /// said to a client.
    case unavailable(String)
}

/// What a source has of a user.
public enum Lookup<Value: Sendable>: Sendable {
    /// This, of this user.
    case found(Value, user: [UInt8])
    /// The user is there, but may not log in, or has nothing of the kind.
    case refused
    /// There is no such user here: the next source is asked.
    case unknown
    /// Not known. For logs.
    case unavailable(String)

    /// The same of what is made of the value; nil is a refusal.
    func map<Other>(_ body: (Value) throws(PasswordError) -> Other?) -> Lookup<Other> {
        switch self {
        case .found(let value, let user):
            do throws(PasswordError) {
                return try body(value).map { .found($0, user: user) } ?? .refused
            } catch {
                return .unavailable("\(error)")
            }
        case .refused: return .refused
        case .unknown: return .unknown
        case .unavailable(let reason): return .unavailable(reason)
        }
    }
}

/// One source of passwords. A value serves one request at a time.
///
/// It is made before workers are forked. A connection is opened at the first question, again when it
/// was lost, and again in a process that was forked since: no two processes share one.
public protocol PasswordSource: AnyObject {
    /// What logs call it, such as `users:/etc/chainmail/users`: without any secret.
    var label: String { get }

    /// What it can do. May change while it runs, as files do.
    var abilities: Abilities { get }

    /// True when it never says that a login is unknown: nobody behind it is asked for passwords.
    var isLast: Bool { get }

    /// A stored password whose check costs what checking a wrong one costs here; nil where it costs
    /// nothing, or others do it.
    var decoy: StoredPassword? { get }

    /// Checks a password. Neither it nor the login is empty, very long, or holds NUL.
    func verify(_ login: [UInt8], _ password: [UInt8], _ context: LoginContext) -> LoginAnswer

    /// What SCRAM-SHA-256 needs, made of the password itself where there is only that.
    func scramVerifier(_ login: [UInt8], _ context: LoginContext) -> Lookup<SCRAMVerifier>

    /// Checks what came back for a challenge of CRAM-MD5.
    func verify(_ login: [UInt8], _ answer: CRAMAnswer, _ context: LoginContext) -> LoginAnswer

    /// Checks a token of OAuth, of somebody who wants to be `login`, empty when he does not say.
    func verify(token: [UInt8], for login: [UInt8], _ context: LoginContext) -> LoginAnswer

    /// Who the names of a certificate are that TLS has verified.
    func verify(
        certificate names: [[UInt8]], as identity: [UInt8], _ context: LoginContext
    ) -> LoginAnswer
}

extension PasswordSource {
    /// Most sources know who is unknown.
    public var isLast: Bool { false }

    /// Most sources know no tokens.
    public func verify(
        token: [UInt8], for login: [UInt8], _ context: LoginContext
    ) -> LoginAnswer { .unknown }

    /// Most sources know no certificates.
    public func verify(
        certificate names: [[UInt8]], as identity: [UInt8], _ context: LoginContext
    ) -> LoginAnswer { .unknown }
}

/// A challenge of CRAM-MD5 and what came back. RFC 2195, section 2.
public struct CRAMAnswer: Sendable {
    /// The challenge with its angle brackets.
    public let challenge: [UInt8]
    /// The digest, 32 hexadecimal digits.
    public let digest: [UInt8]

    /// A challenge and a digest.
    public init(challenge: [UInt8], digest: [UInt8]) {
        self.challenge = challenge
        self.digest = digest
    }

    /// True when the digest is that of the password.
    func isOf(_ password: [UInt8]) throws(PasswordError) -> Bool {
        guard let digest = StoredPassword.hexadecimal(digest) else { return false }
        return Digests.areEqual(try Digests.hmac("MD5", key: password, challenge), digest)
    }
}
