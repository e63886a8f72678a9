// Tests of clients that say nothing where TLS comes first, against a running server.
// smtp-server(8), section Clients.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TLS
import TestSupport
import Testing
import UnixIO

@Suite struct WaitingTLSTests {
    private func target() throws -> ServerTarget {
        try ClientContext(ClientSettings()).server(named: "mx.example.test")
    }

    private func server(_ control: [String: String] = [:], _ options: [String]) throws -> TestServer
    {
        try TestServer(
            control: control, options: ["--listen", "smtps=127.0.0.1:0"] + options, workers: "2-2")
    }

    @Test func `clients that begin no handshake need no worker, and may begin it late`() throws {
        let server = try server([:], [])
        let port = try server.port(of: "smtps")
        let silent = try (0..<30).map { _ in try SMTPDialogue(port: port) }
        let talking = try SMTPDialogue(port: port)
        try talking.startTLS(target())
        #expect(try talking.reply()?.code == 220)
        #expect(try talking.say("EHLO c")?.code == 250)
        #expect(try talking.say("QUIT")?.code == 221)
        for client in silent.prefix(3) {
            try client.startTLS(target())
            #expect(try client.reply()?.code == 220)
            #expect(try client.say("QUIT")?.code == 221)
        }
        // Those who still wait could read no reply.
        #expect(try server.stop() == .exited(0))
        #expect(try silent.last?.rest().isEmpty == true)
    }

    @Test func `a handshake that does not come, or byte by byte, ends at the time limit`() throws {
        let server = try server([:], ["--command-timeout", "600ms"])
        let port = try server.port(of: "smtps")
        let silent = try SMTPDialogue(port: port)
        let slow = try SMTPDialogue(port: port)
        let start = ContinuousClock.now
        // The beginning of a ClientHello, of which more is always about to come.
        let hello: [UInt8] = [0x16, 0x03, 0x01, 0x40, 0x00, 0x01, 0x00, 0x3F, 0xFC, 0x03, 0x03]
        var sent = 0
        while try !slow.hasReply(), start.duration(to: .now) < .seconds(20) {
            try? slow.send([sent < hello.count ? hello[sent] : 0x41])
            sent += 1
            usleep(50_000)
        }
        #expect(start.duration(to: .now) < .seconds(10))
        #expect(try silent.rest().isEmpty)
        #expect(eventually { server.log("disconnect").count == 2 })
    }

    @Test func `where TLS comes first a client that is one too many is closed without a word`()
        throws
    {
        let server = try server(["unlimitedclients": ""], ["--client-connections", "1"])
        let port = try server.port(of: "smtps")
        let first = try SMTPDialogue(port: port)
        try first.startTLS(target())
        #expect(try first.reply()?.code == 220)
        #expect(try SMTPDialogue(port: port).rest().isEmpty)
        #expect(server.log("client-refused").count == 1)
        #expect(try first.say("QUIT")?.code == 221)
    }

    @Test func `behind a proxy TLS begins after the header`() throws {
        let server = try server(["proxyclients": "127.0.0.1\n"], ["--reverse-dns", "0s"])
        let client = try SMTPDialogue(port: server.port(of: "smtps"))
        try client.send("PROXY TCP4 192.0.2.7 192.0.2.99 4321 465\r\n")
        try client.startTLS(target())
        #expect(try client.reply()?.code == 220)
        #expect(try client.say("EHLO c")?.text.contains("[192.0.2.7]") == true)
    }
}
