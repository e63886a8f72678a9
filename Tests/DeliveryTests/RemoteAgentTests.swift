// Delivery to other hosts, host after host and step by step.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Resolver
import TestSupport
import Testing
import UnixIO

@testable import Delivery

@Suite struct RemoteAgentTests {
    private func world(_ server: SMTPStub) throws -> World {
        try World(["smtproutes": ":127.0.0.1:\(server.port)\n"])
    }

    @Test func `a message is delivered with its edits`() throws {
        let server = try SMTPStub()
        let world = try world(server)
        let reply = try world.deliver(
            text: "Subject: x\n\n.dot", [.prepend(try field("Received", "by us"))])
        let result = try #require(reply.results.first)
        #expect(result.outcome == .delivered)
        #expect(result.reply.description == "250 2.0.0 taken")
        #expect(result.host == "[127.0.0.1]:\(server.port)")
        #expect(server.messages == [bytes("Received: by us\r\nSubject: x\r\n\r\n..dot\r\n")])
        #expect(server.commands.first == "EHLO mx.us.test")
        #expect(server.commands.contains("MAIL FROM:<a@x.test> SIZE=37"))
    }

    @Test func `UTF-8 goes to hosts that take it, and to no others`() throws {
        var options = EnvelopeOptions()
        options.smtputf8 = true
        let server = try SMTPStub(offers: ["SMTPUTF8", "8BITMIME"])
        let reply = try world(server).deliver(["é@y.test"], text: "A: é\n\n", options: options)
        #expect(reply.results.map(\.outcome) == [.delivered])
        #expect(server.commands.contains("MAIL FROM:<a@x.test> BODY=8BITMIME SMTPUTF8"))
        #expect(server.commands.contains("RCPT TO:<é@y.test>"))
        let old = try SMTPStub()
        let refused = try world(old).deliver(text: "A: é\n\n", options: options).results[0]
        #expect(refused.outcome == .failed)
        #expect(refused.reply.status == EnhancedStatus(5, 6, 7))
        #expect(try world(old).deliver(options: options).results[0].outcome == .delivered)
    }

    @Test func `what must go by TLS does not go`() throws {
        var options = EnvelopeOptions()
        options.requireTLS = true
        let server = try SMTPStub()
        let result = try world(server).deliver(options: options).results[0]
        #expect(result.outcome == .failed)
        #expect(result.reply.status == EnhancedStatus(5, 7, 30))
        #expect(server.commands.isEmpty)
    }

    @Test func `helohost is who we say we are`() throws {
        let server = try SMTPStub()
        let world = try World(
            ["smtproutes": ":127.0.0.1:\(server.port)\n", "helohost": "other.us.test\n"])
        _ = try world.deliver()
        #expect(server.commands.first == "EHLO other.us.test")
    }

    @Test(arguments: ["", "#@[]"])
    func `the null reverse-path goes as it is, and qmail's for bounces of bounces too`(
        _ sender: String
    ) throws {
        let server = try SMTPStub(offers: [])
        #expect(try world(server).deliver(from: sender).results[0].outcome == .delivered)
        #expect(server.commands.contains("MAIL FROM:<>"))
    }

