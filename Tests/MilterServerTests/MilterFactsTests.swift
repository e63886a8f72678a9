// What steps learn of a client, and what milter-chain says of a wrong command line.
// milter-chain(8), section Facts.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import MilterProtocol
import TestSupport
import Testing
import UnixIO

@Suite struct MilterFactsTests {
    /// A chain whose only step, at stage `message`, notes its environment.
    private static func start(in folder: TestFolder, control: [String: String] = [:]) throws
        -> Service
    {
        let record = try folder.write("record", FilterReply(.accept).fields.frame)
        try folder.write("root/etc/control/me", "mx.y.test\n")
        for (name, text) in control { try folder.write("root/etc/control/\(name)", text) }
        try folder.write(
            "root/etc/filters.d/10-note",
            "run /bin/sh -c \"env > \(folder.file("env")); cat \(record) >&4\"\nworkers 0\n")
        return try Service(
            Tool("milter-chain", ["--root", folder.file("root"), "--listen", "127.0.0.1:0"]),
            log: folder.file("log"))
    }

    private static func port(_ service: Service) -> UInt16 {
        service.ready.split(separator: ":").last.flatMap { UInt16($0) } ?? 0
    }

    private static func variables(_ folder: TestFolder) throws -> [String: String] {
        String(decoding: try folder.read("env"), as: UTF8.self).split(separator: "\n")
            .reduce(into: [:]) { all, line in
                let parts = line.split(separator: "=", maxSplits: 1)
                all[String(parts[0])] = parts.count > 1 ? String(parts[1]) : ""
            }
    }

    private typealias Macros = [(String, String)]

    private func note(
        _ folder: TestFolder, _ peer: MilterPeer, _ name: String, connect: Macros = [],
        helo: Macros = [], mail: Macros = []
    ) throws -> [String: String] {
        let service = try Self.start(in: folder, control: ["relayclients": "192.0.2.0/24\n"])
        let mta = try RawMTA(port: Self.port(service))
        try mta.say(.connect(Array(name.utf8), peer), connect)
        if !mta.choice.steps.contains(.noReplyToConnect) { _ = try mta.reply() }
        try mta.say(.helo(Array("helo.x.test".utf8)), helo)
        if !mta.choice.steps.contains(.noReplyToHelo) { _ = try mta.reply() }
        try mta.ask(.mail([Array("<a@x.test>".utf8), Array("SIZE=100".utf8)]), mail)
        try mta.ask(.rcpt([Array("<b@y.test>".utf8)]), [("i", "4QueueID")])
        _ = try mta.message([("Subject", " x")], [])
        return try Self.variables(folder)
    }

    @Test func `Postfix's macros become facts`() throws {
        let folder = try TestFolder()
        let facts = try note(
            folder, .version4(Array("198.51.100.7".utf8), port: 4711), "client.x.test",
            connect: [
                ("j", "mx.y.test"), ("{daemon_addr}", "203.0.113.1"), ("{daemon_port}", "25"),
            ],
            helo: [("{tls_version}", "TLSv1.3"), ("{cipher}", "TLS_AES_256_GCM_SHA384")],
            mail: [("{auth_authen}", "alice")])
        #expect(facts["TCPREMOTEIP"] == "198.51.100.7")
        #expect(facts["TCPREMOTEPORT"] == "4711")
        #expect(facts["TCPREMOTEHOST"] == "client.x.test")
        #expect(facts["TCPLOCALIP"] == "203.0.113.1")
        #expect(facts["TCPLOCALPORT"] == "25")
        #expect(facts["SMTPHELOHOST"] == "helo.x.test")
        #expect(facts["SMTPAUTHUSER"] == "alice")
        #expect(facts["SSL_PROTOCOL"] == "TLSv1.3")
        #expect(facts["RELAYCLIENT"] == "")
    }

    @Test func `Sendmail's macros become facts, and a name that is not verified does not`() throws {
        let folder = try TestFolder()
        let facts = try note(
            folder, .version6(Array("IPv6:2001:db8::1".utf8), port: 25), "forged.x.test",
            connect: [
                ("j", "mx.y.test"), ("{if_addr}", "IPv6:2001:db8::25"),
                ("{daemon_addr}", "IPv6:::"), ("{client_resolve}", "FORGED"),
            ])
        #expect(facts["TCPREMOTEIP"] == "2001:db8::1")
        #expect(facts["TCPREMOTEHOST"] == nil)
        #expect(facts["TCPLOCALIP"] == "2001:db8::25")
        #expect(facts["RELAYCLIENT"] == nil)
    }

    @Test func `without macros there are no facts but those of the connection`() throws {
        let folder = try TestFolder()
        let facts = try note(
            folder, .version4(Array("192.0.2.7".utf8), port: 1), "unknown")
        #expect(facts["TCPREMOTEIP"] == "192.0.2.7")
        #expect(facts["TCPREMOTEHOST"] == nil)
        #expect(facts["SMTPAUTHUSER"] == nil)
        // Of relayclients.
        #expect(facts["RELAYCLIENT"] == "")
    }

    @Test func `a client without an address is one of this host`() throws {
        let folder = try TestFolder()
        let facts = try note(folder, .local(Array("/run/x".utf8)), "localhost")
        #expect(facts["TCPREMOTEIP"] == nil)
        #expect(facts["TCPREMOTEHOST"] == nil)
    }

    @Test(arguments: [
        ([], "--listen is missing"), (["--listen", "25"], "--listen 25"),
        (["--listen", "localhost:25"], "--listen localhost:25"),
        (["--listen", "run/x"], "--listen run/x"),
        (["--listen", "127.0.0.1:0", "--socket-mode", "9"], "--socket-mode 9"),
        (["--listen", "/tmp/x", "--socket-group", "no-such-group"], "no-such-group"),
        (["--listen", "127.0.0.1:0", "--sessions", "0"], "--sessions 0"),
        (["--listen", "127.0.0.1:0", "--idle-timeout", "0s"], "--idle-timeout"),
        (["--worker"], "--worker"), (["--listen", "127.0.0.1:0"], "filters.d"),
    ])
    func `a wrong command line is said at once`(_ words: [String], _ text: String) throws {
        let folder = try TestFolder()
        if text != "filters.d" { try Files.makeFolders(folder.file("root/etc/filters.d")) }
        let result = try Tool("milter-chain", ["--root", folder.file("root")] + words).run()
        #expect(result.code == 55)
        #expect(result.errors.hasPrefix("milter-chain: "))
        #expect(result.errors.contains(text), "\(result.errors)")
    }

    @Test func `steps that somebody else serves are not served twice`() throws {
        let folder = try TestFolder()
        let first = try Self.start(in: folder)
        var words = ["--root", folder.file("root"), "--listen", "127.0.0.1:0"]
        let second = try Tool("milter-chain", words).run()
        #expect(second.code == 55)
        #expect(second.errors.contains("process \(first.process.pid) serves the steps"))
        words.append("--steps-apart")
        let third = try Service(Tool("milter-chain", words), log: folder.file("log2"))
        _ = try RawMTA(port: Self.port(third))
    }
}
