// SPDX-License-Identifier: MIT

import Control
import MailModel
import Resolver
import SMTPProtocol
import TestSupport
import Testing
import UnixIO

@testable import Callout

struct CalloutServerTests {
    private static let bob = try? Mailbox(Array("bob@x.test".utf8))

    private func server(
        _ stub: SMTPStub, host: String = "127.0.0.1", resolver: Resolver = Resolver(servers: []),
        from: ReversePath = .null
    ) throws -> CalloutServer {
        try #require(
            CalloutServer(
                CalloutSettings(
                    host: Array(host.utf8), port: stub.port, name: Array("us.test".utf8),
                    reversePath: from, resolver: resolver)))
    }

    private func ask(
        _ server: CalloutServer, _ address: String = "bob@x.test",
        within limit: Duration = .seconds(20)
    ) throws -> CalloutAnswer? {
        try server.ask(Mailbox(Array(address.utf8)), deadline: .after(limit))
    }

    private static let words: [(reply: String, meaning: String)] = [
        ("250 2.1.5 ok", "exists"), ("250 ok", "exists"), ("251 will forward", "exists"),
        ("252 perhaps", "exists"),
        ("550 5.1.1 no such user", "missing"), ("550 no such user", "missing"),
        ("551 user not local", "missing"), ("553 mailbox name not allowed", "missing"),
        ("550 5.1.10 null MX", "missing"), ("550 5.0.0 no", "missing"),
        ("501 5.1.3 bad address", "missing"), ("554 5.1.1 no such user", "missing"),
        ("550 5.2.1 disabled", "disabled"), ("552 5.2.2 full", "full"), ("552 full", "full"),
        ("550 5.2.2 full", "full"),
        // qmail has its status at the end.
        ("550 sorry, no mailbox here by that name (#5.1.1)", "missing"),
        ("554 no mailbox here (#5.1.1)", "missing"), ("550 full (#5.2.2)", "full"),
        ("553 not in my list of allowed rcpthosts (#5.7.1)", ""), ("550 no (#)", "missing"),
        ("550 no (5.7.1)", "missing"),
        ("550 4.1.1 no", ""), ("550 no (#4.1.1)", ""), ("550 5.1.1 no (#5.7.1)", "missing"),
        // A no to us is not a no to the mailbox.
        ("450 4.2.1 later", ""), ("451 later", ""), ("452 4.2.2 full for now", ""),
        ("550 5.7.1 your host is listed", ""), ("554 5.7.1 relay access denied", ""),
        ("554 no", ""), ("550 5.1.8 your domain does not exist", ""), ("550 5.1.7 bad sender", ""),
        ("500 what", ""), ("503 5.5.1 bad sequence", ""), ("530 5.7.0 authenticate", ""),
        ("521 no mail here", ""), ("555 5.5.4 parameter", ""), ("550 5.4.1 no route", ""),
        ("552 5.5.3 too many recipients", ""), ("354 go on", ""), ("nonsense", ""),
    ]

    @Test(arguments: words)
    func `a reply to RCPT means`(row: (reply: String, meaning: String)) throws {
        let stub = try SMTPStub { step, _ in step.hasPrefix("RCPT") ? .reply(row.reply) : nil }
        let answer = try? ask(try server(stub))
        let meaning =
            switch answer {
            case .exists?: "exists"
            case .noSuchMailbox?: "missing"
            case .overQuota?: "full"
            case .disabled?: "disabled"
            case nil: ""
            }
        #expect(meaning == row.meaning)
    }

    @Test(
        arguments: [
            ("greeting", StubAction.reply("554 5.1.1 no such user")), ("greeting", .close),
            ("EHLO", .replyAndClose("550 5.1.1 no such user")),
            ("MAIL", .reply("550 5.1.1 no such user")),
            ("MAIL", .reply("451 later")), ("MAIL", .replyAndClose("421 bye")), ("RCPT", .close),
            ("RCPT", .replyAndClose("421 5.1.1 bye")), ("RCPT", .flood("550-no")),
        ])
    func `anything else says nothing of a mailbox`(step: String, action: StubAction) throws {
        let stub = try SMTPStub { now, _ in
            now.hasPrefix(step) || (step == "EHLO" && now.hasPrefix("HELO")) ? action : nil
        }
        let server = try server(stub)
        #expect(throws: CalloutError.self) { try ask(server) }
    }

    @Test(arguments: ["greeting", "EHLO", "MAIL", "RCPT"])
    func `a server that is silent or drips is waited for within the time`(step: String) throws {
        for action in [StubAction.hang, .drip] {
            let stub = try SMTPStub { now, _ in now.hasPrefix(step) ? action : nil }
            let server = try server(stub)
            let end = Deadline.after(.seconds(15))
            #expect(throws: CalloutError.self) { try ask(server, within: .milliseconds(100)) }
            #expect(!end.hasPassed)
        }
    }

    @Test func `a session is kept, and the transaction taken back`() throws {
        let stub = try SMTPStub { step, _ in
            step.hasPrefix("RCPT TO:<eve") ? .reply("550 5.1.1 no") : nil
        }
        let server = try server(stub)
        for _ in 0..<3 {
            guard case .exists? = try ask(server) else { Issue.record("bob"); return }
            guard case .noSuchMailbox? = try ask(server, "eve@x.test") else {
                Issue.record("eve")
                return
            }
        }
        #expect(stub.connections == 1)
        #expect(
            stub.commands.prefix(7) == [
                "EHLO us.test", "MAIL FROM:<>", "RCPT TO:<bob@x.test>", "RSET", "MAIL FROM:<>",
                "RCPT TO:<eve@x.test>", "RSET",
            ])
    }

    @Test func `a session ends after so many questions`() throws {
        let stub = try SMTPStub()
        let server = try server(stub)
        for _ in 0...CalloutServer.questions { _ = try ask(server) }
        #expect(stub.connections == 2)
        #expect(stub.commands.contains("QUIT"))
    }

    @Test(arguments: [
        StubAction.close, .replyAndClose("421 idle for too long"), .reply("500 what"),
    ])
    func `a session that cannot go on is replaced`(action: StubAction) throws {
        let stub = try SMTPStub { step, _ in step == "RSET" ? action : nil }
        let server = try server(stub)
        for _ in 0..<3 {
            guard case .exists? = try ask(server) else { Issue.record("bob"); return }
        }
        #expect(stub.connections == 3)
    }

    @Test func `a session that was closed while it lay idle is replaced, without an error`() throws
    {
        let stub = try SMTPStub { step, connection in
            step == "RSET" && connection == 1 ? .replyAndClose("250 2.0.0 ok") : nil
        }
        let server = try server(stub)
        for _ in 0..<3 { #expect(try ask(server) != nil) }
        #expect(stub.connections == 2)
    }

    @Test func `a server that was not there is found again`() throws {
        var stub: SMTPStub? = try SMTPStub()
        let port = try #require(stub?.port)
        let server = try server(try #require(stub))
        stub = nil
        #expect(throws: CalloutError.self) { try ask(server) }
        let again = try SMTPStub(port: port)
        #expect(eventually { (try? ask(server)) != nil })
        #expect(again.connections == 1)
    }

    @Test func `a name is looked up, and one address after the other tried`() throws {
        let folder = try TestFolder()
        let zone = try Service.zone("mx.test. A 127.0.0.9\nmx.test. A 127.0.0.1\n", in: folder)
        let endpoint = try #require(Endpoint(zone.ready))
        let stub = try SMTPStub()
        let resolver = Resolver(servers: [endpoint])
        let server = try server(stub, host: "mx.test", resolver: resolver)
        #expect(try ask(server) != nil)
        let unknown = try self.server(stub, host: "nowhere.test", resolver: resolver)
        #expect(throws: CalloutError.self) { try ask(unknown) }
    }

    @Test func `a mailbox goes as a path, or not at all`() throws {
        let stub = try SMTPStub()
        let from = try ReversePath(Array("probe@us.test".utf8))
        let server = try server(stub, from: from)
        #expect(try ask(server, "a b\"c@x.test") != nil)
        #expect(stub.commands.contains("RCPT TO:<\"a b\\\"c\"@x.test>"))
        #expect(stub.commands.contains("MAIL FROM:<probe@us.test>"))
        for bad in ["bob", "b\u{1}b@x.test", "jürgen@x.test", "bob@", "bob@x..test", "bob@x.test>"]
        {
            #expect(try ask(server, bad) == nil)
        }
        #expect(stub.connections == 1)
    }
}
