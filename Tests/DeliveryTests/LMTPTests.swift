// Delivery by LMTP to a server that does what a test tells it.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import Recipients
import Resolver
import TestSupport
import Testing
import UnixIO

@testable import Delivery

@Suite struct LMTPTests {
    private static let offers = ["PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"]

    private func deliver(
        _ server: SMTPStub, _ recipients: [String] = ["a@y.test", "b@y.test", "c@y.test"],
        _ text: String = "Return-Path: <old@x.test>\nSubject: x\n\n.hi\n",
        from sender: String = "s@x.test", step: Duration? = .seconds(120), smtputf8: Bool = false
    ) throws -> [DeliveryResult] {
        let stored = try StoredMessage(text)
        var request = try stored.request(recipients, from: sender)
        request.envelope.options.smtputf8 = smtputf8
        var settings = StoreSettings()
        settings.helloName = bytes("mx.us.test")
        var limits = LMTPDelivery.Limits()
        limits.step = step
        let endpoint = try #require(LMTPEndpoint("inet:127.0.0.1:\(server.port)"))
        var delivery = LMTPDelivery(request, to: endpoint, settings, limits)
        return delivery.run(stored.file.borrowed)
    }

    private func stub(
        _ offers: [String] = LMTPTests.offers,
        _ action: @escaping @Sendable (String) -> StubAction? = { _ in nil }
    ) throws -> SMTPStub {
        try SMTPStub(offers: offers) { step, _ in action(step) }
    }

