// Servers under TLS on loopback, each session in a thread: one for mail, one for policies.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import TLS
import TestSupport
import UnixIO

/// What both kinds of servers have: a listener, and threads.
final class Listening: @unchecked Sendable {
    let port: UInt16
    private let listener: OwnedDescriptor
    private let lock = NSLock()
    private var seen = 0

    init(
        host: UInt8 = 1, port: UInt16 = 0, _ serve: @escaping @Sendable (Line, Int) throws -> Void
    ) throws {
        signal(SIGPIPE, SIG_IGN)
        guard let any = InternetEndpoint(address: [127, 0, 0, host], port: port) else {
            throw TestFailure("no endpoint")
        }
        listener = try InternetSocket.listen(on: any, "server", patience: .seconds(60))
        self.port = InternetSocket.localEndpoint(of: listener.borrowed)?.port ?? 0
        let number = listener.number
        Thread.detachNewThread { [weak self] in
            while true {
                let socket = accept(number, nil, nil)
                guard socket >= 0, let self else { return }
                let connection = self.lock.withLock {
                    self.seen += 1
                    return self.seen
                }
                Thread.detachNewThread { try? serve(Line(OwnedDescriptor(socket)), connection) }
            }
        }
    }

    deinit { shutdown(listener.number, Int32(SHUT_RDWR)) }

    /// How many clients came.
    var connections: Int { lock.withLock { seen } }
}

/// One connection, in clear or under TLS.
final class Line {
    private let socket: OwnedDescriptor
    private let stream: PatientStream
    private(set) var tls: TLSStream?
    private var unread: [UInt8] = []

    init(_ socket: consuming OwnedDescriptor) {
        stream = PatientStream(input: socket.borrowed, output: socket.borrowed)
        self.socket = socket
    }

    func startTLS(_ context: ServerContext) throws {
        tls = try TLSStream(context, over: stream, until: .after(.seconds(30)))
    }

    func say(_ text: String) throws { try send(Array("\(text)\r\n".utf8)) }

    func send(_ bytes: [UInt8], isLast: Bool = false) throws {
        let deadline = Deadline.after(.seconds(30))
        if let tls { return try tls.write(bytes, until: deadline, isLast: isLast) }
        try stream.write(bytes, until: deadline)
    }

    /// The next line without its end.
    func hear() throws -> String {
        while true {
            if let end = unread.firstIndex(of: 0x0A) {
                let line = unread[..<end]
                unread.removeSubrange(...end)
                return String(decoding: line.last == 0x0D ? line.dropLast() : line, as: UTF8.self)
            }
            try hearSome()
        }
    }

    /// Waits until something comes.
    func hearSome() throws {
        var buffer = [UInt8](repeating: 0, count: 16_384)
        let got = try buffer.withUnsafeMutableBytes { bytes in
            let deadline = Deadline.after(.seconds(30))
            if let tls { return try tls.read(into: bytes, until: deadline, mayStop: false) }
            return try stream.read(into: bytes, until: deadline, mayStop: false)
        }
        unread += buffer[..<got]
    }
}

/// What a mail server does wrong with TLS.
enum Trick: Sendable {
    /// Nothing.
    case none
    /// It does not offer it, as if somebody had taken it out.
    case stripped
    /// It refuses it with this reply.
    case refuses(String)
    /// It closes the connection instead.
    case closes
    /// It says what is not TLS.
    case garbage
    /// Somebody adds a reply in clear behind that to STARTTLS.
    case injects
    /// Under TLS, and after the first 100,000 bytes of a message, it refuses and reads no more.
    case refusesEarly
}

/// A mail server with STARTTLS.
final class MailServer: @unchecked Sendable {
    private let lock = NSLock()
    private var seenCommands: [String] = []
    private var seenMessages: [(isSecure: Bool, text: String)] = []
    private var seenNames: [String] = []
    private var seenClients: [String] = []
    private var listening: Listening?
    private let context: ServerContext
    private let trick: Trick
    private let offers: [String]

