// Tests of clients that keep a worker while all are busy, against a running server.
// smtp-server(8), section Clients.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TLS
import TestSupport
import Testing

@Suite struct BusyTests {
    /// The commands with which a client comes to where it says nothing more.
    @Test(arguments: [
        ["EHLO c"], ["EHLO c", "MAIL FROM:<>"],
        ["EHLO c", "MAIL FROM:<>", "RCPT TO:<alice@example.test>", "DATA"],
    ])
    func `whoever says nothing makes room for others`(commands: [String]) throws {
        let server = try TestServer(options: ["--busy-timeout", "200ms"], workers: "1-1")
        let silent = try server.connect()
        _ = try silent.reply()
        for command in commands { try silent.say(command) }
        let other = try server.connect()
        #expect(try silent.reply()?.description.prefix(9) == "421 4.4.2")
        #expect(try other.reply()?.code == 220)
        #expect(
            eventually {
                server.log("disconnect").first?.contains("all workers are busy") == true
            })
    }

    @Test func `a byte now and then does not help`() throws {
        let server = try TestServer(options: ["--busy-timeout", "300ms"], workers: "1-1")
        let slow = try server.connect()
        _ = try slow.reply()
        try slow.say("EHLO c")
        let start = ContinuousClock.now
        while try !slow.hasReply(), start.duration(to: .now) < .seconds(20) {
            try? slow.send("N")
            usleep(50_000)
        }
        #expect(try slow.reply()?.description.prefix(9) == "421 4.4.2")
    }

    @Test func `while a worker is free nobody is hurried, under TLS neither`() throws {
        let server = try TestServer(
            options: ["--busy-timeout", "100ms", "--listen", "smtps=127.0.0.1:0"], workers: "1-2")
        let client = try SMTPDialogue(port: server.port(of: "smtps"))
        try client.startTLS(ClientContext(ClientSettings()).server(named: "mx.example.test"))
        #expect(try client.reply()?.code == 220)
        #expect(try client.say("EHLO c")?.code == 250)
        try client.send("NO")
        // Longer than until the server looks for others, and looks again.
        #expect(try !eventually(within: .milliseconds(1300)) { try client.hasReply() })
        #expect(try client.say("OP")?.code == 250)
    }
}