    @Test func `each recipient has its own outcome, in order`() throws {
        let server = try SMTPStub { step, _ in
            switch step {
            case "RCPT TO:<no@y.test>": .reply("550-5.1.1 no such\r\n550 5.1.1 user")
            case "RCPT TO:<later@y.test>": .reply("450 4.2.1 busy")
            default: nil
            }
        }
        let recipients = ["no@y.test", "b@y.test", "later@y.test", "\u{e4}@y.test", "c@y.test"]
        let reply = try world(server).deliver(recipients)
        #expect(
            reply.results.map(\.outcome) == [.failed, .delivered, .deferred, .failed, .delivered])
        #expect(reply.results[0].reply.description == "550 5.1.1 no such user")
        #expect(reply.results[3].reply.status == EnhancedStatus(5, 1, 3))
        #expect(reply.results[3].host == nil)
        #expect(!reply.isUnreachable)
    }

    @Test func `recipients that are too many for a transaction get one of their own`() throws {
        let limited = try LimitedServer(perTransaction: 100)
        let recipients = (0..<250).map { "r\($0)@y.test" }
        let reply = try world(limited.stub).deliver(recipients)
        #expect(reply.results.allSatisfy { $0.outcome == .delivered })
        #expect(limited.stub.messages.count == 3)
        #expect(limited.stub.connections == 1)
    }

    @Test func `a message with a bare CR fails before anybody is asked`() throws {
        let server = try SMTPStub()
        let reply = try world(server).deliver(text: "a: b\n\nx\ry\n")
        #expect(reply.results[0].outcome == .failed)
        #expect(reply.results[0].reply.status == EnhancedStatus(5, 6, 0))
        #expect(server.connections == 0)
    }

    @Test func `a sender that cannot be sent fails before anybody is asked`() throws {
        let server = try SMTPStub()
        let reply = try world(server).deliver(from: "a>b@x.test\u{7}")
        #expect(reply.results[0].reply.status == EnhancedStatus(5, 1, 7))
        #expect(server.connections == 0)
    }

    @Test func `a message over the server's SIZE fails without being sent`() throws {
        let server = try SMTPStub(offers: ["SIZE 1000"])
        let world = try world(server)
        let big = try world.deliver(text: "a: b\n\n\(String(repeating: "x", count: 2000))")
        #expect(big.results[0].reply.description.hasPrefix("552 5.3.4"))
        #expect(!server.commands.contains { $0.hasPrefix("MAIL") })
        #expect(try world.deliver().results[0].outcome == .delivered)
    }

    @Test
    func `a connection lost after the final dot is deferred, and says that it may be a duplicate`()
        throws
    {
        let server = try SMTPStub { step, _ in step == "." ? .close : nil }
        let result = try world(server).deliver().results[0]
        #expect(result.outcome == .deferred)
        #expect(result.reply.text.contains("duplicate"))
        #expect(server.connections == 1)
    }

    @Test func `refused recipients stay refused when the connection is lost later`() throws {
        let server = try SMTPStub { step, _ in
            step == "RCPT TO:<no@y.test>" ? .reply("550 5.1.1 no") : step == "DATA" ? .close : nil
        }
        let reply = try world(server).deliver(["no@y.test", "b@y.test"])
        #expect(reply.results.map(\.outcome) == [.failed, .deferred])
    }

    @Test(
        arguments: [
            ("554 5.7.1 no", DeliveryOutcome.deferred, "perhaps it does not like us today"),
            ("421 4.3.2 busy", .deferred, "temporary"),
            ("521 no mail here", .failed, "RFC 7504"),
            ("nonsense", .deferred, "not a server of mail"),
        ])
    func `a greeting decides little`(
        _ greeting: String, _ outcome: DeliveryOutcome, _ reason: String
    ) throws {
        let server = try SMTPStub { step, _ in step == "greeting" ? .reply(greeting) : nil }
        let reply = try world(server).deliver()
        #expect(reply.results[0].outcome == outcome)
        #expect(reply.isUnreachable)
    }

    @Test func `a silent server costs the step limit and no more`() throws {
        let server = try SMTPStub { step, _ in step == "greeting" ? .hang : nil }
        var world = try world(server)
        world.settings.stepLimit = .milliseconds(200)
        let result = try world.deliver().results[0]
        #expect(result.outcome == .deferred)
        #expect(result.reply.status == EnhancedStatus(4, 4, 2))
    }

    @Test func `a whole delivery has its limit, too`() throws {
        let server = try SMTPStub { step, _ in step == "greeting" ? .hang : nil }
        var world = try world(server)
        world.settings.deliveryLimit = .milliseconds(200)
        #expect(try world.deliver().results[0].outcome == .deferred)
    }

    @Test func `a port where nobody listens is unreachable`() throws {
        var port: UInt16 = 0
        do { port = try SMTPStub().port }
        let world = try World(["smtproutes": ":127.0.0.1:\(port)\n"])
        let reply = try world.deliver()
        #expect(reply.results[0].reply.description.hasPrefix("451 4.4.1 cannot connect"))
        #expect(reply.isUnreachable)
    }
}

/// A server that takes so many recipients a transaction.
private final class LimitedServer: @unchecked Sendable {
    let stub: SMTPStub

    init(perTransaction limit: Int) throws {
        let counter = Counter()
        stub = try SMTPStub { step, _ in
            if step.hasPrefix("MAIL") { counter.count = 0 }
            guard step.hasPrefix("RCPT") else { return nil }
            counter.count += 1
            return counter.count > limit ? .reply("452 4.5.3 too many recipients") : nil
        }
    }

    /// Only the one connection of a test asks it.
    private final class Counter: @unchecked Sendable {
        var count = 0
    }
}
