// SessionStep: what the state machine asks of whoever drives it, and what it is told.
// SPDX-License-Identifier: MIT

import MailModel

/// What the driver must do next. The state machine waits for exactly the call that the case
/// names.
public enum SessionStep: Equatable, Sendable {
    /// Give this reply, then read a command: `take(_:)`.
    case reply(SMTPReply)
    /// Give these replies, one for each recipient and one for all, then read a command: `take(_:)`.
    case replies([SMTPReply])
    /// Read a command, and say nothing before: `take(_:)`.
    case read
    /// Give this reply, forget what was read and not used, and begin TLS: `tlsStarted(_:)`. When
    /// there is anything to forget, somebody put it there; the session must end. Without TLS after
    /// all, say nothing: `tlsUnavailable()`.
    case startTLS(SMTPReply)
    /// Verify a login, or go on with it: `authenticated(_:)`. Any other step ends an exchange that
    /// is under way.
    case authenticate(AuthRequest)
    /// Give this reply, then read a line of up to 12288 octets: `responded(_:)`.
    case challenge(SMTPReply)
    /// Say whether the authenticated user may use this reverse-path: `senderAdmitted(_:)`.
    case admitSender(ReversePath, user: [UInt8])
    /// Say whether mail for this mailbox is accepted here: `admitted(_:)`.
    case admit(Mailbox)
    /// Get a verdict: `judged(_:)`. At stage `message` the driver knows where the message is. The
    /// driver waits for the verdict's delay before it says what it is.
    case judge(FilterRequest)
    /// Give this reply, then read a message through a `DataDecoder`: `received(_:)`.
    case receive(SMTPReply)
    /// Read the octets of this chunk: `received(chunk:)`.
    case receiveChunk(Chunk)
    /// Say whether the client of which these facts are known may relay: `identified(relay:)`.
    case identify(Facts)
    /// Tell the server behind, and say what it answers: `passed(_:)`.
    case pass(PassedCommand)
    /// Queue the message: `queued(_:)`.
    case queue(AcceptedMessage)
    /// Give this reply, then close the connection.
    case close(SMTPReply)
}

/// Whether mail for a mailbox is accepted here.
public enum Admission: Equatable, Sendable {
    /// It is ours, as this mailbox (percenthack may have made another of it).
    case ours(Mailbox)
    /// It is not, and this client may not relay.
    case notOurs
    /// That cannot be said now.
    case unknown
}

/// What became of the bytes after DATA.
public enum ReceivedMessage: Equatable, Sendable {
    /// They are whole. The edits are those of the server itself, such as its trace field; they
    /// come before all others.
    case whole(edits: [Edit])
    /// They are whole up to their true end, but must be refused with this reply.
    case refused(Reply)
}

/// What became of a message that was to be queued.
public enum QueueAnswer: Equatable, Sendable {
    /// It is safe on disk.
    case queued
    /// It is not, as far as we know.
    case refused(Reply)
    /// A server behind says so itself, yes or no.
    case answered(SMTPReply)
}

/// A message that the chain accepted.
public struct AcceptedMessage: Equatable, Sendable {
    /// Its id.
    public let id: QueueID
    /// The envelope before the edits.
    public let envelope: Envelope
    /// The edits, in order.
    public let edits: [Edit]
    /// What is known of the client.
    public let facts: Facts
}
