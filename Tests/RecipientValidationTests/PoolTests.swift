// Tests of rcpt-validate as a pool, with servers behind it.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

struct PoolTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func pool(_ arguments: [String], workers: String = "1-1") throws -> Service {
        let all = arguments + ["--serve", folder.file("s"), "--workers", workers]
        return try Service(Tool("rcpt-validate", all), log: folder.file("log"))
    }

    private func ask(_ recipient: [UInt8]) throws -> Verdict {
        var facts = Facts()
        facts[.clientIP] = Array("192.0.2.9".utf8)
        let envelope = Envelope(reversePath: .null, recipients: [try Mailbox(recipient)])
        let request = FilterRequest(stage: .rcpt, facts: facts, envelope: envelope)
        let reply = try Exchange.call(
            folder.file("s"), request.fields, descriptors: [], deadline: .after(.seconds(60)))
        return try FilterReply(reply.fields).verdict
    }

    private func ask(_ recipient: String) throws -> String {
        let verdict = try ask(Array(recipient.utf8))
        return verdict.reply.map { "\($0.code) \($0.status)" } ?? verdict.word
    }

    @Test func `PostgreSQL may come and go while the pool serves`() throws {
        let cluster = try PostgreSQLCluster()
        try cluster.run("CREATE TABLE u(a text); INSERT INTO u VALUES('bob@x.test')")
        try cluster.end(SIGINT)
        let source =
            "postgresql:\(cluster.connection) dbname=postgres?query="
            + "SELECT 1 FROM u WHERE a = :address"
        let pool = try pool(["--cache", "0s", "--source", source], workers: "2-4")
        // It began without the server.
        #expect(try ask("bob@x.test") == "451 4.3.0")
        try cluster.start()
        #expect(try eventually { try ask("bob@x.test") == "accept" })
        #expect(try eventually { try ask("eve@x.test") == "550 5.1.1" })
        try cluster.end(SIGKILL)
        for address in ["bob@x.test", "eve@x.test"] {
            #expect(try ask(address) == "451 4.3.0")
        }
        try cluster.start()
        #expect(try eventually { try ask("bob@x.test") == "accept" })
        try harass(lines: 1500)
        #expect(try ask("bob@x.test") == "accept")
        #expect(try pool.stop() == .exited(0))
        #expect(!pool.log.contains("event=worker-died"))
        try cluster.end(SIGINT)
    }

    @Test func `what was answered is kept for a while, and what was not never`() throws {
        let stub = try SMTPStub { step, connection in
            step.hasPrefix("RCPT TO:<eve")
                ? .reply("550 5.1.1 no")
                : step.hasPrefix("RCPT TO:<later") ? .reply("451 4.2.0 later") : nil
        }
        let source = "callout:127.0.0.1:\(stub.port)"
        let pool = try pool(["--cache", "1h/1h", "--source", source])
        for _ in 0..<3 {
            #expect(try ask("bob@x.test") == "accept")
            #expect(try ask("eve@x.test") == "550 5.1.1")
            #expect(try ask("later@x.test") == "451 4.3.0")
        }
        let asked = { (name: String) in
            stub.commands.filter { $0 == "RCPT TO:<\(name)@x.test>" }.count
        }
        #expect(asked("bob") == 1)
        #expect(asked("eve") == 1)
        #expect(asked("later") == 3)
        #expect(stub.connections == 1)
        try pool.stop()
    }

    @Test(arguments: [false, true])
    func `a mailbox that is new is found after N, or at once on SIGHUP`(isTold: Bool) throws {
        let mailbox = folder.file("eve")
        let stub = try SMTPStub { step, _ in
            step.hasPrefix("RCPT") && access(mailbox, F_OK) != 0 ? .reply("550 5.1.1 no") : nil
        }
        let source = "callout:127.0.0.1:\(stub.port)"
        let pool = try pool(["--cache", isTold ? "1h/1h" : "1h/50ms", "--source", source])
        #expect(try ask("eve@x.test") == "550 5.1.1")
        try folder.write("eve", "")
        if isTold {
            #expect(try ask("eve@x.test") == "550 5.1.1")
            pool.process.signal(SIGHUP)
        }
        #expect(try eventually { try ask("eve@x.test") == "accept" })
        try pool.stop()
    }

    @Test func `without a cache every question is asked`() throws {
        let stub = try SMTPStub()
        let pool = try pool(["--cache", "0s", "--source", "callout:127.0.0.1:\(stub.port)"])
        for _ in 0..<3 { #expect(try ask("bob@x.test") == "accept") }
        #expect(stub.commands.filter { $0.hasPrefix("RCPT") }.count == 3)
        #expect(stub.connections == 1)
        try pool.stop()
    }

    @Test(arguments: [[], ["--syntax", "off"]])
    func `no address harms a pool, and none is accepted`(syntax: [String]) throws {
        let database = try folder.write("empty.db", "")
        let source = "sqlite:\(database)?query=SELECT 1 WHERE :address = 'bob@x.test'"
        let pool = try pool(
            syntax + ["--source", source, "--extensions", "-+", "--unknown-domain", "reject"])
        try harass(lines: 5000)
        #expect(try ask("bob@x.test") == "accept")
        #expect(try pool.stop() == .exited(0))
        #expect(!pool.log.contains("event=worker-died"))
    }

    /// Asks for addresses of every nastiness. None may be accepted; whatever else is an answer.
    private func harass(lines: Int) throws {
        var random = SystemRandomNumberGenerator()
        let pieces =
            [
                "bob", "@", "@x.test", "'", "\"", "\\", "--", ";", "%", "?", "$1", ":local",
                "\u{0}", "\r\n",
                "\u{7F}", "\u{1}", " ", "ü", "\u{202E}", ".", "..", "-", "+", "[", "]", "<", ">",
                ",",
                "' OR '1'='1", "x.test", String(repeating: "a", count: 300),
                String(repeating: ".", count: 90),
                String(repeating: "-", count: 900),
            ].map { Array($0.utf8) } + [
                [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80],
            ]
        for _ in 0..<lines {
            var address: [UInt8] = []
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                address += pieces.randomElement(using: &random) ?? []
            }
            if Bool.random(using: &random) { address += Array("@x.test".utf8) }
            address = address.prefix(1002).filter { ![0, 0x0A, 0x0D].contains($0) }
            let folded = address.asciiLowercased
            let isBob = folded.starts(with: "bob".utf8)
            guard !address.isEmpty, !isBob else { continue }
            let verdict = try ask(address)
            #expect(verdict.word == "reject", "\(address.printable): \(verdict)")
        }
    }
}
