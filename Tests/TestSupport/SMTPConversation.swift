// SMTPConversation: a client that says one line at a time and hears one reply.
// RFC 5321.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// A connection to a server, as a test holds it.
public final class SMTPConversation {
    private let socket: OwnedDescriptor
    private var buffer: [UInt8] = []
    private let deadline: Deadline
    /// The first reply.
    public private(set) var greeting = ""

    /// Connects and hears the greeting. The whole conversation must end within the limit.
    public init(port: UInt16, limit: Duration = .seconds(60)) throws {
        deadline = .after(limit)
        let number = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError.last("socket", "\(port)") }
        socket = OwnedDescriptor(number)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw SystemError.last("connect", "127.0.0.1:\(port)") }
        greeting = try reply()
    }

    /// Sends bytes as they are.
    public func send(_ bytes: some Sequence<UInt8>) throws {
        signal(SIGPIPE, SIG_IGN)
        try socket.borrowed.writeAll(Array(bytes), "server")
    }

    /// Sends a line and hears the reply.
    @discardableResult
    public func say(_ line: String) throws -> String {
        try send("\(line)\r\n".utf8)
        return try reply()
    }

    /// The next reply: its lines joined by line ends, without the last one.
    /// - Throws: `TestFailure` when the server closes or says nothing in time.
    public func reply() throws -> String {
        var lines: [String] = []
        while true {
            let line = try self.line()
            lines.append(line)
            if Array(line.utf8).dropFirst(3).first != 0x2D { return lines.joined(separator: "\n") }
        }
    }

    /// One message in a transaction of its own.
    /// - Returns: the reply to the first command that is not accepted, else to the message.
    public func send(
        from sender: String, to recipients: [String], _ message: String
    ) throws -> String {
        let mail = try say("MAIL FROM:<\(sender)>")
        guard mail.hasPrefix("250") else { return mail }
        for recipient in recipients {
            let reply = try say("RCPT TO:<\(recipient)>")
            guard reply.hasPrefix("250") else {
                try say("RSET")
                return reply
            }
        }
        let data = try say("DATA")
        guard data.hasPrefix("354") else { return data }
        return try sendData(message)
    }

    /// What follows DATA: the message with CRLF line ends and dots doubled.
    /// - Returns: the reply to it.
    public func sendData(_ message: String) throws -> String {
        var lines = message.split(separator: "\n", omittingEmptySubsequences: false)
        if lines.last == "" { lines.removeLast() }
        let stuffed = lines.map { $0.hasPrefix(".") ? ".\($0)\r\n" : "\($0)\r\n" }
        try send((stuffed.joined() + ".\r\n").utf8)
        return try reply()
    }

    private func line() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                let line = buffer[..<end].dropLast()
                buffer.removeSubrange(...end)
                return String(decoding: line, as: UTF8.self)
            }
            guard try socket.borrowed.wait(.toRead, until: deadline, "server") else {
                throw TestFailure("the server said nothing in time")
            }
            var chunk = [UInt8](repeating: 0, count: 4096)
            let got = try chunk.withUnsafeMutableBytes {
                try socket.borrowed.readSome(into: $0, "server")
            }
            guard got > 0 else { throw TestFailure("the server closed the connection") }
            buffer += chunk[..<got]
        }
    }
}
