// Tests of what bounds clients by their addresses, against a running server.
// smtp-server(8), section Clients.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import SMTPProtocol
import TestSupport
import Testing

@Suite struct ClientTests {
    private func code(_ reply: SMTPReply?) -> String {
        reply.map { "\($0.code) \($0.status.map(\.description) ?? "-")" } ?? "closed"
    }

    /// This host, as a proxy, says for whom it speaks.
    private static let proxied = ["proxyclients": "127.0.0.0/8\n"]
    private static let noNames = ["--reverse-dns", "0s"]

    private func client(_ server: TestServer, _ address: String) throws -> SMTPDialogue {
        try SMTPDialogue(proxied: address, to: server)
    }

    @Test func `an address may have so many connections, whether they speak or not`() throws {
        let server = try TestServer(
            control: ["unlimitedclients": ""], options: ["--client-connections", "2"])
        let silent = try server.connect()
        #expect(try silent.reply()?.code == 220)
        do {
            let talking = try server.connect()
            #expect(try talking.reply()?.code == 220)
            try talking.say("EHLO c")
            let third = try server.connect()
            let reply = try third.reply()
            #expect(code(reply) == "421 4.7.0")
            #expect(reply?.text.contains("Too many connections from your address") == true)
            #expect(try third.reply() == nil)
            try talking.say("QUIT")
        }
        #expect(eventually { server.log("disconnect").count == 1 })
        #expect(try eventually { try server.connect().reply()?.code == 220 })
        #expect(server.log("client-refused").first?.contains("client=127.0.0.1") == true)
    }

    @Test func `the places of a worker that is killed are given back`() throws {
        let server = try TestServer(
            control: ["unlimitedclients": ""], options: ["--client-connections", "1"])
        let client = try server.connect()
        _ = try client.reply()
        try client.say("EHLO c")
        for worker in try server.workers() { kill(worker, SIGKILL) }
        #expect(try client.reply() == nil)
        #expect(try eventually { try server.connect().reply()?.code == 220 })
    }

    @Test func `a network may have so many, by its prefix`() throws {
        let server = try TestServer(
            control: Self.proxied,
            options: Self.noNames + ["--network-connections", "2", "--network-prefixes", "24,48"])
        var kept: [SMTPDialogue] = []
        let rows = [
            ("192.0.2.1", "220 -"), ("192.0.2.200", "220 -"), ("192.0.2.3", "421 4.7.0"),
            ("192.0.3.1", "220 -"), ("2001:db8:1::1", "220 -"), ("2001:db8:1:2::1", "220 -"),
            ("2001:db8:1:3::1", "421 4.7.0"), ("2001:db8:2::1", "220 -"),
        ]
        for (address, expected) in rows {
            let client = try client(server, address)
            #expect(code(try client.reply()) == expected, "\(address)")
            kept.append(client)
        }
        #expect(kept.count == rows.count)
    }

    @Test func `no network alone gets more than half of the workers`() throws {
        let server = try TestServer(control: Self.proxied, options: Self.noNames)
        var kept: [SMTPDialogue] = []
        for number in 1...101 {
            let client = try client(server, "192.0.2.\(number % 50 + 1)")
            #expect(code(try client.reply()) == (number <= 100 ? "220 -" : "421 4.7.0"))
            kept.append(client)
        }
        #expect(code(try client(server, "192.0.3.1").reply()) == "220 -")
        #expect(kept.count == 101)
    }

    @Test func `so many may come in a time`() throws {
        let server = try TestServer(
            control: Self.proxied,
            options: Self.noNames + ["--client-rate", "2/1h", "--network-rate", "3/1h"])
        let rows = [
            ("192.0.2.1", "220 -"), ("192.0.2.1", "220 -"), ("192.0.2.1", "421 4.7.0"),
            ("192.0.2.2", "220 -"), ("192.0.2.3", "421 4.7.0"), ("192.0.3.1", "220 -"),
        ]
        for (address, expected) in rows {
            let client = try client(server, address)
            #expect(code(try client.reply()) == expected, "\(address)")
        }
    }

