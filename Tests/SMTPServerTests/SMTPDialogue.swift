// SMTPDialogue: a client that sends what it is told, byte for byte, and reads whole replies.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import SMTPProtocol
import TLS
import TestSupport
import UnixIO

/// A connection to a running server.
final class SMTPDialogue {
    private let socket: OwnedDescriptor
    private var parser = ReplyParser()
    /// What everything goes through once TLS has begun.
    private(set) var tls: TLSStream?
    private let limit: Duration

    /// A connection that there is.
    init(socket: consuming OwnedDescriptor, limit: Duration = .seconds(30)) {
        self.socket = socket
        self.limit = limit
    }

    /// Connects to `127.0.0.1:PORT`.
    init(port: UInt16, limit: Duration = .seconds(30)) throws {
        socket = OwnedDescriptor(Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        self.limit = limit
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let number = socket.number
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw SystemError.last("connect", "port \(port)") }
    }

    /// Sends bytes as they are.
    func send(_ bytes: some Collection<UInt8>) throws {
        signal(SIGPIPE, SIG_IGN)
        guard let tls else { return try socket.borrowed.writeAll(Array(bytes), "server") }
        try tls.write(Array(bytes), until: .after(limit))
    }

    /// Begins TLS at once.
    func startTLS(_ server: ServerTarget) throws {
        signal(SIGPIPE, SIG_IGN)
        let stream = PatientStream(input: socket.borrowed, output: socket.borrowed)
        tls = try TLSStream(server, over: stream, until: .after(limit))
    }

    /// The bytes that come, up to the end.
    func rest() throws -> [UInt8] {
        try socket.borrowed.readToEnd("server", limit: 1 << 20)
    }

    /// Sends text as it is.
    func send(_ text: String) throws { try send(Array(text.utf8)) }

    /// The next reply; nil when the server closed the connection.
    func reply() throws -> SMTPReply? {
        let deadline = Deadline.after(limit)
        while true {
            if let reply = try parser.next() { return reply }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            if let tls {
                let got = try buffer.withUnsafeMutableBytes { bytes in
                    do {
                        return try tls.read(into: bytes, until: deadline, mayStop: false)
                    } catch StreamError.closed {
                        return 0
                    }
                }
                guard got > 0 else { return nil }
                parser.feed(buffer[..<got])
                continue
            }
            guard try socket.borrowed.wait(.toRead, until: deadline, "server") else {
                throw TestFailure("the server said nothing within \(limit)")
            }
            let got = try buffer.withUnsafeMutableBytes { bytes in
                do {
                    return try socket.borrowed.readSome(into: bytes, "server")
                } catch let error as SystemError where error.errno == .connectionReset {
                    return 0
                }
            }
            guard got > 0 else { return nil }
            parser.feed(buffer[..<got])
        }
    }

    /// True when something has come, or the server has closed the connection.
    func hasReply() throws -> Bool {
        try socket.borrowed.wait(.toRead, until: .after(.zero), "server")
    }

    /// Sends a line with its CRLF and returns the reply.
    @discardableResult
    func say(_ line: String) throws -> SMTPReply? {
        try send(line + "\r\n")
        return try reply()
    }

    /// The greeting and a transaction up to 354.
    func begin(
        from: String = "a@b.test", to: [String] = ["alice@example.test"]
    ) throws -> SMTPReply? {
        _ = try reply()
        try say("EHLO client.test")
        try say("MAIL FROM:<\(from)>")
        for recipient in to { try say("RCPT TO:<\(recipient)>") }
        return try say("DATA")
    }

    /// Sends no more.
    func endOutput() { shutdown(socket.number, Int32(SHUT_WR)) }
}