    init(
        _ pem: [UInt8], host: UInt8 = 1, port: UInt16 = 0, _ trick: Trick = .none,
        offers: [String] = ["PIPELINING", "8BITMIME"], settings: ServerSettings = ServerSettings()
    ) throws {
        context = try ServerContext(Credential(pem: pem), settings)
        self.trick = trick
        self.offers = offers
        listening = try Listening(host: host, port: port) { [weak self] line, _ in
            guard let self else { return }
            try self.serve(line)
        }
    }

    var port: UInt16 { listening?.port ?? 0 }
    var connections: Int { listening?.connections ?? 0 }
    var commands: [String] { lock.withLock { seenCommands } }
    /// The messages, and whether each came under TLS.
    var messages: [(isSecure: Bool, text: String)] { lock.withLock { seenMessages } }
    /// What clients called it in the handshake.
    var names: [String] { lock.withLock { seenNames } }
    /// The digests of clients' certificates.
    var clients: [String] { lock.withLock { seenClients } }

    /// How its messages came: `secure`, `clear`.
    var ways: [String] { messages.map { $0.isSecure ? "secure" : "clear" } }

    private func serve(_ line: Line) throws {
        try line.say("220 mx.y.test ESMTP")
        while true {
            let command = try line.hear()
            lock.withLock { seenCommands.append(command) }
            switch command.prefix(4).uppercased() {
            case "EHLO": try greet(line)
            case "STAR": if try !startTLS(line) { return }
            case "DATA": try message(line)
            case "QUIT": return try line.say("221 2.0.0 bye")
            default: try line.say("250 2.0.0 ok")
            }
        }
    }

    private func greet(_ line: Line) throws {
        var all = ["mx.y.test"] + offers
        if case .stripped = trick {} else if line.tls == nil { all.append("STARTTLS") }
        for (index, word) in all.enumerated() {
            try line.say("250\(index == all.count - 1 ? " " : "-")\(word)")
        }
    }

    /// - Returns: false when the session is over.
    private func startTLS(_ line: Line) throws -> Bool {
        switch trick {
        case .refuses(let reply):
            try line.say(reply)
            return true
        case .closes: return false
        case .garbage:
            try line.say("220 go on\r\nthis is no TLS, whatever one may think of it")
            return false
        case .injects: try line.say("220 go on\r\n250 2.0.0 injected")
        default: try line.say("220 go on")
        }
        try line.startTLS(context)
        guard let tls = line.tls else { return false }
        lock.withLock {
            if let name = tls.serverName { seenNames.append(name) }
            if let peer = tls.peer { seenClients.append(peer.digest) }
        }
        return true
    }

    private func message(_ line: Line) throws {
        try line.say("354 go on")
        var text = ""
        while case let next = try line.hear(), next != "." {
            text += "\(next)\n"
            if case .refusesEarly = trick, text.utf8.count > 100_000 {
                try line.say("552 5.3.4 too big")
                while true { _ = try line.hear() }
            }
        }
        lock.withLock { seenMessages.append((line.tls != nil, text)) }
        try line.say("250 2.0.0 taken")
    }
}

/// A host with a policy of MTA-STS.
final class PolicyHost: @unchecked Sendable {
    private let lock = NSLock()
    private var answer: String
    private var listening: Listening?

    init(_ pem: [UInt8], _ answer: String) throws {
        nonisolated(unsafe) let context = try ServerContext(Credential(pem: pem))
        self.answer = answer
        listening = try Listening { [weak self] line, _ in
            try line.startTLS(context)
            while try !line.hear().isEmpty {}
            guard let self else { return }
            try line.send(Array(self.lock.withLock { self.answer }.utf8), isLast: true)
        }
    }

    var port: UInt16 { listening?.port ?? 0 }
    var connections: Int { listening?.connections ?? 0 }

    /// What it answers from now on.
    func answers(_ answer: String) { lock.withLock { self.answer = answer } }

    /// A whole answer of HTTP.
    static func ok(_ body: String, type: String = "text/plain", status: String = "200 OK") -> String
    {
        "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\n"
            + "Connection: close\r\n\r\n\(body)"
    }

    /// A policy.
    static func policy(_ mode: String, mx: [String] = ["mx.y.test"], age: Int = 86_400) -> String {
        let hosts = mx.map { "mx: \($0)\r\n" }.joined()
        return ok("version: STSv1\r\nmode: \(mode)\r\n\(hosts)max_age: \(age)\r\n")
    }
}