    @Test func `who is named is not counted, and else this host and who may relay`() throws {
        let limit = ["--client-connections", "1", "--client-rate", "1/1h"] + Self.noNames
        let standard = try TestServer(
            control: ["relayclients": "192.0.2.7\n"].merging(Self.proxied) { $1 }, options: limit)
        let named = try TestServer(
            control: ["unlimitedclients": "192.0.2.8\n", "relayclients": "192.0.2.7\n"]
                .merging(Self.proxied) { $1 }, options: limit)
        for (server, address, isCounted) in [
            (standard, "192.0.2.7", false), (standard, "192.0.2.8", true),
            (standard, "127.0.0.1", false), (named, "192.0.2.7", true),
            (named, "192.0.2.8", false), (named, "127.0.0.1", true),
        ] {
            let first = try client(server, address)
            #expect(code(try first.reply()) == "220 -", "\(address)")
            // Only now: of two that come together either may be the first.
            let second = try client(server, address)
            let expected = isCounted ? "421 4.7.0" : "220 -"
            #expect(code(try second.reply()) == expected, "\(address)")
            withExtendedLifetime(first) {}
        }
    }

    @Test func `a session may have so many commands`() throws {
        let server = try TestServer(options: ["--commands", "3"])
        let client = try server.connect()
        _ = try client.reply()
        for command in ["NOOP", "EHLO c", "NOOP"] {
            #expect(try client.say(command)?.code == 250)
        }
        #expect(code(try client.say("NOOP")) == "421 4.7.0")
        #expect(try client.reply() == nil)
    }

    @Test func `a message that comes too slowly ends at its limit`() throws {
        let server = try TestServer(options: ["--message-timeout", "1s"])
        let client = try server.connect()
        _ = try client.begin()
        let start = ContinuousClock.now
        while try !client.hasReply(), start.duration(to: .now) < .seconds(20) {
            try? client.send("x")
            usleep(50_000)
        }
        #expect(code(try client.reply()) == "421 4.4.2")
        #expect(start.duration(to: .now) < .seconds(10))
        #expect(try server.queued().isEmpty)
    }

    // MARK: Before the greeting

    @Test func `who speaks before the greeting is noted`() throws {
        let folder = try TestFolder()
        let refusal = Verdict.reject(Reply(550, EnhancedStatus(5, 7, 1), "Patience"))
        let reply = try folder.write("reply", FilterReply(refusal).fields.frame)
        let other = try folder.write("other", FilterReply(.accept).fields.frame)
        let script = try folder.write(
            "step.sh",
            """
            #!/bin/sh
            exec >&"$FILTER_VERDICT_FD"
            if [ -n "$FILTER_FACT_EARLY_TALKER" ]; then cat \(reply); exit 31; fi
            cat \(other)
            """, mode: 0o700)
        let server = try TestServer(
            steps: ["10-step": "run \(script)\nstage helo\nworkers 0\n"],
            options: ["--greeting-delay", "300ms"])
        let hasty = try server.connect()
        try hasty.send("EHLO c\r\n")
        #expect(try hasty.reply()?.code == 220)
        #expect(try hasty.reply()?.code == 550)
        #expect(server.log("early-talker").count == 1)
        let patient = try server.connect()
        #expect(try patient.reply()?.code == 220)
        #expect(try patient.say("EHLO c")?.code == 250)
        #expect(server.log("early-talker").count == 1)
    }

    @Test func `who speaks before the greeting can be refused`() throws {
        let server = try TestServer(
            options: ["--greeting-delay", "30s", "--early-talkers", "refuse"])
        let hasty = try server.connect()
        try hasty.send("EHLO c\r\n")
        #expect(try hasty.reply()?.code == 554)
        #expect(try hasty.reply() == nil)
        #expect(server.log("mail").isEmpty)
    }