    @Test func `all recipients share a transaction, and the message has no trace of us`() throws {
        let server = try stub()
        let results = try deliver(server)
        #expect(results.map(\.outcome) == [.delivered, .delivered, .delivered])
        #expect(results[0].host == "[127.0.0.1]")
        #expect(
            server.commands == [
                "LHLO mx.us.test", "MAIL FROM:<s@x.test>", "RCPT TO:<a@y.test>",
                "RCPT TO:<b@y.test>", "RCPT TO:<c@y.test>", "DATA", "QUIT",
            ])
        #expect(server.messages == [bytes("Subject: x\r\n\r\n..hi\r\n")])
    }

    @Test func `each recipient has the reply that is his`() throws {
        let server = try stub { step in
            switch step {
            case "RCPT TO:<a@y.test>": .reply("550 5.1.1 no such user")
            case ". RCPT TO:<b@y.test>": .reply("552 5.2.2 full")
            case ". RCPT TO:<d@y.test>": .reply("451 4.2.0 later")
            default: nil
            }
        }
        let results = try deliver(server, ["a@y.test", "b@y.test", "c@y.test", "d@y.test"])
        #expect(results.map(\.outcome) == [.failed, .failed, .delivered, .deferred])
        #expect(results.map(\.reply.status.subject) == [1, 2, 0, 2])
        #expect(results.map(\.reply.code) == [550, 552, 250, 451])
    }

    @Test(arguments: [
        StubAction.close, .hang, .bytes([0]), .reply("354 what"), .replyAndClose("250"),
    ])
    func `a reply that is lost defers those that it would have been for`(
        _ action: StubAction
    ) throws {
        let server = try stub { $0 == ". RCPT TO:<b@y.test>" ? action : nil }
        let results = try deliver(server, step: .milliseconds(300))
        if case .replyAndClose = action {
            #expect(results.map(\.outcome) == [.delivered, .delivered, .deferred])
        } else {
            #expect(results.map(\.outcome) == [.delivered, .deferred, .deferred])
        }
        #expect(results[2].reply.text.hasSuffix("possible duplicate"))
    }

    @Test func `421 for one is the end for those behind him`() throws {
        let server = try stub {
            $0 == ". RCPT TO:<b@y.test>" ? .replyAndClose("421 4.3.2 going down") : nil
        }
        let results = try deliver(server)
        #expect(results.map(\.outcome) == [.delivered, .deferred, .deferred])
        #expect(results[1].reply.code == 421)
        #expect(results[2].reply.text.hasSuffix("possible duplicate"))
    }

    @Test(
        arguments: [
            ("greeting", StubAction.reply("554 5.3.2 no")), ("greeting", .close),
            ("greeting", .hang), ("greeting", .drip), ("LHLO mx.us.test", .reply("500 what")),
            ("LHLO mx.us.test", .close), ("MAIL FROM:<s@x.test>", .close),
            ("RCPT TO:<b@y.test>", .close), ("DATA", .close),
            ("DATA", .reply("250 ok")), ("DATA", .reply("451 4.3.0 not now")),
        ])
    func `a server that does not talk to us returns no mail and has no message`(
        _ step: String, _ action: StubAction
    ) throws {
        let server = try stub { $0 == step ? action : nil }
        let results = try deliver(server, step: .milliseconds(300))
        #expect(results.map(\.outcome) == [.deferred, .deferred, .deferred])
        #expect(!results[0].reply.text.contains("duplicate"))
    }

    @Test func `who is left in the message may have sent all of it, and is deferred`() throws {
        let server = try stub { $0 == "message" ? .close : nil }
        #expect(try deliver(server).map(\.outcome) == [.deferred, .deferred, .deferred])
    }

    @Test func `a sender who is refused is refused for all`() throws {
        let server = try stub { $0.hasPrefix("MAIL") ? .reply("550 5.7.1 not you") : nil }
        #expect(try deliver(server).allSatisfy { $0.reply.code == 550 })
        #expect(!server.commands.contains("DATA"))
    }

    @Test func `without a recipient there is no message`() throws {
        let server = try stub { $0.hasPrefix("RCPT") ? .reply("550 5.1.1 nobody") : nil }
        #expect(try deliver(server).allSatisfy { $0.outcome == .failed })
        #expect(!server.commands.contains("DATA"))
    }

    @Test func `recipients that are too many get a transaction of their own`() throws {
        // It takes two recipients at a time.
        let counter = Counter()
        let server = try stub { step in
            if step.hasPrefix("MAIL") { counter.reset() }
            guard step.hasPrefix("RCPT"), counter.next() > 2 else { return nil }
            return .reply("452 4.5.3 too many recipients")
        }
        let results = try deliver(server, (0..<5).map { "r\($0)@y.test" })
        #expect(results.allSatisfy { $0.outcome == .delivered })
        #expect(server.messages.count == 3)
    }

    @Test func `a mailbox that is full for now is not taken for too many recipients`() throws {
        let server = try stub {
            $0 == ". RCPT TO:<b@y.test>" ? .reply("452 4.2.2 full for now") : nil
        }
        let results = try deliver(server)
        #expect(results.map(\.outcome) == [.delivered, .deferred, .delivered])
        #expect(server.messages.count == 1)
    }

    @Test func `10,000 recipients have 10,000 results`() throws {
        let server = try stub { $0.hasSuffix("7@y.test>") ? .reply("550 5.1.1 no") : nil }
        let results = try deliver(server, (0..<10_000).map { "r\($0)@y.test" })
        #expect(results.filter { $0.outcome == .failed }.count == 1000)
        #expect(results.filter { $0.outcome == .delivered }.count == 9000)
    }

    @Test func `who had the message before does not get it again`() throws {
        let server = try stub()
        let results = try deliver(
            server, ["a@y.test", "b@y.test"],
            "X: y\nDelivered-To: b@y.test\n\nDelivered-To: a@y.test\n")
        #expect(results.map(\.outcome) == [.delivered, .failed])
        #expect(results[1].reply.status == EnhancedStatus(5, 4, 6))
        #expect(!server.commands.contains("RCPT TO:<b@y.test>"))
    }

    @Test func `size is told, and too large a message is not sent`() throws {
        let server = try stub(["SIZE 20"])
        let results = try deliver(server, ["a@y.test"], "Subject: x\n\nmuch too long\n")
        #expect(results[0].reply.status == EnhancedStatus(5, 3, 4))
        #expect(!server.commands.contains { $0.hasPrefix("MAIL") })
        let small = try deliver(server, ["a@y.test"], "Subject: x\n\n")
        #expect(small[0].outcome == .delivered)
        #expect(server.commands.contains("MAIL FROM:<s@x.test> SIZE=14"))
    }

    @Test func `a header in UTF-8 is delivered, an address needs SMTPUTF8`() throws {
        let server = try stub()
        let text = "Subject: \u{FC}\n\n\u{FC}\n"
        let plain = try deliver(server, ["a@y.test"], text, smtputf8: true)
        #expect(plain[0].outcome == .delivered)
        #expect(server.commands.contains("MAIL FROM:<s@x.test> BODY=8BITMIME"))
        let name = try deliver(server, ["\u{FC}@y.test"], text, smtputf8: true)
        #expect(name[0].reply.status == EnhancedStatus(5, 6, 7))
        let able = try stub(LMTPTests.offers + ["SMTPUTF8"])
        #expect(
            try deliver(able, ["\u{FC}@y.test"], text, smtputf8: true)[0].outcome == .delivered)
    }

    @Test func `a bare CR is not sent`() throws {
        let server = try stub()
        #expect(try deliver(server, ["a@y.test"], "X: y\n\na\rb\n")[0].reply.status.subject == 6)
        #expect(server.connections == 0)
    }

    @Test(arguments: ["unix:/nonexistent/lmtp", "inet:127.0.0.1:1", "inet:no-such-host.test"])
    func `where nobody listens all are deferred`(_ text: String) throws {
        let stored = try StoredMessage("\n")
        let endpoint = try #require(LMTPEndpoint(text))
        var delivery = LMTPDelivery(
            try stored.request(["a@y.test"]), to: endpoint, StoreSettings())
        let results = delivery.run(stored.file.borrowed)
        #expect(results[0].reply.code == 451)
        #expect(!results[0].reply.text.contains("/"))
    }
}

/// Counts what a server is asked, in its threads.
private final class Counter: @unchecked Sendable {
    private let lock = NSLock()
    private var count = 0

    func reset() { lock.withLock { count = 0 } }

    func next() -> Int {
        lock.withLock {
            count += 1
            return count
        }
    }
}
