// CalloutAnswer: what a server's reply to RCPT says of the mailbox.
// RFC 5321, section 4.2; RFC 3463, section 3.
// SPDX-License-Identifier: MIT

import MailModel
public import SMTPProtocol

/// What a server says of a mailbox, with its words.
public enum CalloutAnswer: Hashable, Sendable {
    /// It takes mail for it.
    case exists(SMTPReply)
    /// It never will.
    case noSuchMailbox(SMTPReply)
    /// It has no room.
    case overQuota(SMTPReply)
    /// The mailbox is there and takes no mail.
    case disabled(SMTPReply)

    /// The server's reply.
    public var reply: SMTPReply {
        switch self {
        case .exists(let reply), .noSuchMailbox(let reply), .overQuota(let reply),
            .disabled(let reply):
            reply
        }
    }

    /// Reads the reply to RCPT; nil when it says nothing of the mailbox. A no to us - a policy, a
    /// sender, a protocol that it does not like - must not look like a no to every mailbox.
    public init?(_ reply: SMTPReply) {
        switch reply.replyClass {
        case 2: self = .exists(reply)
        case 5:
            guard let answer = CalloutAnswer(permanent: reply) else { return nil }
            self = answer
        default: return nil
        }
    }

    private init?(permanent reply: SMTPReply) {
        switch reply.code {
        // Commands and parameters that it does not know, authentication that it wants, a host that
        // takes no mail at all.
        case 500, 502...504, 521, 530...538, 555: return nil
        default: break
        }
        let status = reply.status ?? CalloutAnswer.status(in: Array(reply.text.utf8))
        // A permanent code with a temporary status contradicts itself.
        guard status?.statusClass ?? 5 == 5 else { return nil }
        switch (status?.subject, status?.detail) {
        case (2, 2): self = .overQuota(reply)
        case (2, 1): self = .disabled(reply)
        // X.1.7 and X.1.8 are about the sender.
        case (1, 7), (1, 8): return nil
        // X.1 addressing, X.2 mailbox, X.0 other.
        case (0, _), (1, _), (2, _): self = .noSuchMailbox(reply)
        // X.3 to X.7: system, network, protocol, content, policy.
        case (.some, _): return nil
        // Without a status the code alone must do. 554 is any failure.
        case (nil, _) where reply.code == 552: self = .overQuota(reply)
        case (nil, _) where reply.code == 554: return nil
        case (nil, _): self = .noSuchMailbox(reply)
        }
    }

    /// A status of another class than the code's, or the one that qmail and its patches have at the
    /// end of the text: `(#5.7.1)`.
    private static func status(in text: [UInt8]) -> EnhancedStatus? {
        if let first = EnhancedStatus(text.prefix { !$0.isBlank }) { return first }
        guard text.last == 0x29, let open = text.lastIndex(of: 0x28),
            text[(open + 1)...].first == 0x23
        else { return nil }
        return EnhancedStatus(text[(open + 2)..<(text.count - 1)])
    }
}

/// Why a server did not say anything of a mailbox.
public struct CalloutError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reason, for logs.
    public let description: String

    init(_ description: String) { self.description = description }
}