    @Test func `a client's name is one that leads back to its address`() throws {
        let folder = try TestFolder()
        let zone = try Service.zone(
            """
            1.2.0.192.in-addr.arpa. 60 IN PTR liar.client.test.
            1.2.0.192.in-addr.arpa. 60 IN PTR mail.client.test.
            mail.client.test. 60 IN A 192.0.2.1
            liar.client.test. 60 IN A 192.0.2.2
            2.2.0.192.in-addr.arpa. 60 IN PTR elsewhere.test.
            elsewhere.test. 60 IN A 192.0.2.77
            3.2.0.192.in-addr.arpa. TIMEOUT
            3.2.0.192.in-addr.arpa. 60 IN A 192.0.2.3

            """, in: folder)
        let address = zone.ready.replacing("READY ", with: "")
        let server = try TestServer(
            control: Self.proxied,
            options: ["--resolver", address, "--reverse-dns", "500ms"])
        for (number, name) in [(1, "mail.client.test"), (2, "unknown"), (3, "unknown")] {
            let client = try client(server, "192.0.2.\(number)")
            #expect(try client.begin()?.code == 354)
            #expect(code(try client.say("x\r\n.")) == "250 2.0.0")
            let files = try server.queued().map { String(decoding: $0, as: UTF8.self) }
            #expect(files.count == number)
            let line = "from client.test (\(name) [192.0.2.\(number)])"
            #expect(files.last?.contains(line) == true, "\(files.last ?? "")")
        }
    }

    @Test func `a message for which the queue has no room is put off at MAIL`() throws {
        let full = try TestServer(options: ["--queue-margin", "1000000000G"])
        let client = try full.connect()
        _ = try client.reply()
        try client.say("EHLO c")
        #expect(code(try client.say("MAIL FROM:<a@b.test>")) == "452 4.3.1")
        #expect(code(try client.say("RCPT TO:<alice@example.test>")) == "503 5.5.1")
        let roomy = try TestServer()
        let other = try roomy.connect()
        _ = try other.reply()
        try other.say("EHLO c")
        let huge = "MAIL FROM:<a@b.test> SIZE=9000000000000000000"
        #expect(code(try other.say(huge)) == "452 4.3.1")
        #expect(code(try other.say("MAIL FROM:<a@b.test> SIZE=1000")) == "250 2.1.0")
    }

    private static let wrong: [(String, String)] = [
        ("--client-rate", "x"), ("--client-rate", "0/1m"), ("--client-rate", "5/0s"),
        ("--network-rate", "5"), ("--network-prefixes", "33,64"), ("--network-prefixes", "24"),
        ("--early-talkers", "shoot"), ("--waiting-connections", "0"), ("--queue-margin", "-1"),
        ("--errors", "0"), ("--resolver", "nowhere"), ("--reverse-dns", "soon"),
    ]

    @Test(arguments: wrong)
    func `a wrong option is refused at the start`(_ name: String, _ value: String) throws {
        let folder = try TestFolder()
        try folder.write("etc/filters.d/.keep", "")
        try folder.write("etc/control/me", "mx.example.test\n")
        let result = try Tool(
            "smtp-server", ["--root", folder.path, "--listen", "127.0.0.1:0", name, value]
        ).run()
        #expect(result.code == 64)
        #expect(result.errors.contains("\(name) \(value)"), "\(result.errors)")
    }

    @Test(arguments: ["unlimitedclients", "proxyclients", "xclientclients"])
    func `a wrong line of a file is named`(_ name: String) throws {
        let folder = try TestFolder()
        try folder.write("etc/filters.d/.keep", "")
        try folder.write("etc/control/me", "mx.example.test\n")
        try folder.write("etc/control/\(name)", "# who\n192.0.2.0/33\n")
        let result = try Tool(
            "smtp-server", ["--root", folder.path, "--listen", "127.0.0.1:0"]
        ).run()
        #expect(result.code == 78)
        #expect(result.errors.contains("control/\(name):2"), "\(result.errors)")
    }
}
