// The form of mbox files, their locks, and what becomes of them when something fails.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Delivery

@Suite struct FromQuotingTests {
    private func quoted(_ text: String, pieces: Int = .max) -> String {
        var quoting = FromQuoting()
        var output: [UInt8] = []
        var rest = bytes(text)[...]
        while !rest.isEmpty {
            quoting.quote(Array(rest.prefix(pieces)), into: &output)
            rest = rest.dropFirst(pieces)
        }
        quoting.finish(into: &output)
        return String(decoding: output, as: UTF8.self)
    }

    @Test(
        arguments: [
            ("From x\n", ">From x\n\n", "the line itself"),
            (">From x\n", ">>From x\n\n", "one that was quoted: mboxrd"),
            ("a\n>>>From x", "a\n>>>>From x\n\n", "any number of them, without a line end"),
            ("from x\nFrom: x\n From x\n", "from x\nFrom: x\n From x\n\n", "other lines"),
            ("From\nFrom", "From\nFrom\n\n", "no blank after it"),
            (">>\nFro", ">>\nFro\n\n", "cut short"),
            ("x From y\n", "x From y\n\n", "in the middle of a line"),
            ("", "\n", "an empty message"), ("\n\n", "\n\n\n", "empty lines"),
            ("> From x\n", "> From x\n\n", "a blank between"),
        ])
    func `a line that looks like a beginning gets one more >`(
        _ text: String, _ expected: String, _ reason: String
    ) {
        for size in [1, 2, 3, 5, .max] { #expect(quoted(text, pieces: size) == expected) }
    }
}

@Suite struct MboxTests {
    private let folder: TestFolder
    private var path: String { folder.file("box") }

    init() throws { folder = try TestFolder() }

    private func deliver(
        _ text: String, from sender: String = "s@x.test", patience: Duration = .zero
    ) throws -> Reply {
        let stored = try StoredMessage(text)
        var delivery = LocalDelivery(
            request: try stored.request(["a@y.test"], from: sender),
            recipient: try Mailbox(bytes("a@y.test")), file: stored.file.borrowed)
        return delivery.run(mbox: path, patience: patience)
    }

    private func content() throws -> String {
        String(decoding: try folder.read("box"), as: UTF8.self)
    }

    @Test func `messages stand one behind the other, each with its From_ line`() throws {
        #expect(try deliver("Subject: x\n\nFrom me\n").code == 250)
        #expect(try deliver("Subject: y\n\nno end", from: "").code == 250)
        let date = #/ [A-Z][a-z]{2} [A-Z][a-z]{2} [ 1-3][0-9] [0-9:]{8} [0-9]{4}/#
        let text = try content().replacing(date, with: " DATE")
        #expect(
            text == """
                From s@x.test DATE
                Return-Path: <s@x.test>
                Delivered-To: a@y.test
                Subject: x

                >From me

                From MAILER-DAEMON DATE
                Return-Path: <>
                Delivered-To: a@y.test
                Subject: y

                no end


                """)
        #expect(folder.names() == ["box"])
        let status = try #require(try Files.status(path))
        #expect(status.st_mode & 0o7777 == 0o600)
    }

    @Test func `the date is that of asctime, and no address breaks the line`() throws {
        let sender = try ReversePath(bytes("\"a b\"@x.test"))
        let line = MboxFile.fromLine(sender, seconds: 1_795_731_005)
        #expect(line == bytes("From \"a-b\"@x.test Thu Nov 26 22:10:05 2026\n"))
    }

    @Test(
        arguments: [
            ("From x\n\nbody\n\n", ""), ("From x\n\nbody\n", "\n"), ("From x\n\nbo", "\n\n"),
            ("\n", "\n"), ("x", "\n\n"),
        ])
    func `what a killed process left does not swallow the next message`(
        _ rest: String, _ separator: String
    ) throws {
        try folder.write("box", rest)
        _ = try deliver("\n")
        #expect(try content().hasPrefix("\(rest)\(separator)From s@x.test "))
    }

    @Test func `a message that cannot be read leaves the file as it was`() throws {
        try folder.write("box", "From x\n\nbody\n\n")
        let stored = try StoredMessage("Subject: x\n\n\(String(repeating: "x", count: 200_000))")
        var request = try stored.request(["a@y.test"])
        request.messageLength = 1_000_000
        var delivery = LocalDelivery(
            request: request, recipient: try Mailbox(bytes("a@y.test")),
            file: stored.file.borrowed)
        #expect(delivery.run(mbox: path).code == 451)
        #expect(try content() == "From x\n\nbody\n\n")
        #expect(folder.names() == ["box"])
    }

    @Test func `a loop is seen before anything is written`() throws {
        #expect(try deliver("Delivered-To: a@y.test\n\n").status == EnhancedStatus(5, 4, 6))
        #expect(folder.names().isEmpty)
    }

    @Test func `what is no file is left alone`() throws {
        try #require(mkfifo(path, 0o600) == 0)
        #expect(try deliver("\n").status.statusClass == 4)
        try Files.unlink(path)
        try Files.makeFolder(path)
        #expect(try deliver("\n").status.statusClass == 4)
        #expect(folder.names() == ["box"])
    }

    @Test func `a folder that is missing is not made`() throws {
        let stored = try StoredMessage("\n")
        var delivery = LocalDelivery(
            request: try stored.request(["a@y.test"]),
            recipient: try Mailbox(bytes("a@y.test")), file: stored.file.borrowed)
        let reply = delivery.run(mbox: folder.file("home/box"))
        #expect(reply.status == EnhancedStatus(4, 2, 0))
        #expect(folder.names().isEmpty)
    }

    // MARK: Locks

    @Test(
        arguments: [
            "fcntl.lockf(f, fcntl.LOCK_EX)", "fcntl.flock(f, fcntl.LOCK_EX)",
            "fcntl.lockf(g, fcntl.LOCK_SH)", "open(p + '.lock', 'x')",
        ])
    func `while anybody holds any lock nothing is written`(_ lock: String) throws {
        try folder.write("box", "From x\n\nbody\n\n")
        let code = """
            import fcntl, signal, sys
            p = sys.argv[1]
            f = open(p, 'a')
            g = open(p)
            x = \(lock)
            open(p + '.ready', 'w')
            signal.pause()
            """
        let ready = folder.file("box.ready")
        let other = try Daemon(
            try Tool("/usr/bin/python3", ["-c", code, path]), log: folder.file("log"),
            isReady: { (try? Files.status(ready)) != nil })
        let reply = try deliver("\n")
        #expect(reply == Reply(451, EnhancedStatus(4, 2, 0), "the mailbox is locked"))
        #expect(try content() == "From x\n\nbody\n\n")
        try other.stop()
        try? Files.unlink(folder.file("box.lock"))
        #expect(try deliver("\n", patience: .seconds(20)).code == 250)
        #expect(folder.names().filter { $0.hasPrefix("box.lock") }.isEmpty)
    }

    @Test func `a lock file of nobody's is removed after five minutes`() throws {
        try folder.write("box.lock", "1\n")
        #expect(try deliver("\n").code == 451)
        let old = timespec(tv_sec: WallClock.seconds - 301, tv_nsec: 0)
        try #require(utimensat(AT_FDCWD, folder.file("box.lock"), [old, old], 0) == 0)
        #expect(try deliver("\n", patience: .seconds(20)).code == 250)
        #expect(folder.names() == ["box"])
    }
}
