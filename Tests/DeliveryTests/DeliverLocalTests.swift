// deliver-local as it is run: by hand, and resident.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

@testable import Delivery

@Suite struct DeliverLocalTests {
    private let folder: TestFolder
    private let root: Root

    init() throws {
        folder = try TestFolder()
        root = try makeRoot(folder, ["mailboxes": "alice@y.test\nbob@y.test\n"])
    }

    private func tool(_ arguments: [String], _ message: String = "Subject: x\n\nhi\n") throws
        -> Tool
    {
        var tool = try Tool("deliver-local", root.arguments + arguments)
        tool.message = bytes(message)
        return tool
    }

    @Test(arguments: [Tool.Input.file, .pipe])
    func `by hand it delivers what is on standard input`(_ input: Tool.Input) throws {
        var tool = try tool(["--sender", "s@x.test", "alice@y.test"])
        tool.input = input
        let result = try tool.run()
        #expect(result.code == 0)
        #expect(result.text == "alice@y.test: delivered: 250 2.1.5 delivered\n")
        let new = "root/mail/y.test/alice/Maildir/new"
        let name = try #require(folder.names(in: new).first)
        let expected = "Return-Path: <s@x.test>\nDelivered-To: alice@y.test\nSubject: x\n\nhi\n"
        #expect(try folder.read("\(new)/\(name)") == bytes(expected))
        #expect(result.errors.contains("event=delivered"))
        #expect(result.errors.contains("file=\"\(name)\""))
    }

    @Test(
        arguments: [
            (["alice@y.test", "bob@y.test"], 0, "all is well"),
            (["nobody@y.test"], 67, "no such mailbox"),
            (["alice@y.test", "nobody@y.test"], 67, "the worst counts"),
            ([], 64, "no recipient"), ([""], 64, "an empty recipient"),
            (["--sender", "a\nb", "alice@y.test"], 64, "not an address"),
            (["--serve", "/nowhere/socket", "alice@y.test"], 64, "one or the other"),
            (["--serve", "/nowhere/socket"], 75, "no such folder"),
        ])
    func `the exit code says what became of it`(
        _ arguments: [String], _ code: Int32, _ reason: String
    ) throws {
        #expect(try tool(arguments).run().code == code)
    }

    @Test func `a looping message is exit 69`() throws {
        let result = try tool(["alice@y.test"], "Delivered-To: alice@y.test\n\n").run()
        #expect(result.code == 69)
    }

    @Test func `without mailboxes, and without a name, the configuration is to blame`() throws {
        try Files.unlink(root.control.file("mailboxes"))
        #expect(try tool(["alice@y.test"]).run().code == 67)
        try Files.unlink(root.control.file("me"))
        #expect(try tool(["alice@y.test"]).run().code == 78)
    }

    @Test func `output that cannot be written is temporary, the delivery done`() throws {
        var tool = try Tool("/bin/sh", [])
        tool.arguments =
            ["-c", "exec \"$0\" \"$@\" > /dev/full", try Tool.path("deliver-local")]
            + root.arguments + ["alice@y.test"]
        tool.message = bytes("\n")
        #expect(try tool.run().code == 75)
    }

    @Test func `a file that may not grow is deferred, and nothing of it stays`() throws {
        // RLIMIT_FSIZE stands for a full disk: write(2) fails in the middle of the message.
        var tool = try Tool("/bin/sh", [])
        tool.arguments =
            ["-c", "ulimit -f 128; exec \"$0\" \"$@\"", try Tool.path("deliver-local")]
            + root.arguments + ["alice@y.test"]
        tool.message = bytes("Subject: x\n\n\(String(repeating: "0123456\n", count: 100_000))")
        let result = try tool.run()
        #expect(result.code == 75)
        #expect(result.text.contains("deferred: 452 4.3.1"))
        #expect(folder.names(in: "root/mail/y.test/alice/Maildir/new").isEmpty)
        #expect(folder.names(in: "root/mail/y.test/alice/Maildir/tmp").isEmpty)
    }

