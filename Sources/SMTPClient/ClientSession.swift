// ClientSession: one session with another server, from its greeting to QUIT.
// RFC 5321, sections 3.1, 3.2 and 4.3.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol
public import UnixIO

/// The client's side of a session. It knows nothing of names and addresses: it is given a
/// connected, non-blocking socket.
///
/// Whatever the server does, nothing here traps, waits without end, or takes for a success what
/// is not a positive reply to the final dot.
public struct ClientSession: ~Copyable {
    var line: ServerLine
    /// True when the session cannot go on: nothing may be sent any more, not even QUIT, which
    /// could be taken for a part of a message.
    var isBroken = false
    /// True when a transaction was begun whose end the server may not know, so that RSET must come
    /// before the next.
    var needsReset = false
    /// How many transactions were begun.
    public internal(set) var transactions = 0
    /// True once TLS has begun.
    public internal(set) var isSecured = false
    /// What the server offers.
    public internal(set) var extensions = ServerExtensions()

    /// A session on a connected, non-blocking socket.
    public init(_ socket: consuming OwnedDescriptor, limits: ClientLimits) {
        line = ServerLine(socket, limits)
    }

    /// Waits for the greeting and says EHLO, then HELO to a server that refuses EHLO for good.
    /// - Parameter name: our own name, or an address literal.
    /// - Throws: `ClientError`; the session is of no use then.
    public mutating func open(as name: [UInt8]) throws(ClientError) {
        isBroken = true
        let greeting = try line.reply(.greeting)
        try ClientSession.requirePositive(greeting, .greeting)
        try sayHello(name)
        isBroken = false
    }

    /// EHLO, then HELO to a server that refuses EHLO for good.
    mutating func sayHello(_ name: [UInt8]) throws(ClientError) {
        let reply = try ask(Array("EHLO ".utf8) + name, .ehlo)
        if reply.isPermanent {
            let reply = try ask(Array("HELO ".utf8) + name, .helo)
            try ClientSession.requirePositive(reply, .helo)
        } else {
            try ClientSession.requirePositive(reply, .ehlo)
            extensions = ServerExtensions(reply)
        }
    }

    /// True while another message can be sent.
    public var canGoOn: Bool { !isBroken }

    /// True when the server was silent since its last reply and is still there, as it must be
    /// before another message is sent after a pause.
    public mutating func isStillOpen() -> Bool {
        guard !isBroken else { return false }
        do {
            try requireSilence(.mail)
        } catch {
            isBroken = true
        }
        return !isBroken
    }

    /// Time limits from here on.
    public mutating func limit(to limits: ClientLimits) { line.limits = limits }

    /// Says goodbye and closes the connection. The answer is waited for, but not for long, and
    /// does not matter.
    public consuming func quit() {
        guard !isBroken else { return }
        _ = try? ask(Array("QUIT".utf8), .quit)
    }

    /// Sends one command and waits for its reply.
    /// - Throws: `ClientError`; `.refused` for 421, by which a server ends the session whatever
    ///   the command was (RFC 5321, section 3.8).
    mutating func ask(_ command: [UInt8], _ step: ClientStep) throws(ClientError) -> SMTPReply {
        try requireSilence(step)
        _ = try line.send(command + [0x0D, 0x0A], step, repliesDue: 1)
        return try reply(step)
    }

    /// The reply that is due.
    mutating func reply(_ step: ClientStep) throws(ClientError) -> SMTPReply {
        let reply = try line.reply(step)
        guard reply.code != 421 else { throw .refused(step, reply) }
        return reply
    }

    /// Makes sure that the server has said nothing that we have not asked for: a reply that is
    /// there before its command answers something else.
    mutating func requireSilence(_ step: ClientStep) throws(ClientError) {
        try line.receiveWaiting(step)
        guard line.hasInput else { return }
        throw .unexpected(step, try reply(step))
    }

    static func requirePositive(
        _ reply: SMTPReply, _ step: ClientStep
    ) throws(ClientError) {
        guard !reply.isPositive else { return }
        throw reply.replyClass == 3 ? .unexpected(step, reply) : .refused(step, reply)
    }
}
