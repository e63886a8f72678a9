import Control
import Glibc
import MailModel
import MailQueue
import TestSupport
import Testing
import UnixIO

/// The program, as it is called.
@Suite struct MailInjectTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try folder.write("etc/control/me", "mail.test\n")
        // The user owns it, so that no service is needed.
        try folder.write("spool/.keep", "")
        for name in ["sendmail", "mailq", "newaliases", "qmail-inject"] {
            #expect(symlink(try Tool.path("mail-inject"), folder.file(name)) == 0)
        }
    }

    private func run(
        _ name: String, _ arguments: [String], _ message: String = "Subject: x\n\nbody\n",
        _ environment: [String: String] = [:]
    ) throws -> ToolResult {
        var tool = try Tool(folder.file(name), arguments)
        tool.message = Array(message.utf8)
        tool.environment = environment.merging(["CHAINMAIL_ROOT": folder.path, "USER": "joe"]) {
            own, _ in own
        }
        return try tool.run()
    }

    private func queued() throws -> [QueuedMessage] {
        let spool = try Spool("\(folder.path)/spool/queue")
        var all: [QueuedMessage] = []
        try spool.forEachMessage { id, place in
            if let entry = try spool.entry(id, at: place) { all.append(entry.message) }
        }
        return all
    }

    private func text(of message: QueuedMessage) throws -> String {
        let path = "\(folder.path)/spool/queue/\(MessagePlace.new.path(message.id))"
        let bytes = try Files.contents(of: path)
        return String(
            decoding: bytes[message.messageOffset..<message.messageOffset + message.messageLength],
            as: UTF8.self)
    }

    @Test func `cron's mail is queued`() throws {
        let output = "From: root (Cron Daemon)\nTo: joe\nSubject: Cron\n\n.\nout\n"
        let result = try run(
            "sendmail", ["-FCronDaemon", "-i", "-B8BITMIME", "-oem", "joe"], output)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.errors.isEmpty)
        let message = try #require(try queued().first)
        #expect(message.envelope.recipients.map(\.description) == ["joe@mail.test"])
        #expect("\(message.envelope.reversePath)" == "<joe@mail.test>")
        let text = try text(of: message)
        #expect(text.contains("\nFrom: root@mail.test (Cron Daemon)\nTo: joe@mail.test\n"))
        #expect(text.hasSuffix("\n\n.\nout\n"))
    }

    @Test func `PHP's mail is queued without its Bcc and its CRs`() throws {
        let result = try run(
            "sendmail", ["-t", "-i"],
            "To: bob@a.test\r\nSubject: x\r\nBcc: secret@b.test\r\nX-PHP: 1\r\n\r\nline\r\n")
        #expect(result.code == 0, "\(result.errors)")
        let message = try #require(try queued().first)
        #expect(
            message.envelope.recipients.map(\.description) == ["bob@a.test", "secret@b.test"])
        let text = try text(of: message)
        #expect(!text.contains("\r") && !text.contains("secret"))
        #expect(text.hasSuffix("X-PHP: 1\n\nline\n"))
    }

    @Test func `what the sender wants to be told is in the queue`() throws {
        let result = try run("sendmail", ["-N", "success", "-R", "full", "-V", "a b", "x@y.test"])
        #expect(result.code == 0, "\(result.errors)")
        let envelope = try #require(try queued().first).envelope
        #expect(envelope.options(ofRecipient: 0).notify == [.success])
        #expect(envelope.options.ret == .full)
        #expect(envelope.options.envid?.decoded == Array("a b".utf8))
        #expect(!envelope.options.smtputf8)
    }

    @Test func `an address in UTF-8 is for hosts that know it`() throws {
        #expect(try run("sendmail", ["jos\u{E9}@y.test"]).code == 0)
        #expect(try queued().first?.envelope.options.smtputf8 == true)
    }

    @Test func `a long message comes whole`() throws {
        let body = String(repeating: "0123456789abcdef\n", count: 100_000)
        #expect(try run("sendmail", ["-i", "x@y.test"], "A: b\n\n\(body)").code == 0)
        let message = try #require(try queued().first)
        #expect(try text(of: message).hasSuffix("A: b\n\n\(body)"))
    }

    @Test func `a lone dot ends the message, without -i`() throws {
        #expect(try run("sendmail", ["x@y.test"], "A: b\n\nc\n.\nd\n").code == 0)
        #expect(try text(of: try #require(try queued().first)).hasSuffix("A: b\n\nc\n"))
    }

    @Test(
        arguments: [
            ("sendmail", [], 64), ("sendmail", ["-bd"], 64), ("sendmail", ["-t"], 65),
            ("sendmail", ["--no-such-option"], 64), ("qmail-inject", ["-x"], 100),
            ("qmail-inject", [], 100), ("qmail-inject", ["bob"], 0), ("newaliases", [], 0),
            ("sendmail", ["a b"], 0),
        ] as [(String, [String], Int32)])
    func `exit codes`(name: String, arguments: [String], code: Int32) throws {
        let result = try run(name, arguments)
        #expect(result.code == code, "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == (code == 0 ? 0 : 1))
    }

    @Test(
        arguments: [
            ("exit 31", 69, 100, "refused"), ("exit 71", 75, 111, "for now"),
            ("exit 99", 75, 111, "exit 99"), ("kill -9 $$", 75, 111, "signal 9"),
            ("exit 11", 69, 100, "too long"), ("exit 53", 75, 111, "disk"),
            ("printf 'Dno such luck (#5.7.1)' >&6; exit 82", 69, 100, "no such luck (#5.7.1)"),
            ("printf 'Zlater (#4.7.1)' >&6; exit 82", 75, 111, "later (#4.7.1)"),
            ("exit 82", 75, 111, "exit 82"), ("cat >/dev/null; exit 31", 69, 100, "refused"),
        ])
    func `what the queue program says`(
        script: String, sendmail: Int32, qmail: Int32, words: String
    ) throws {
        let path = try folder.write("queue", "#!/bin/sh\n\(script)\n")
        #expect(chmod(path, 0o755) == 0)
        let body = "A: b\n\n" + String(repeating: "x\n", count: 200_000)
        for (name, code) in [("sendmail", sendmail), ("qmail-inject", qmail)] {
            let result = try run(name, ["bob"], body, ["QMAILQUEUE": path])
            #expect(result.code == code, "\(result.errors)")
            #expect(result.errors.contains(words), "\(result.errors)")
        }
    }

    @Test func `the queue program gets the message, then the envelope`() throws {
        let path = try folder.write(
            "queue", "#!/bin/sh\ncat > \(folder.file("m"))\ncat <&1 > \(folder.file("e"))\n")
        #expect(chmod(path, 0o755) == 0)
        let result = try run(
            "qmail-inject", ["bob", "carol@a.test"], "To: x\n\nbody\n",
            ["QMAILQUEUE": path, "QMAILINJECT": "r"])
        #expect(result.code == 0, "\(result.errors)")
        #expect(
            try folder.read("e").elementsEqual(
                "Fjoe-@mail.test-@[]\0Tbob@mail.test\0Tcarol@a.test\0\0".utf8))
        #expect(
            String(decoding: try folder.read("m"), as: UTF8.self).hasSuffix(
                "To: x@mail.test\n\nbody\n"))
    }

    @Test func `the chain judges where the administrator says so`() throws {
        try folder.write("etc/control/injectqueue", "filter-chain\n")
        let step = try folder.write("etc/filters.d/10-no", "#!/bin/sh\nexit 31\n")
        #expect(chmod(step, 0o755) == 0)
        let result = try run("sendmail", ["bob"])
        #expect(result.code == 69, "\(result.errors)")
        #expect(try Files.names(in: "\(folder.path)/spool") == [".keep"])
    }

    @Test func `qmail-inject -n shows what would be sent`() throws {
        let result = try run(
            "qmail-inject", ["-n"], "To: bob\nFrom: a@b.test\n\nbody\n",
            ["QMAILSUSER": "bounces", "QMAILSHOST": "list.test"])
        #expect(result.code == 0)
        #expect(result.text.hasPrefix("Return-Path: <bounces@list.test>\nDate: "))
        #expect(result.text.hasSuffix("\nTo: bob@mail.test\nFrom: a@b.test\n\nbody\n"))
    }

    @Test func `-bs is a session of a client that may relay`() throws {
        try folder.write("etc/filters.d/.keep", "")
        let result = try run(
            "sendmail", ["-bs"],
            "EHLO me\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@far.test>\r\nQUIT\r\n")
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.text.hasPrefix("220 mail.test "))
        #expect(result.text.contains("Hello me [127.0.0.1]\r\n"))
        #expect(result.text.contains("\r\n250 2.1.5 "), "\(result.text)")
    }

    @Test func `a long field is completed in a moment`() throws {
        let field = "To: " + String(repeating: "bob,\n ", count: 100_000) + "bob\n"
        let start = ContinuousClock.now
        #expect(try run("qmail-inject", ["-n"], field + "\nbody\n").code == 0)
        let time = ContinuousClock.now - start
        #expect(time < .seconds(20))
    }

    @Test func `a header without an end is refused`() throws {
        let header = String(repeating: "X: y\n", count: 300_000)
        #expect(try run("sendmail", ["-t"], "To: bob\n" + header).code == 65)
    }

    @Test func `a message that cannot be read is nowhere`() throws {
        var tool = try Tool(folder.file("sendmail"), ["bob"])
        tool.environment = ["CHAINMAIL_ROOT": folder.path]
        tool.descriptors = [:]
        let shell = try Tool(
            "/bin/sh", ["-c", "exec \(folder.file("sendmail")) bob 0<&-"])
        var closed = shell
        closed.environment = tool.environment
        #expect(try closed.run().code == 75)
        #expect(try Files.names(in: "\(folder.path)/spool") == [".keep"])
    }
}
