// Tests of clients that say nothing before HELO, against a running server.
// smtp-server(8), section Clients.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import SMTPProtocol
import TestSupport
import Testing

@Suite struct WaitingTests {
    private func code(_ reply: SMTPReply?) -> String {
        reply.map { "\($0.code) \($0.status.map(\.description) ?? "-")" } ?? "closed"
    }

    /// Clients that were greeted and are held.
    private func held(_ count: Int, _ server: TestServer) throws -> [SMTPDialogue] {
        let own = try server.heldSockets()
        var clients: [SMTPDialogue] = []
        for number in 1...count {
            let client = try server.connect()
            #expect(try client.reply()?.code == 220)
            clients.append(client)
            #expect(try eventually { try server.heldSockets() >= own + number })
        }
        return clients
    }

    @Test func `three hundred clients that say nothing need no worker, and go on when they speak`()
        throws
    {
        let server = try TestServer(workers: "4-4")
        let clients = try (0..<300).map { _ in try server.connect() }
        for client in clients { #expect(try client.reply()?.code == 220) }
        let other = try server.connect()
        #expect(try other.begin()?.code == 354)
        #expect(code(try other.say("x\r\n.")) == "250 2.0.0")
        #expect(try server.workers().count == 4)
        for (number, client) in clients.enumerated() {
            if number % 2 == 0 { #expect(try client.say("EHLO c")?.code == 250) }
            #expect(try client.say("QUIT")?.code == 221)
        }
        #expect(eventually { server.log("disconnect").count == 300 })
        #expect(Set(server.log("connect").map(session)).count == 301)
        #expect(!server.server.log.contains("died"))
    }

    private func session(_ line: String) -> String {
        line.split(separator: " ").first { $0.hasPrefix("session=") }.map(String.init) ?? line
    }

    @Test func `a command may come in pieces, and errors are counted on`() throws {
        let server = try TestServer(options: ["--errors", "3"])
        let client = try #require(try held(1, server).first)
        for piece in ["N", "O", "OP", "\r"] {
            try client.send(piece)
            usleep(20_000)
        }
        try client.send("\n")
        #expect(try client.reply()?.code == 250)
        for number in 1...3 {
            #expect(try client.say("NONSENSE")?.code == (number < 3 ? 500 : 421))
            usleep(20_000)
        }
        #expect(try client.reply() == nil)
    }

    @Test func `who says nothing, or a byte now and then, ends at the time limit`() throws {
        let server = try TestServer(options: ["--command-timeout", "600ms"], workers: "2-2")
        let silent = try server.connect()
        let slow = try server.connect()
        let start = ContinuousClock.now
        _ = try silent.reply()
        _ = try slow.reply()
        while try !slow.hasReply(), start.duration(to: .now) < .seconds(20) {
            try? slow.send("N")
            usleep(50_000)
        }
        #expect(code(try slow.reply()) == "421 4.4.2")
        #expect(code(try silent.reply()) == "421 4.4.2")
        #expect(try silent.reply() == nil)
        #expect(start.duration(to: .now) < .seconds(10))
        #expect(eventually { server.log("disconnect").count == 2 })
        #expect(server.log("disconnect").allSatisfy { $0.contains("time limit") })
    }

    @Test func `the busiest network makes room, by the one that has waited longest`() throws {
        let server = try TestServer(
            control: ["proxyclients": "127.0.0.1\n"],
            options: ["--waiting-connections", "3", "--reverse-dns", "0s"])
        let own = try server.heldSockets()
        var clients: [SMTPDialogue] = []
        for (number, address) in ["198.51.100.1", "192.0.2.1", "192.0.2.2"].enumerated() {
            let client = try server.connect()
            try client.send("PROXY TCP4 \(address) 192.0.2.99 1 25\r\n")
            #expect(try client.reply()?.code == 220)
            #expect(try eventually { try server.heldSockets() == own + number + 1 })
            clients.append(client)
        }
        let last = try server.connect()
        try last.send("PROXY TCP4 203.0.113.1 192.0.2.99 1 25\r\n")
        #expect(try last.reply()?.code == 220)
        #expect(code(try clients[1].reply()) == "421 4.7.0")
        for client in [clients[0], clients[2], last] {
            #expect(try client.say("EHLO c")?.code == 250)
        }
    }

    @Test func `SIGTERM takes leave of those who wait`() throws {
        let server = try TestServer()
        let clients = try held(2, server)
        #expect(try server.stop() == .exited(0))
        for client in clients {
            #expect(code(try client.reply()) == "421 4.3.2")
            #expect(try client.reply() == nil)
        }
    }

    @Test func `SIGHUP lets them wait, and what is new holds for them`() throws {
        let server = try TestServer()
        let client = try #require(try held(1, server).first)
        try server.folder.write("etc/control/locals", "example.test\nnew.test\n")
        server.server.process.signal(SIGHUP)
        #expect(eventually { server.server.log.contains("event=reloaded") })
        #expect(try client.say("HELO c")?.code == 250)
        try client.say("MAIL FROM:<>")
        #expect(code(try client.say("RCPT TO:<x@new.test>")) == "250 2.1.5")
    }

    @Test func `when the process that holds them dies, another takes its place`() throws {
        let server = try TestServer(
            control: ["unlimitedclients": ""], options: ["--client-connections", "2"])
        let clients = try held(2, server)
        let first = try #require(try server.holder())
        kill(first, SIGKILL)
        for client in clients { #expect(try client.reply() == nil) }
        #expect(try eventually { try server.holder().map { $0 != first } ?? false })
        #expect(server.server.log.contains("event=keeper-died"))
        // The places of those who were lost are free again.
        let client = try #require(try held(1, server).first)
        #expect(try client.say("EHLO c")?.code == 250)
    }

    @Test func `a client that goes away while it waits is noted`() throws {
        let server = try TestServer()
        do { _ = try held(1, server) }
        #expect(eventually { server.log("disconnect").first?.contains("client closed") == true })
    }

    @Test func `what steps at connect changed is not forgotten`() throws {
        let folder = try TestFolder()
        let field = try #require(HeaderField("X-Seen", "yes"))
        let reply = try folder.write(
            "reply", FilterReply(.accept([.prepend(field)])).fields.frame)
        let script = try folder.write(
            "step.sh", "#!/bin/sh\ncat \(reply) >&\"$FILTER_VERDICT_FD\"\n", mode: 0o700)
        let server = try TestServer(
            steps: ["10-step": "run \(script)\nstage connect\nworkers 0\n"])
        let client = try #require(try held(1, server).first)
        try client.say("EHLO c")
        try client.say("MAIL FROM:<a@b.test>")
        try client.say("RCPT TO:<alice@example.test>")
        try client.say("DATA")
        #expect(code(try client.say("x\r\n.")) == "250 2.0.0")
        let file = String(decoding: try server.queued().first ?? [], as: UTF8.self)
        #expect(file.contains("X-Seen: yes"))
    }
}
