// SMTPStub: a mail server on loopback that does what a test tells it, step by step.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import UnixIO

/// What the server does at a step instead of being polite.
public enum StubAction: Sendable {
    /// Sends these lines, each with CRLF, and goes on.
    case reply(String)
    /// Sends these bytes and goes on.
    case bytes([UInt8])
    /// Sends these lines and closes.
    case replyAndClose(String)
    /// Closes.
    case close
    /// Says nothing until the client goes away.
    case hang
    /// Sends a byte of a reply every 20 milliseconds, without end.
    case drip
    /// Sends lines without end, as fast as they are taken.
    case flood(String)
}

/// What a server saw, and what it is told to do.
public final class SMTPStub: @unchecked Sendable {
    /// Where it listens.
    public let port: UInt16

    private let listener: OwnedDescriptor
    private let lock = NSLock()
    private var seenCommands: [String] = []
    private var seenMessages: [[UInt8]] = []
    private var seenConnections = 0
    private var seenPeers: [[UInt8]] = []
    private let offers: [String]
    private let action: @Sendable (_ step: String, _ connection: Int) -> StubAction?

    /// Starts a server whose reply to EHLO has these lines after its name. `action` is asked at
    /// each step: `greeting`, a command line, `message` (before the message is read) and `.`; nil
    /// is the polite answer. To a client that says LHLO it answers the final dot once for each
    /// recipient, the step being `. ` and the RCPT command. It listens on 127.0.0.`host` and on a port that the kernel chooses,
    /// or on that of another stub.
    public init(
        host: UInt8 = 1, port: UInt16 = 0,
        offers: [String] = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES"],
        _ action: @escaping @Sendable (_ step: String, _ connection: Int) -> StubAction? = {
            _, _ in nil
        }
    ) throws {
        self.offers = offers
        self.action = action
        guard let any = InternetEndpoint(address: [127, 0, 0, host], port: port) else {
            throw TestFailure("no endpoint")
        }
        listener = try InternetSocket.listen(on: any, "stub", patience: .seconds(60))
        self.port = InternetSocket.localEndpoint(of: listener.borrowed)?.port ?? 0
        // The thread ends when the listener is shut down. Its descriptor is its own: the number of
        // another's could be that of another listener by the time that it looks again.
        let number = try listener.duplicate().take()
        detach { [weak self] in
            defer { close(number) }
            while true {
                let socket = accept(number, nil, nil)
                guard socket >= 0 else { return }
                guard let self else {
                    close(socket)
                    return
                }
                let connection = self.lock.withLock {
                    self.seenConnections += 1
                    return self.seenConnections
                }
                detach { StubConnection(OwnedDescriptor(socket), self, connection).run() }
            }
        }
    }

    deinit { shutdown(listener.number, Int32(SHUT_RDWR)) }

    /// Every command line, in order, without CRLF.
    public var commands: [String] { lock.withLock { seenCommands } }

    /// Every message as it came over the wire, without the final dot.
    public var messages: [[UInt8]] { lock.withLock { seenMessages } }

    /// How many clients came.
    public var connections: Int { lock.withLock { seenConnections } }

    /// The addresses that the clients came from.
    public var peers: [[UInt8]] { lock.withLock { seenPeers } }

    fileprivate func saw(peer: [UInt8]) { lock.withLock { seenPeers.append(peer) } }
    fileprivate func saw(_ command: String) { lock.withLock { seenCommands.append(command) } }
    fileprivate func saw(_ message: [UInt8]) { lock.withLock { seenMessages.append(message) } }

    fileprivate func told(_ step: String, _ connection: Int) -> StubAction? {
        action(step, connection)
    }

    fileprivate var ehlo: String {
        let lines = ["stub.test"] + offers
        return lines.enumerated().map { index, line in
            "250\(index == lines.count - 1 ? " " : "-")\(line)"
        }.joined(separator: "\r\n")
    }
}

/// One session of the server, in a thread of its own.
private final class StubConnection {
    private let socket: OwnedDescriptor
    private let server: SMTPStub
    private let number: Int
    private var unread: [UInt8] = []
    private var position = 0
    /// The RCPT commands that were accepted; nil where the client has not said LHLO.
    private var recipients: [String]?
    private var chunks: [UInt8] = []

