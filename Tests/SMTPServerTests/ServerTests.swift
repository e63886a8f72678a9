// Tests of smtp-server with a real queue-message behind it.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import SMTPProtocol
import TestSupport
import Testing

@Suite struct ServerTests {
    private static let lines = (0..<40).map { "line \($0) é\0\u{1}" }.joined(separator: "\r\n")

    private func code(_ reply: SMTPReply?) -> String {
        reply.map { "\($0.code) \($0.status.map(\.description) ?? "-")" } ?? "closed"
    }

    @Test func `a message is in the queue byte for byte, with LF line ends`() throws {
        let server = try TestServer()
        let client = try server.connect()
        #expect(try client.begin()?.code == 354)
        try client.send("Subject: x\r\n\r\n..dot\r\n\(ServerTests.lines)\r\n.\r\n")
        #expect(code(try client.reply()) == "250 2.0.0")
        let expected =
            "Subject: x\n\n.dot\n"
            + ServerTests.lines.replacing("\r\n", with: "\n") + "\n"
        let files = try server.queued()
        #expect(files.count == 1)
        #expect(files.first?.starts(with: Array(expected.utf8)) == true)
    }

    @Test func `250 names the id that the queue and every log line have`() throws {
        let server = try TestServer()
        let client = try server.connect()
        _ = try client.begin()
        let reply = try #require(try client.say("x\r\n."))
        let id = try #require(reply.text.split(separator: " ").last).description
        #expect(QueueID(Array(id.utf8)) != nil)
        try client.say("QUIT")
        #expect(eventually { server.log("disconnect").count == 1 })
        for event in ["mail", "rcpt", "message"] {
            let lines = server.log(event)
            #expect(lines.count == 1)
            #expect(lines.first?.contains("message=\(id) ") == true, "\(lines)")
        }
        let session = id.prefix(21)
        #expect(server.log("connect").first?.contains("session=\(session) ") == true)
        let tail = String(decoding: try server.queued().first ?? [], as: UTF8.self)
        #expect(tail.contains("Received: from client.test (unknown [127.0.0.1])"))
        #expect(tail.contains("id \(id)"))
        #expect(tail.contains("for <alice@example.test>"))
    }

    @Test(arguments: [256 << 10, (256 << 10) + 1, 3_000_000])
    func `a message of any size is whole`(_ size: Int) throws {
        let server = try TestServer()
        let client = try server.connect()
        _ = try client.begin(to: ["alice@example.test", "bob@example.test"])
        var body: [UInt8] = []
        while body.count < size - 1 {
            body += [UInt8](repeating: 0x61 + UInt8(body.count % 26), count: 77) + [0x0A]
        }
        body = body.prefix(size - 1) + [0x0A]
        var wire: [UInt8] = []
        var encoder = DataEncoder()
        try encoder.encode(body, into: &wire)
        encoder.finish(into: &wire)
        try client.send(wire)
        #expect(code(try client.reply()) == "250 2.0.0")
        #expect(try server.queued().first?.starts(with: body) == true)
    }

    @Test func `a session goes as well one byte at a time`() throws {
        let server = try TestServer()
        let client = try server.connect()
        _ = try client.reply()
        let text =
            "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\n"
            + "..a\r\n\r\n.\r\nQUIT\r\n"
        for byte in text.utf8 { try client.send([byte]) }
        let codes = try (0..<6).map { _ in try client.reply()?.code }
        #expect(codes == [250, 250, 250, 354, 250, 221])
        #expect(try server.queued().first?.starts(with: Array(".a\n\n".utf8)) == true)
    }

    @Test func `a client that goes away at any point leaves nothing and harms nobody`() throws {
        let server = try TestServer()
        let text = "HELO c\r\nMAIL FROM:<>\r\nRCPT TO:<alice@example.test>\r\nDATA\r\na\r\n.\r"
        for count in stride(from: 0, through: text.utf8.count, by: 3) {
            let client = try server.connect()
            try client.send(text.utf8.prefix(count))
            if count % 2 == 0 { client.endOutput() }
        }
        let client = try server.connect()
        #expect(try client.begin()?.code == 354)
        #expect(code(try client.say("x\r\n.")) == "250 2.0.0")
        #expect(try server.queued().count == 1)
        #expect(!server.server.log.contains("worker-died"))
    }

