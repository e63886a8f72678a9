// Tests of smtp-server under Debian's tcpserver.
// tcpserver(1), tcp-environ(5).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@Suite struct TcpserverTests {
    /// tcpserver with a server of its own root; the port is the kernel's choice.
    private func start(
        _ folder: TestFolder, options: [String] = [], rules: [String] = []
    ) throws -> (daemon: Daemon, port: UInt16) {
        try folder.write("etc/filters.d/.keep", "")
        try folder.write("etc/control/me", "mx.example.test\n")
        let log = folder.file("tcpserver.log")
        let server = try Tool.path("smtp-server")
        let tool = try Tool(
            "/usr/bin/tcpserver",
            ["-1", "-H", "-R", "-l", "mx.example.test"] + rules + ["127.0.0.1", "0", server]
                + ["--root", folder.path] + options)
        func port() -> UInt16? {
            let text = (try? Files.contents(of: log)) ?? []
            return UInt16(
                String(decoding: text, as: UTF8.self).split(separator: "\n").first ?? "")
        }
        let daemon = try Daemon(tool, log: log) { port() != nil }
        return (daemon, try #require(port()))
    }

    @Test func `a session is on descriptors 0 and 1, with the facts of the environment`() throws {
        let folder = try TestFolder()
        let (daemon, port) = try start(folder, options: ["--service", "submission"])
        let client = try SMTPDialogue(port: port)
        #expect(try client.reply()?.description == "220 mx.example.test ESMTP")
        #expect(try client.say("EHLO c")?.text.contains("[127.0.0.1]") == true)
        #expect(try client.say("MAIL FROM:<a@b.test>")?.code == 530)
        #expect(try client.say("QUIT")?.code == 221)
        #expect(try client.reply() == nil)
        #expect(eventually { daemon.log.contains("service=submission") })
        #expect(daemon.log.contains("client=127.0.0.1"))
    }

    @Test func `RELAYCLIENT of tcpserver's rules lets a client relay`() throws {
        let folder = try TestFolder()
        let source = try folder.write("rules", "127.:allow,RELAYCLIENT=\"\",DATABYTES=\"77\"\n")
        let rules = folder.file("rules.cdb")
        var compile = try Tool("/usr/bin/tcprules", [rules, folder.file("rules.tmp")])
        compile.message = try Files.contents(of: source)
        #expect(try compile.run().code == 0)
        let (daemon, port) = try start(folder, rules: ["-x", rules])
        let client = try SMTPDialogue(port: port)
        _ = try client.reply()
        #expect(try client.say("EHLO c")?.text.contains("SIZE 77") == true)
        try client.say("MAIL FROM:<a@b.test>")
        #expect(try client.say("RCPT TO:<x@elsewhere.test>")?.code == 250)
        withExtendedLifetime(daemon) {}
    }

    @Test func `a client that says nothing ends at the time limit`() throws {
        let folder = try TestFolder()
        let (daemon, port) = try start(folder, options: ["--command-timeout", "300ms"])
        let client = try SMTPDialogue(port: port)
        _ = try client.reply()
        #expect(try client.reply()?.description.hasPrefix("421 4.4.2") == true)
        #expect(try client.reply() == nil)
        #expect(eventually { daemon.log.contains("time limit") })
    }
}