    /// The session is over.
    private struct Over: Error {}

    init(_ socket: consuming OwnedDescriptor, _ server: SMTPStub, _ number: Int) {
        self.socket = socket
        self.server = server
        self.number = number
    }

    func run() {
        server.saw(peer: InternetSocket.peerEndpoint(of: socket.borrowed)?.address ?? [])
        do {
            try at("greeting", "220 stub.test ESMTP")
            while true { try obey(String(decoding: try line(), as: UTF8.self)) }
        } catch {}
    }

    private func obey(_ command: String) throws {
        server.saw(command)
        switch command.prefix(4).uppercased() {
        case "EHLO": try at(command, server.ehlo)
        case "LHLO":
            recipients = []
            try at(command, server.ehlo)
        case "RCPT" where recipients != nil:
            let action = server.told(command, number) ?? .reply("250 2.0.0 ok")
            if case .reply(let text) = action, text.hasPrefix("2") { recipients?.append(command) }
            try take(action)
        case "HELO", "MAIL", "RCPT", "RSET":
            if recipients != nil { recipients = [] }
            try at(command, "250 2.0.0 ok")
        case "DATA":
            if try at(command, "354 go on") { try message() }
        case "BDAT": try chunk(command)
        case "AUTH": try at(command, "235 2.7.0 welcome")
        case "XFOR": try at(command, "250 2.0.0 ok")
        case "XCLI": try at(command, "220 stub.test ESMTP")
        case "QUIT":
            try at(command, "221 2.0.0 bye")
            throw Over()
        default: try at(command, "500 5.5.1 what")
        }
    }

    private func message() throws {
        if let action = server.told("message", number) { try take(action) }
        var bytes: [UInt8] = []
        let end = Array("\r\n.\r\n".utf8)
        while bytes != Array(".\r\n".utf8), !bytes.suffix(5).elementsEqual(end) {
            bytes += try line() + [0x0D, 0x0A]
        }
        server.saw(Array(bytes.dropLast(3)))
        guard let recipients else {
            try at(".", "250 2.0.0 taken")
            return
        }
        // RFC 2033, section 4.2.
        for recipient in recipients { try at(". \(recipient)", "250 2.0.0 taken") }
    }

    private func chunk(_ command: String) throws {
        let words = command.split(separator: " ")
        let count = Int(words.dropFirst().first ?? "") ?? 0
        while unread.count - position < count { try receive() }
        chunks += unread[position..<(position + count)]
        position += count
        guard words.last == "LAST" else {
            try at(command, "250 2.0.0 more")
            return
        }
        server.saw(chunks)
        chunks = []
        try at(".", "250 2.0.0 taken")
    }

    /// - Returns: false when the answer is a no, as far as it is one.
    @discardableResult
    private func at(_ step: String, _ polite: String) throws -> Bool {
        let action = server.told(step, number) ?? .reply(polite)
        try take(action)
        guard case .reply(let text) = action else { return true }
        return text.first.map { $0 < "4" } ?? true
    }

    private func take(_ action: StubAction) throws {
        switch action {
        case .reply(let text): try send(Array("\(text)\r\n".utf8))
        case .bytes(let bytes): try send(bytes)
        case .replyAndClose(let text):
            try send(Array("\(text)\r\n".utf8))
            throw Over()
        case .close: throw Over()
        case .hang: while true { try receive() }
        case .drip:
            while true {
                try send([0x32])
                usleep(20_000)
            }
        case .flood(let text): while true { try send(Array("\(text)\r\n".utf8)) }
        }
    }

    private func line() throws -> [UInt8] {
        while true {
            if let end = unread[position...].firstIndex(of: 0x0A) {
                let line = unread[position..<end]
                position = end + 1
                return Array(line.last == 0x0D ? line.dropLast() : line)
            }
            unread.removeFirst(position)
            position = 0
            try receive()
        }
    }

    private func receive() throws {
        var chunk = [UInt8](repeating: 0, count: 65_536)
        let got = read(socket.number, &chunk, chunk.count)
        guard got > 0 else { throw Over() }
        unread += chunk[..<got]
    }

    private func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(
                    socket.number, $0.baseAddress.map { $0 + sent }, bytes.count - sent,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw Over() }
            sent += count
        }
    }
}