    @Test func `huge lines, NULs and noise are errors and nothing more`() throws {
        let server = try TestServer()
        let client = try server.connect()
        _ = try client.reply()
        try client.send([UInt8](repeating: 0x41, count: 3_000_000) + [0x0D, 0x0A])
        #expect(code(try client.reply()) == "500 5.5.2")
        try client.send([UInt8](repeating: 0, count: 5000) + [0x0D, 0x0A])
        #expect(code(try client.reply()) == "500 5.5.2")
        try client.send([UInt8](repeating: 0x0A, count: 5))
        for _ in 0..<5 { #expect(code(try client.reply()) == "500 5.5.2") }
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<50 {
            let noise = try server.connect()
            let bytes = (0..<2000).map { _ in UInt8.random(in: 0...255, using: &generator) }
            try? noise.send(bytes)
            noise.endOutput()
            while (try? noise.reply()) != nil {}
        }
        #expect(try client.say("NOOP")?.code == 250)
        #expect(!server.server.log.contains("worker-died"))
    }

    @Test func `a thousand recipients are taken and one more is put off`() throws {
        let server = try TestServer()
        let client = try server.connect()
        _ = try client.reply()
        var text = "HELO c\r\nMAIL FROM:<a@b.test>\r\n"
        for number in 0...1000 { text += "RCPT TO:<user\(number)@example.test>\r\n" }
        try client.send(text)
        var codes: [UInt16: Int] = [:]
        for _ in 0..<1003 { codes[try client.reply()?.code ?? 0, default: 0] += 1 }
        #expect(codes == [250: 1002, 452: 1])
        #expect(try client.say("DATA")?.code == 354)
        #expect(code(try client.say(".")) == "250 2.0.0")
        let file = String(decoding: try server.queued().first ?? [], as: UTF8.self)
        #expect(file.contains("user999@example.test"))
        #expect(!file.contains("user1000@example.test"))
    }

    @Test func `a looping message is refused`() throws {
        let server = try TestServer()
        let client = try server.connect()
        for (count, expected) in [(100, "250 2.0.0"), (101, "554 5.4.6")] {
            if count == 100 {
                _ = try client.begin()
            } else {
                try client.say("MAIL FROM:<a@b.test>")
                try client.say("RCPT TO:<alice@example.test>")
                try client.say("DATA")
            }
            try client.send(String(repeating: "Received: x\r\n", count: count) + "\r\n")
            #expect(code(try client.say(".")) == expected)
        }
    }

    @Test func `fields that only we may write are removed`() throws {
        let server = try TestServer()
        let client = try server.connect()
        _ = try client.begin()
        try client.send("Authentication-Results: mx.example.test; spf=pass\r\n\r\n")
        #expect(code(try client.say(".")) == "250 2.0.0")
        let file = String(decoding: try server.queued().first ?? [], as: UTF8.self)
        #expect(file.contains("authentication-results"))
    }

    @Test func `without a queue a message is put off, and the session goes on`() throws {
        let server = try TestServer(hasQueue: false)
        let client = try server.connect()
        _ = try client.begin()
        #expect(code(try client.say("x\r\n.")) == "451 4.3.0")
        #expect(try client.say("NOOP")?.code == 250)
        try client.say("MAIL FROM:<a@b.test>")
        try client.say("RCPT TO:<alice@example.test>")
        try client.say("DATA")
        try client.send([UInt8](repeating: 0x61, count: 600_000) + Array("\r\n.\r\n".utf8))
        #expect(code(try client.reply()) == "451 4.3.0")
        #expect(try client.say("NOOP")?.code == 250)
    }

    @Test func `SIGTERM lets a transaction finish and says 421 to the idle`() throws {
        let server = try TestServer()
        let busy = try server.connect()
        _ = try busy.begin()
        let idle = try server.connect()
        _ = try idle.reply()
        try idle.say("EHLO c")
        server.server.process.signal(SIGTERM)
        #expect(code(try idle.reply()) == "421 4.3.2")
        #expect(code(try busy.say("x\r\n.")) == "250 2.0.0")
        #expect(code(try busy.reply()) == "421 4.3.2")
        #expect(try server.server.process.wait(.seconds(30), "smtp-server") == .exited(0))
        #expect(try server.queued().count == 1)
    }

    @Test(arguments: [false, true])
    func `SIGTERM says 421 to who is silent in a transaction, before it is over`(
        inMessage: Bool
    ) throws {
        let server = try TestServer()
        let client = try server.connect()
        _ = try client.reply()
        try client.say("EHLO c")
        #expect(try client.say("MAIL FROM:<a@b.test>")?.code == 250)
        if inMessage {
            try client.say("RCPT TO:<alice@example.test>")
            #expect(try client.say("DATA")?.code == 354)
            try client.send("Subject: x\r\n")
        }
        server.server.process.signal(SIGTERM)
        #expect(eventually(within: .seconds(40)) { (try? client.hasReply()) ?? true })
        #expect(code(try client.reply()) == "421 4.3.2")
        #expect(try client.reply() == nil)
        #expect(try server.server.process.wait(.seconds(30), "smtp-server") == .exited(0))
        #expect(try server.queued().isEmpty)
    }

    @Test func `SIGHUP drops no session, whatever it is about`() throws {
        let server = try TestServer()
        let busy = try server.connect()
        _ = try busy.begin()
        let idle = try server.connect()
        _ = try idle.reply()
        try idle.say("EHLO c")
        try server.folder.write("etc/control/locals", "new.test\n")
        server.server.process.signal(SIGHUP)
        #expect(eventually { server.server.log.contains("event=reloaded") })
        #expect(code(try busy.say("x\r\n.")) == "250 2.0.0")
        for client in [busy, idle] {
            // They go on with what they began with.
            #expect(code(try client.say("MAIL FROM:<a@b.test>")) == "250 2.1.0")
            #expect(code(try client.say("RCPT TO:<alice@example.test>")) == "250 2.1.5")
            #expect(code(try client.say("RCPT TO:<alice@new.test>")) == "550 5.7.1")
            #expect(try client.say("QUIT")?.code == 221)
        }
        #expect(eventually { server.log("disconnect").count == 2 })
    }

    @Test func `SIGHUP takes new control files, and keeps the old when the new are wrong`() throws {
        let server = try TestServer()
        func refused() throws -> String {
            let client = try server.connect()
            _ = try client.reply()
            try client.say("HELO c")
            try client.say("MAIL FROM:<>")
            return code(try client.say("RCPT TO:<x@new.test>"))
        }
        #expect(try refused() == "550 5.7.1")
        try server.folder.write("etc/control/relayclients", "nonsense\n")
        server.server.process.signal(SIGHUP)
        #expect(eventually { server.server.log.contains("event=reload-failed") })
        #expect(server.server.log.contains("relayclients:1"))
        #expect(try refused() == "550 5.7.1")
        try server.folder.write("etc/control/relayclients", "")
        try server.folder.write("etc/control/locals", "example.test\nnew.test\n")
        server.server.process.signal(SIGHUP)
        #expect(eventually { server.server.log.contains("event=reloaded") })
        #expect(try eventually { try refused() == "250 2.1.5" })
    }

    @Test func `a slow client ends at the time limit of the session`() throws {
        let server = try TestServer(options: ["--session-timeout", "1s"])
        let client = try server.connect()
        let start = ContinuousClock.now
        _ = try client.begin()
        while (try? client.send("x\r\n")) != nil, start.duration(to: .now) < .seconds(20) {
            usleep(50_000)
        }
        #expect(start.duration(to: .now) < .seconds(10))
        #expect(eventually { server.log("disconnect").first?.contains("time limit") == true })
        #expect(try server.queued().isEmpty)
    }

    @Test func `more sessions than workers at first are all served`() throws {
        let server = try TestServer()
        let clients = try (0..<20).map { _ in try server.connect() }
        for client in clients { #expect(try client.begin()?.code == 354) }
        for client in clients { #expect(code(try client.say("x\r\n.")) == "250 2.0.0") }
        #expect(try server.queued().count == 20)
    }
}
