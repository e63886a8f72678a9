// ClientSession+Authentication: a login with a server, as its client.
// RFC 4954; RFC 4616 (PLAIN).
// SPDX-License-Identifier: MIT

import MailModel
public import SMTPProtocol

/// A login's name and password.
public struct ClientLogin: Hashable, Sendable {
    /// The name.
    public var user: [UInt8]
    /// The password.
    public var password: [UInt8]

    /// A login of these parts; nil when one is empty or holds a NUL, which PLAIN takes for its end.
    public init?(user: [UInt8], password: [UInt8]) {
        guard !user.isEmpty, !password.isEmpty, !user.contains(0), !password.contains(0) else {
            return nil
        }
        self.user = user
        self.password = password
    }
}

/// One login by one mechanism, step by step.
public protocol ClientMechanism {
    /// The name of the mechanism.
    var name: String { get }
    /// What is said with AUTH itself; nil where the server must speak first.
    mutating func begin() -> [UInt8]?
    /// What is said to a challenge; nil when it makes no sense.
    mutating func answer(_ challenge: [UInt8]) -> [UInt8]?
    /// True when the server has shown that it is who it should be, where the mechanism asks for it.
    var isSatisfied: Bool { get }
}

/// What came of a login.
public enum AuthenticationAnswer: Hashable, Sendable {
    /// The server lets us in.
    case accepted
    /// It does not, or it has not shown that it knows the login itself.
    case refused(SMTPReply)
}

extension ClientSession {
    /// The most rounds of a login.
    static var mostRounds: Int { 8 }

    /// Logs in after `open`.
    /// - Throws: `ClientError`; the session is of no use then.
    public mutating func authenticate(
        _ mechanism: any ClientMechanism
    ) throws(ClientError) -> AuthenticationAnswer {
        var mechanism = mechanism
        isBroken = true
        var command = Array("AUTH \(mechanism.name)".utf8)
        // RFC 4954, section 4: a response without a byte is an equals sign.
        if let first = mechanism.begin() {
            command += [0x20] + (first.isEmpty ? [0x3D] : Base64.encode(first))
        }
        var reply = try say(command)
        for _ in 0..<Self.mostRounds {
            guard reply.code == 334 else { break }
            // The challenge stands for itself: what looks like a status is a part of it.
            let challenge = Base64.decode(Array(reply.text.utf8).trimmed)
            let answer = challenge.flatMap { mechanism.answer($0) }
            reply = try say(answer.map { Base64.encode($0) } ?? [0x2A])
        }
        switch reply.replyClass {
        case 2 where mechanism.isSatisfied:
            isBroken = false
            return .accepted
        case 2: return .refused(reply.withoutWords)
        case 3: throw .unexpected(.auth, reply.withoutWords)
        default:
            isBroken = false
            return .refused(reply.withoutWords)
        }
    }

    /// What is said is a secret, and so may be the words of the reply: a server that takes it for
    /// an unknown command repeats it. Nothing of them goes on into errors, logs and reports.
    private mutating func say(_ words: [UInt8]) throws(ClientError) -> SMTPReply {
        do throws(ClientError) {
            return try ask(words, .auth)
        } catch {
            switch error {
            case .refused(let step, let reply): throw .refused(step, reply.withoutWords)
            case .unexpected(let step, let reply): throw .unexpected(step, reply.withoutWords)
            default: throw error
            }
        }
    }
}

extension SMTPReply {
    /// Code and status alone.
    fileprivate var withoutWords: SMTPReply { SMTPReply(code, status, "") }
}

/// The login in clear words, for a connection under TLS. RFC 4616.
public struct PlainMechanism: ClientMechanism {
    /// `PLAIN`.
    public let name = "PLAIN"
    /// The server shows nothing.
    public let isSatisfied = true
    private let login: ClientLogin

    /// The mechanism for a login.
    public init(_ login: ClientLogin) { self.login = login }

    /// All that there is to say.
    public mutating func begin() -> [UInt8]? { [0] + login.user + [0] + login.password }

    /// Of servers that ignore what comes with AUTH.
    public mutating func answer(_ challenge: [UInt8]) -> [UInt8]? {
        challenge.isEmpty ? begin() : nil
    }
}

/// The same in two steps, for servers that know nothing else.
public struct LoginMechanism: ClientMechanism {
    /// `LOGIN`.
    public let name = "LOGIN"
    /// The server shows nothing.
    public let isSatisfied = true
    private var rest: [[UInt8]]

    /// The mechanism for a login.
    public init(_ login: ClientLogin) { rest = [login.user, login.password] }

    /// The server asks.
    public mutating func begin() -> [UInt8]? { nil }

    /// Name and password, whatever words ask for them.
    public mutating func answer(_ challenge: [UInt8]) -> [UInt8]? {
        rest.isEmpty ? nil : rest.removeFirst()
    }
}