    @Test func `a message of 100 MB needs no 100 MB`() throws {
        let path = try folder.write("big", "Subject: big\n\n")
        #expect(truncate(path, 100 << 20) == 0)
        var tool = try Tool("/bin/sh", [])
        tool.arguments = [
            "-c", "ulimit -v 100000; exec \"$0\" --root \"$1\" alice@y.test < \"$2\"",
            try Tool.path("deliver-local"), folder.file("root"), path,
        ]
        #expect(try tool.run().code == 0)
    }
}

@Suite struct ResidentDeliverLocalTests {
    private let folder: TestFolder
    private let root: Root
    private let service: Service

    init() throws {
        folder = try TestFolder()
        root = try makeRoot(folder, ["mailboxes": "alice@y.test\n"])
        service = try Service(
            try Tool("deliver-local", root.arguments + ["--serve", folder.file("socket")]),
            log: folder.file("log"))
    }

    private func ask(_ fields: Fields, _ file: borrowing OwnedDescriptor) throws -> Fields {
        let deadline = Deadline.after(.seconds(20))
        return try Exchange.call(
            folder.file("socket"), fields, descriptors: [file.borrowed], deadline: deadline
        ).fields
    }

    @Test func `requests are answered one after the other`() throws {
        let stored = try StoredMessage("Subject: x\n\nhi\n")
        for _ in 0..<3 {
            let request = try stored.request(["alice@y.test", "nobody@y.test"])
            let reply = try DeliveryReply(try ask(request.fields, stored.file), recipients: 2)
            #expect(reply.results.map(\.outcome) == [.delivered, .failed])
            #expect(!reply.isUnreachable)
        }
        #expect(folder.names(in: "root/mail/y.test/alice/Maildir/new").count == 3)
    }

    @Test func `10,000 recipients get 10,000 results`() throws {
        let stored = try StoredMessage("Subject: x\n\nhi\n")
        let recipients = (0..<9_999).map { "nobody\($0)@y.test" } + ["alice@y.test"]
        let request = try stored.request(recipients)
        let reply = try DeliveryReply(try ask(request.fields, stored.file), recipients: 10_000)
        #expect(reply.results.last?.outcome == .delivered)
        #expect(reply.results.filter { $0.outcome == .failed }.count == 9_999)
    }

    @Test func `a request that is not understood gets no answer, and the next one does`() throws {
        let stored = try StoredMessage("\n")
        var bad = Fields()
        bad.append("chainmail", "2")
        #expect(throws: ExchangeError.self) { try ask(bad, stored.file) }
        let remote = try stored.request(["alice@y.test"], domain: "y.test")
        #expect(throws: ExchangeError.self) { try ask(remote.fields, stored.file) }
        #expect(throws: ExchangeError.self) {
            let request = try stored.request(["alice@y.test"])
            _ = try Exchange.call(
                folder.file("socket"), request.fields, deadline: .after(.seconds(20)))
        }
        let request = try stored.request(["alice@y.test"])
        _ = try DeliveryReply(try ask(request.fields, stored.file), recipients: 1)
    }

    @Test func `the lock on the message is over with the answer`() throws {
        let path = try folder.write("message", "Subject: x\n\nhi\n")
        let file = try Files.open(path, O_RDONLY)
        #expect(try file.borrowed.tryLock(path))
        let length = try folder.read("message").count
        let request = DeliveryRequest(
            id: SessionID(microseconds: 1, random: 1).message(1), channel: .local,
            envelope: Envelope(
                reversePath: .null, recipients: [try Mailbox(bytes("alice@y.test"))]),
            messageLength: length)
        _ = try ask(request.fields, file)
        try file.close(path)
        // The agent's descriptor was of the same open file and would keep the lock.
        let other = try Files.open(path, O_RDONLY)
        #expect(try other.borrowed.tryLock(path))
        withExtendedLifetime(other) {}
    }
}
