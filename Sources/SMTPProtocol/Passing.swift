// Passing: what the chain has accepted of a session goes to a server behind, command by command.
// smtp-server(8), section A server behind.
// SPDX-License-Identifier: MIT

public import MailModel

/// What a server behind must be told, and says.
public enum PassedCommand: Equatable, Sendable {
    /// A transaction begins: the reverse-path as the steps left it, and what MAIL's parameters asked
    /// for. There is no recipient yet.
    case mail(Envelope)
    /// These recipients, which stand for one that the client gave.
    case recipients(Envelope)
}

/// What a server behind can do that we need not.
public struct ExtensionsBehind: Hashable, Sendable {
    /// RFC 6152.
    public var eightBitMIME: Bool
    /// RFC 6531.
    public var smtputf8: Bool
    /// RFC 3461.
    public var dsn: Bool
    /// The most bytes of a message; nil: no limit that is known.
    public var messageSize: Int?
    /// The most recipients of a message; nil: no limit that is known.
    public var recipients: Int?

    /// Extensions of these parts.
    public init(
        eightBitMIME: Bool, smtputf8: Bool, dsn: Bool, messageSize: Int?, recipients: Int?
    ) {
        self.eightBitMIME = eightBitMIME
        self.smtputf8 = smtputf8
        self.dsn = dsn
        self.messageSize = messageSize
        self.recipients = recipients
    }

    /// What is as good as no server behind.
    public static let all = ExtensionsBehind(
        eightBitMIME: true, smtputf8: true, dsn: true, messageSize: nil, recipients: nil)
}

extension ServerSession {
    /// Offers only what the server behind can do too, from the next EHLO on.
    public mutating func narrow(to behind: ExtensionsBehind) {
        settings.behind = behind
        if let size = behind.messageSize {
            settings.messageSize =
                settings.messageSize > 0 ? min(settings.messageSize, size) : size
        }
        if let most = behind.recipients { settings.recipients = min(settings.recipients, most) }
    }

    /// MAIL, which the steps have accepted.
    mutating func pass(_ new: Transaction) -> SessionStep {
        pending = .passedMail(new)
        let edits = connectEdits + heloEdits + new.edits
        let envelope = edits.applied(to: new.envelope).withRecipients([])
        return .pass(.mail(envelope))
    }

    /// RCPT, which the steps have accepted, with the recipients that came of it.
    mutating func pass(_ new: Transaction, adding added: Envelope) -> SessionStep {
        pending = .passedRecipient(new)
        return .pass(.recipients(added))
    }

    /// The step after the server behind has answered.
    public mutating func passed(_ reply: SMTPReply) -> SessionStep {
        let question = pending
        pending = .nothing
        let isAccepted = reply.isPositive
        switch question {
        case .passedMail(let new):
            guard isAccepted else { return refuse(new, reply.withStatus) }
            begin(new)
        case .passedRecipient(var new):
            new.acceptedRecipients += 1
            if isAccepted { transaction = new }
        default:
            pending = question
            return .reply(.outOfStep)
        }
        let reply = reply.withStatus
        return reply.code == 421 ? .close(reply) : .reply(reply)
    }
}

extension SMTPReply {
    /// The same reply; where the server behind gave no status, with one that says nothing: we offer
    /// ENHANCEDSTATUSCODES.
    var withStatus: SMTPReply {
        guard status == nil, [2, 4, 5].contains(replyClass) else { return self }
        return SMTPReply(code, EnhancedStatus(UInt8(replyClass), 0, 0), lines: lines)
    }
}

extension ServerSession {
    /// The facts with what a MAIL says that the server behind has not yet answered.
    public var factsOfCandidate: Facts {
        guard case .passedMail(let new) = pending else { return facts }
        return facts(of: new)
    }
}
