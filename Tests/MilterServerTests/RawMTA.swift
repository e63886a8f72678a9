// RawMTA: an MTA that says what a test wants it to say.
// MilterProtocol.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import MilterProtocol
import TestSupport
import UnixIO

/// A connection to a milter.
final class RawMTA {
    private let socket: OwnedDescriptor
    private var packets = MilterPackets()
    private let deadline = Deadline.after(.seconds(60))
    /// What the milter has chosen.
    private(set) var choice = MilterNegotiation()

    /// Connects and negotiates.
    init(port: UInt16, _ offer: MilterNegotiation = MilterNegotiation()) throws {
        guard let endpoint = InternetEndpoint(address: [127, 0, 0, 1], port: port) else {
            throw TestFailure("no endpoint")
        }
        socket = try InternetSocket.connect(to: endpoint, "milter", deadline: deadline)
        try say(.negotiate(offer))
        guard case .negotiate(let choice) = try reply() else { throw TestFailure("no choice") }
        self.choice = choice
    }

    func send(_ bytes: [UInt8]) throws {
        signal(SIGPIPE, SIG_IGN)
        var rest = bytes[...]
        while !rest.isEmpty {
            guard try socket.borrowed.wait(.toWrite, until: deadline, "milter") else {
                throw TestFailure("the milter takes nothing")
            }
            let sent = rest.withUnsafeBytes { write(socket.number, $0.baseAddress, $0.count) }
            guard sent > 0 || errno == EAGAIN else { throw SystemError.last("write", "milter") }
            rest = rest.dropFirst(max(0, sent))
        }
    }

    /// Says something, with macros before it.
    func say(_ command: MilterCommand, _ macros: [(String, String)] = []) throws {
        var bytes: [UInt8] = []
        if !macros.isEmpty {
            let all = macros.map { MilterMacro(Array($0.0.utf8), Array($0.1.utf8)) }
            bytes += MilterCommand.macros(for: command.code.rawValue, all).packet.bytes
        }
        try send(bytes + command.packet.bytes)
    }

    /// Says something that is answered.
    @discardableResult
    func ask(_ command: MilterCommand, _ macros: [(String, String)] = []) throws -> MilterReply {
        try say(command, macros)
        return try reply()
    }

    /// The next reply.
    func reply() throws -> MilterReply {
        while true {
            if let packet = try packets.next() { return try MilterReply(packet) }
            guard try socket.borrowed.wait(.toRead, until: deadline, "milter") else {
                throw TestFailure("the milter says nothing")
            }
            var chunk = [UInt8](repeating: 0, count: 65_536)
            let got = try chunk.withUnsafeMutableBytes {
                try socket.borrowed.readSome(into: $0, "milter")
            }
            guard got > 0 else { throw TestFailure("the milter has closed the connection") }
            packets.append(chunk[..<got])
        }
    }

    /// CONNECT and HELO, in what of both is answered.
    func greet(_ helo: String = "client.x.test") throws {
        let peer = MilterPeer.version4(Array("192.0.2.1".utf8), port: 4711)
        try say(.connect(Array("client.x.test".utf8), peer), [("j", "mx.y.test")])
        if !choice.steps.contains(.noReplyToConnect) { _ = try reply() }
        try say(.helo(Array(helo.utf8)))
        if !choice.steps.contains(.noReplyToHelo) { _ = try reply() }
    }

    /// MAIL and RCPT.
    @discardableResult
    func begin(_ recipients: [String] = ["bob@y.test"], _ sender: String = "a@x.test") throws
        -> [MilterReply]
    {
        var replies = [try ask(.mail([Array("<\(sender)>".utf8)]))]
        for recipient in recipients {
            replies.append(try ask(.rcpt([Array("<\(recipient)>".utf8)]), [("i", "4Q1")]))
        }
        return replies
    }

    /// The header and the body, and what the milter says at the end.
    func message(_ fields: [(String, String)], _ body: [UInt8]) throws -> [MilterReply] {
        if !choice.steps.contains(.noData) { _ = try ask(.data) }
        for (name, value) in fields {
            try say(.header(name: Array(name.utf8), value: Array(value.utf8)))
            if !choice.steps.contains(.noReplyToHeader) { _ = try reply() }
        }
        try say(.endOfHeader)
        if !choice.steps.contains(.noReplyToEndOfHeader) { _ = try reply() }
        var rest = body[...]
        while !rest.isEmpty {
            try say(.body(Array(rest.prefix(65_535))))
            if !choice.steps.contains(.noReplyToBody) { _ = try reply() }
            rest = rest.dropFirst(65_535)
        }
        return try end()
    }

    /// The end of a message: all replies up to the one that is the last.
    func end() throws -> [MilterReply] {
        var replies = [try ask(.endOfBody([]))]
        while true {
            switch replies[replies.count - 1] {
            case .continue, .accept, .reject, .tempfail, .discard, .reply: return replies
            default: replies.append(try reply())
            }
        }
    }
}
