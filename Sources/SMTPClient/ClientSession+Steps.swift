// ClientSession+Steps: a transaction command by command, for who passes on what another client says.
// RFC 5321, section 3.3; https://www.postfix.org/XFORWARD_README.html
// SPDX-License-Identifier: MIT

import MailModel
public import SMTPProtocol

/// What came of sending a message.
public struct ContentResult: Sendable {
    /// The server's last word; nil when there is none.
    public internal(set) var reply: SMTPReply?
    /// Why there is none; the session is of no use then.
    public internal(set) var failure: ClientError?
    /// True when the end of the message was sent and no answer came: the server may have it.
    public internal(set) var isInDoubt = false
}

extension ClientSession {
    /// MAIL, after RSET where the server may be in another transaction. Whether it accepts is in the
    /// reply.
    /// - Throws: `ClientError`; the session is of no use then.
    public mutating func begin(_ mail: OutgoingMail) throws(ClientError) -> SMTPReply {
        if needsReset { try reset() }
        needsReset = true
        transactions += 1
        return try step(mailCommand(mail), .mail)
    }

    /// RCPT for one forward-path of the mail, by its number.
    /// - Throws: `ClientError`; the session is of no use then.
    public mutating func add(
        _ number: Int, of mail: OutgoingMail
    ) throws(ClientError) -> SMTPReply {
        try step(rcptCommand(mail, number), .rcpt)
    }

    /// The message, for all recipients that were accepted.
    public mutating func send(_ message: some MessageSource) -> ContentResult {
        var result = ContentResult()
        do throws(ClientError) {
            result.reply =
                extensions.chunking
                ? try sendChunks(message, &result.isInDoubt)
                : try sendData(message, nil, &result.isInDoubt)
        } catch {
            isBroken = true
            result.failure = error
        }
        return result
    }

    /// Takes the transaction back.
    /// - Throws: `ClientError`; the session is of no use then.
    public mutating func reset() throws(ClientError) {
        let reply = try step(Array("RSET".utf8), .rset)
        guard reply.isPositive else {
            isBroken = true
            throw .unexpected(.rset, reply)
        }
        needsReset = false
    }

    /// Says what is known of a client that this session is for, by XFORWARD, as far as the server wants
    /// to know it: for its log, and until the end of the next transaction.
    /// - Returns: the reply of a server that refuses; nil when it takes all.
    /// - Throws: `ClientError`; the session is of no use then.
    public mutating func forward(
        _ attributes: [ClientAttribute]
    ) throws(ClientError) -> SMTPReply? {
        var rest = attributes.filter { extensions.xforward.contains($0.name) }[...]
        while !rest.isEmpty {
            var command = Array("XFORWARD".utf8)
            // RFC 5321, section 4.5.3.1.4. One attribute always goes.
            repeat {
                command += rest.removeFirst().word
            } while rest.first.map { command.count + $0.word.count <= 510 } ?? false
            let reply = try step(command, .client)
            guard reply.isPositive else { return reply }
        }
        return nil
    }

    /// Says by XCLIENT that the session is that of another client, and greets as that client.
    /// - Returns: the reply of a server that refuses; nil when it obeys.
    /// - Throws: `ClientError`; the session is of no use then.
    public mutating func become(
        _ attributes: [ClientAttribute], as name: [UInt8]
    ) throws(ClientError) -> SMTPReply? {
        var command = Array("XCLIENT".utf8)
        for attribute in attributes where extensions.xclient.contains(attribute.name) {
            command += attribute.word
        }
        let reply = try step(command, .client)
        guard reply.isPositive else { return reply }
        isBroken = true
        extensions = ServerExtensions()
        try sayHello(name)
        isBroken = false
        return nil
    }

    /// One command, whose reply is for the caller unless it is none.
    private mutating func step(
        _ command: [UInt8], _ step: ClientStep
    ) throws(ClientError) -> SMTPReply {
        isBroken = true
        let reply = try ask(command, step)
        guard reply.replyClass != 3 else { throw .unexpected(step, reply) }
        isBroken = false
        return reply
    }
}

/// One attribute of XCLIENT or XFORWARD.
public struct ClientAttribute: Hashable, Sendable {
    /// Its name in capitals.
    public let name: String
    /// Its value; nil: not known.
    public let value: [UInt8]?

    /// An attribute of these parts.
    public init(_ name: String, _ value: [UInt8]?) {
        self.name = name
        self.value = value
    }

    /// The attribute with the blank before it.
    var word: [UInt8] {
        let known = value.flatMap { $0.isEmpty ? nil : $0.prefix(255) }
        return " \(name)=".utf8 + (known.map { XText.encoded($0) } ?? Array("[UNAVAILABLE]".utf8))
    }
}
