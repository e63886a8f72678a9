// AuthReply: what auth-check answers.
// auth-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel

/// The answer to one round of a conversation. After any but a challenge the conversation is over.
public enum AuthReply: Equatable, Sendable {
    /// The client must answer this, which may be empty.
    case challenge([UInt8])
    /// The client is this user, and is told this too when there is something.
    case accepted(user: [UInt8], final: [UInt8]?)
    /// It is not let in. The word is for logs, and never says whether there is such a login; the
    /// login is the one that the client named, if it did.
    case refused(AuthRefusal, login: [UInt8]? = nil)
    /// That cannot be said now.
    case unavailable(String)

    /// The answer on the wire.
    public var fields: Fields {
        var fields = Fields()
        fields.append("chainmail", AuthQuestion.version)
        fields.append("status", word)
        switch self {
        case .challenge(let bytes): fields.append("challenge", bytes)
        case .accepted(let user, let final):
            fields.append("user", user)
            if let final { fields.append("final", final) }
        case .refused(let reason, let login):
            fields.append("reason", reason.rawValue)
            if let login { fields.append("login", login) }
        case .unavailable(let reason): fields.append("reason", reason)
        }
        return fields
    }

    /// Reads an answer.
    /// - Throws: `FieldsError`; who cannot read it does not know.
    public init(_ fields: Fields) throws(FieldsError) {
        func value(_ name: String) throws(FieldsError) -> [UInt8] {
            guard let value = fields[name] else { throw .missing(name) }
            return value
        }
        guard fields.text("chainmail") == AuthQuestion.version else {
            throw .badValue("chainmail")
        }
        switch fields.text("status") {
        case "challenge": self = .challenge(try value("challenge"))
        case "accepted":
            let user = try value("user")
            // It becomes a fact, and so part of lines, header fields and environments.
            guard !user.isEmpty, user.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw .badValue("user")
            }
            self = .accepted(user: user, final: fields["final"])
        case "refused":
            let reason = fields.text("reason").flatMap(AuthRefusal.init(rawValue:))
            self = .refused(reason ?? .credentials, login: fields["login"])
        case "unavailable": self = .unavailable(try value("reason").printable)
        default: throw .badValue("status")
        }
    }

    /// The word for it on the wire and in logs.
    public var word: String {
        switch self {
        case .challenge: "challenge"
        case .accepted: "accepted"
        case .refused: "refused"
        case .unavailable: "unavailable"
        }
    }
}

/// Why a login is refused, as far as logs may tell.
public enum AuthRefusal: String, CaseIterable, Sendable {
    /// There is no such login, or what was shown for it is not right.
    case credentials
    /// What the client said is not of the mechanism's form.
    case malformed
    /// The client was made to believe that we cannot bind to TLS.
    case downgrade
    /// The client is bound to another TLS session than ours.
    case binding
    /// The login is right, but the client wants to act as somebody else.
    case authorization
    /// Nothing here serves this mechanism.
    case mechanism
    /// The client ended it.
    case cancelled
}
