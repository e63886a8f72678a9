// ClientError: why a session with another server came to no answer.
// RFC 5321, section 4.2.1: no answer is never a yes, and never a permanent no.
// SPDX-License-Identifier: MIT

import MailModel
public import SMTPProtocol
public import UnixIO

/// Whatever the server did but give the reply that was due.
public enum ClientError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The connection ended.
    case lost(ClientStep)
    /// The time was over.
    case timedOut(ClientStep)
    /// The server sent what is not a reply.
    case malformed(ClientStep, ReplyError)
    /// A reply, but none that belongs here: a positive one before the command was sent, or of a
    /// class that the step does not have.
    case unexpected(ClientStep, SMTPReply)
    /// The server refused to talk to us at all, or closes the session (421).
    case refused(ClientStep, SMTPReply)
    /// The two ends could not begin TLS, or not go on under it.
    case insecure(ClientStep, SecureLayerError)
    /// The message could not be read, so that its end was never sent.
    case unreadable(SystemError)
    /// The message holds a bare CR, so that its end was never sent.
    case bareCR

    /// The reply for those whose message this kept from being delivered. All are temporary but
    /// `bareCR` and a greeting of 521.
    public var reply: Reply {
        switch self {
        case .lost(let step):
            Reply(451, EnhancedStatus(4, 4, 2), "connection lost at \(step.rawValue)")
        case .timedOut(let step):
            Reply(451, EnhancedStatus(4, 4, 2), "timed out at \(step.rawValue)")
        case .malformed(let step, _):
            Reply(451, EnhancedStatus(4, 5, 0), "not an SMTP reply at \(step.rawValue)")
        case .unexpected(let step, let reply):
            Reply(451, EnhancedStatus(4, 5, 0), "unexpected at \(step.rawValue): \(reply)")
        case .refused(.greeting, let reply) where reply.code == 521:
            // RFC 7504, section 3: nobody ever gets mail there.
            Reply(521, EnhancedStatus(5, 3, 2), "the host takes no mail: \(reply)")
        case .refused(let step, let reply):
            Reply(
                reply.isPermanent ? 451 : reply.code,
                EnhancedStatus(4, reply.status?.subject ?? 4, reply.status?.detail ?? 1),
                "refused at \(step.rawValue): \(reply)")
        case .insecure(let step, let error):
            Reply(451, EnhancedStatus(4, 7, 5), "TLS failed at \(step.rawValue): \(error)")
        case .unreadable(let error): Reply(451, EnhancedStatus(4, 3, 0), "\(error)")
        case .bareCR:
            Reply(554, EnhancedStatus(5, 6, 0), "the message holds a bare CR, which cannot be sent")
        }
    }

    /// The text of the reply.
    public var description: String { reply.text }
}
