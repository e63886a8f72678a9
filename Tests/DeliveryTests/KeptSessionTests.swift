// Several messages by one session of deliver-remote.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import SMTPClient
import TestSupport
import Testing
import UnixIO

@testable import Delivery

/// An agent that delivers message after message.
private struct Worker {
    let world: World
    var agent: RemoteAgent

    init(_ server: SMTPStub, _ files: [String: String] = [:]) throws {
        let routes = ["smtproutes": ":127.0.0.1:\(server.port)\n"]
        world = try World(routes.merging(files) { $1 })
        agent = RemoteAgent(world.settings)
    }

    mutating func deliver(
        _ recipient: String = "b@y.test", from sender: String = "a@x.test"
    ) throws -> DeliveryReply {
        let stored = try StoredMessage("Subject: x\n\nhi\n")
        let domain = String(recipient.split(separator: "@")[1])
        let request = try stored.request([recipient], from: sender, domain: domain)
        return agent.deliver(request, stored.file.borrowed)
    }
}

@Suite struct KeptSessionTests {
    @Test func `messages to one domain share a session, and QUIT ends it`() throws {
        let server = try SMTPStub()
        var worker = try Worker(server)
        for _ in 0..<3 {
            let reply = try worker.deliver()
            #expect(reply.takesMore)
            #expect(reply.results.map(\.outcome) == [.delivered])
        }
        #expect(server.connections == 1)
        #expect(!server.commands.contains("QUIT") && !server.commands.contains("RSET"))
        worker.agent.letGo()
        #expect(server.commands.last == "QUIT")
        #expect(server.messages.count == 3)
    }

    @Test func `another domain gets another session`() throws {
        let server = try SMTPStub()
        var worker = try Worker(server)
        _ = try worker.deliver()
        _ = try worker.deliver("b@z.test")
        #expect(server.connections == 2)
        #expect(server.commands.contains("QUIT"))
    }

    @Test func `a sender with a login of its own does not use the session of another`() throws {
        let server = try SMTPStub(offers: ["AUTH PLAIN"])
        var worker = try Worker(
            server, ["authsenders": "a@x.test:127.0.0.1:\(server.port)|alice|secret\n"])
        _ = try worker.deliver(from: "z@x.test")
        _ = try worker.deliver(from: "A@x.test")
        _ = try worker.deliver(from: "A@x.test")
        #expect(server.connections == 2)
        #expect(server.commands.count { $0.hasPrefix("AUTH PLAIN ") } == 1)
    }

    @Test func `what was refused is taken back before the next message`() throws {
        let server = try SMTPStub { step, _ in
            step == "RCPT TO:<no@y.test>" ? .reply("550 5.1.1 nobody") : nil
        }
        var worker = try Worker(server)
        #expect(try worker.deliver("no@y.test").results[0].outcome == .failed)
        #expect(try worker.deliver().results[0].outcome == .delivered)
        #expect(server.connections == 1)
        #expect(server.commands.contains("RSET"))
    }

    @Test func `a session has so many messages and no more`() throws {
        let server = try SMTPStub(offers: ["LIMITS MAILMAX=2"])
        var worker = try Worker(server)
        var more: [Bool] = []
        for _ in 0..<5 { more.append(try worker.deliver().takesMore) }
        #expect(more == [true, false, true, false, true])
        #expect(server.connections == 3)
    }

    /// What a server may do to the second message of a session before it has said anything of it.
    /// Once it has let the message begin, a short one may be sent whole before its end is seen.
    private static let ends: [(String, StubAction)] = [
        ("MAIL", .close), ("MAIL", .reply("421 4.3.2 bye")), ("MAIL", .reply("450 4.7.0 enough")),
        ("MAIL", .replyAndClose("421 4.3.2 bye")), ("MAIL", .reply("nonsense")),
        ("RCPT", .close), ("RCPT", .reply("421 4.3.2 bye")), ("DATA", .close),
        ("DATA", .reply("421 4.3.2 bye")),
    ]

    @Test(arguments: ends)
    func `the second message of a session that ends goes by a new one`(
        _ step: String, _ action: StubAction
    ) throws {
        let count = Counter()
        let server = try SMTPStub { told, connection in
            guard told.hasPrefix(step), connection == 1 else { return nil }
            return count.next() == 1 ? nil : action
        }
        var worker = try Worker(server)
        #expect(try worker.deliver().results[0].outcome == .delivered)
        #expect(try worker.deliver().results[0].outcome == .delivered)
        #expect(server.connections == 2)
        // A host that took DATA without a recipient got a dot alone.
        #expect(server.messages.count { !$0.isEmpty } == 2)
    }

    @Test(arguments: [StubAction.close, .reply("nonsense"), .replyAndClose("250-taken")])
    func `where the reply to the final dot is lost nobody else is given the message`(
        _ action: StubAction
    ) throws {
        let count = Counter()
        let server = try SMTPStub { step, _ in
            step == "." && count.next() == 2 ? action : nil
        }
        var worker = try Worker(server)
        _ = try worker.deliver()
        let reply = try worker.deliver()
        #expect(reply.results[0].outcome == .deferred)
        #expect(reply.results[0].reply.text.contains("possible duplicate"))
        #expect(server.connections == 1)
    }

    @Test func `a server that left while nothing was to do costs nothing`() throws {
        let server = try SMTPStub { step, connection in
            step == "." && connection == 1 ? .replyAndClose("250 2.0.0 taken") : nil
        }
        var worker = try Worker(server)
        #expect(try worker.deliver().takesMore)
        #expect(try worker.deliver().results[0].outcome == .delivered)
        #expect(server.connections == 2)
    }
}

/// Counts from 1, from any thread.
private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0

    func next() -> Int {
        lock.withLock {
            count += 1
            return count
        }
    }
}
