// deliver-remote as it is run: by hand, and resident.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

@testable import Delivery

@Suite struct DeliverRemoteTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func root(_ server: SMTPStub, _ more: [String: String] = [:]) throws -> Root {
        let routes = ["smtproutes": ":127.0.0.1:\(server.port)\n", "resolver": "127.0.0.1:9\n"]
        return try makeRoot(folder, routes.merging(more) { $1 })
    }

    @Test func `by hand it prints one line a recipient`() throws {
        let server = try SMTPStub { step, _ in
            step == "RCPT TO:<no@y.test>" ? .reply("550 5.1.1 nobody") : nil
        }
        var tool = try Tool(
            "deliver-remote",
            try root(server).arguments + [
                "--domain", "Y.test", "--sender", "s@x.test", "b@y.test", "no@y.test",
            ])
        tool.message = bytes("Subject: x\n\nhi\n")
        let result = try tool.run()
        #expect(result.code == 67)
        let host = "[127.0.0.1]:\(server.port)"
        #expect(
            result.text == """
                b@y.test: delivered: 250 2.0.0 taken (\(host))
                no@y.test: failed: 550 5.1.1 nobody (\(host))

                """)
        #expect(server.messages == [bytes("Subject: x\r\n\r\nhi\r\n")])
        #expect(result.errors.contains("event=failed message="))
        #expect(result.errors.contains("recipient=no@y.test reply=\"550 5.1.1 nobody\" host="))
    }

    @Test(
        arguments: [
            (".", "451 4.7.1 later", 75, "deferred"), (".", "554 5.7.1 no", 69, "failed"),
            ("none", "", 0, "delivered"),
        ])
    func `the exit code says what became of it`(
        _ step: String, _ reply: String, _ code: Int32, _ reason: String
    ) throws {
        let server = try SMTPStub { $0 == step && $1 > 0 ? .reply(reply) : nil }
        var tool = try Tool("deliver-remote", try root(server).arguments + ["b@y.test"])
        tool.message = bytes("\n")
        #expect(try tool.run().code == code)
    }

    @Test(arguments: [["a@y.test", "b@z.test"], ["a"], []])
    func `recipients that are not of one domain are a slip`(_ recipients: [String]) throws {
        let server = try SMTPStub()
        let result = try Tool("deliver-remote", try root(server).arguments + recipients).run()
        #expect(result.code == 64)
        #expect(server.connections == 0)
    }

    @Test(
        arguments: [
            (["smtproutes": "nonsense\n"], "smtproutes:1:"), (["helohost": "a b\n"], "helohost:1:"),
            (["resolver": "here\n"], "resolver:1:"), (["me": "\n"], "me:1:"),
        ])
    func `a bad control file is exit 78, with file and line`(
        _ files: [String: String], _ place: String
    ) throws {
        let root = try root(try SMTPStub(), files)
        let result = try Tool("deliver-remote", root.arguments + ["b@y.test"]).run()
        #expect(result.code == 78)
        #expect(result.errors.contains(place))
    }

    @Test func `a resident agent answers and says what is unreachable`() throws {
        let server = try SMTPStub()
        let root = try root(server)
        let service = try Service(
            try Tool("deliver-remote", root.arguments + ["--serve", folder.file("socket")]),
            log: folder.file("log"))
        let stored = try StoredMessage("Subject: x\n\nhi\n")
        func ask(_ domain: String) throws -> DeliveryReply {
            let request = try stored.request(["b@y.test"], domain: domain)
            let reply = try Exchange.call(
                folder.file("socket"), request.fields, descriptors: [stored.file.borrowed],
                deadline: .after(.seconds(30)))
            return try DeliveryReply(reply.fields, recipients: 1)
        }
        #expect(try ask("y.test").results[0].outcome == .delivered)
        try folder.write("root/etc/control/smtproutes", "y.test:127.0.0.1:1\n")
        service.process.signal(SIGHUP)
        // A worker that knows the old route may be there for a while beside those that know the new.
        let isReloaded = try eventually { try ask("y.test").isUnreachable }
        #expect(isReloaded)
    }

    @Test func `requests on one connection share a session, which ends with the connection`() throws
    {
        let server = try SMTPStub()
        let service = try Service(
            try Tool(
                "deliver-remote", try root(server).arguments + ["--serve", folder.file("socket")]),
            log: folder.file("log"))
        let stored = try StoredMessage("Subject: x\n\nhi\n")
        let request = try stored.request(["b@y.test"], domain: "y.test")
        do {
            let deadline = Deadline.after(.seconds(30))
            let connection = try UnixSocket.connect(to: folder.file("socket"), deadline: deadline)
            for _ in 0..<3 {
                try Exchange.send(
                    request.fields, descriptors: [stored.file.borrowed], on: connection,
                    deadline: deadline)
                let answer = try Exchange.receive(on: connection, deadline: deadline)
                let reply = try DeliveryReply(answer.fields, recipients: 1)
                #expect(reply.results[0].outcome == .delivered)
                #expect(reply.takesMore)
            }
        }
        #expect(eventually { server.commands.last == "QUIT" })
        #expect(server.connections == 1)
        #expect(server.messages.count == 3)
        #expect(!service.log.contains("bad-request"))
    }

    @Test func `a message of 100 MB needs no 100 MB`() throws {
        let path = try folder.write("big", "Subject: big\n\n")
        let line = String(repeating: "x", count: 900)
        let fill = try Tool("/bin/sh", ["-c", "yes \(line) | head -c 104857600 >> \(path)"])
        #expect(try fill.run().code == 0)
        let server = try SMTPStub { step, _ in
            step == "message" ? .replyAndClose("552 5.3.4 no") : nil
        }
        var tool = try Tool("/bin/sh", [])
        tool.arguments = [
            "-c", "ulimit -v 100000; exec \"$0\" --root \"$1\" b@y.test < \"$2\"",
            try Tool.path("deliver-remote"), try root(server).folder ?? "", path,
        ]
        let result = try tool.run()
        #expect(result.text.contains("failed: 552 5.3.4 no"))
    }
}
