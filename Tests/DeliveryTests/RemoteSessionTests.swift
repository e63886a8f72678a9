// What deliver-remote does before MAIL: its own address, logins, and what a host must offer.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Delivery

@Suite struct RemoteSessionTests {
    private func world(_ server: SMTPStub, _ files: [String: String]) throws -> World {
        try World(["smtproutes": ":127.0.0.1:\(server.port)\n"].merging(files) { $1 })
    }

    @Test(
        arguments: [
            ("127.0.0.7\n", [127, 0, 0, 7] as [UInt8]), ("::1\n127.0.0.8\n", [127, 0, 0, 8]),
            ("0.0.0.0\n", [127, 0, 0, 1]), ("::1\n", [127, 0, 0, 1]),
        ])
    func `our end has the address of its family`(_ text: String, _ peer: [UInt8]) throws {
        let server = try SMTPStub()
        let world = try world(server, ["outgoingip": text])
        #expect(try world.deliver().results[0].outcome == .delivered)
        #expect(server.peers == [peer])
    }

    @Test func `an address that is not ours is no connection`() throws {
        let server = try SMTPStub()
        let result = try world(server, ["outgoingip": "192.0.2.1\n"]).deliver().results[0]
        #expect(result.reply.description.hasPrefix("451 4.4.1 cannot connect"))
        #expect(server.connections == 0)
    }

    @Test(arguments: ["x", "127.0.0.1\n127.0.0.2", "127.0.0.1 x"])
    func `outgoingip holds one address of a family`(_ text: String) throws {
        let server = try SMTPStub()
        let error = #expect(throws: ControlError.self) {
            try world(server, ["outgoingip": "\(text)\n"])
        }
        #expect(error?.description.contains("outgoingip:") == true)
    }

    @Test(
        arguments: [
            (["AUTH PLAIN LOGIN"], "235 2.7.0 ok", DeliveryOutcome.delivered, "", "let in"),
            (["AUTH PLAIN"], "535 5.7.8 no", .deferred, "4.7.8", "a slip of ours returns no mail"),
            (["AUTH PLAIN"], "454 4.7.0 later", .deferred, "4.7.8", "not now"),
            (["AUTH CRAM-MD5"], "", .deferred, "4.7.0", "nothing that we know"),
            ([], "", .deferred, "4.7.0", "nothing at all"),
        ])
    func `a login comes before the message, or there is none`(
        _ offers: [String], _ reply: String, _ outcome: DeliveryOutcome, _ status: String,
        _ reason: String
    ) throws {
        let server = try SMTPStub(offers: offers) { step, _ in
            step.hasPrefix("AUTH") ? .reply(reply) : nil
        }
        let world = try World(["smtproutes": ":127.0.0.1:\(server.port)|alice|secret\n"])
        let result = try world.deliver().results[0]
        #expect(result.outcome == outcome)
        #expect(status.isEmpty || result.reply.status.description == status)
        #expect(server.commands.contains { $0.hasPrefix("MAIL") } == (outcome == .delivered))
    }

    @Test func `no more recipients go in a transaction than the host takes`() throws {
        let server = try SMTPStub(offers: ["PIPELINING", "LIMITS RCPTMAX=3"])
        let recipients = (0..<8).map { "r\($0)@y.test" }
        let reply = try world(server, [:]).deliver(recipients)
        #expect(reply.results.allSatisfy { $0.outcome == .delivered })
        #expect(server.messages.count == 3)
        #expect(server.connections == 1)
    }

    @Test(
        arguments: [(["DSN"], DeliveryNotice.passed), ([], nil)] as [([String], DeliveryNotice?)])
    func `who reports on success depends on DSN`(
        _ offers: [String], _ notice: DeliveryNotice?
    ) throws {
        let server = try SMTPStub(offers: offers)
        #expect(try world(server, [:]).deliver().results[0].notice == notice)
    }

    @Test func `8-bit text becomes ASCII for a host without 8BITMIME, and its size is told`() throws
    {
        let server = try SMTPStub(offers: ["SIZE"])
        let text = "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\nschön und gut\n"
        #expect(try world(server, [:]).deliver(text: text).results[0].outcome == .delivered)
        let message = try #require(server.messages.first)
        #expect(
            String(decoding: message, as: UTF8.self).hasSuffix("\r\n\r\nsch=C3=B6n und gut\r\n"))
        #expect(server.commands.contains("MAIL FROM:<a@x.test> SIZE=\(message.count)"))
    }

    @Test func `what cannot become ASCII fails, unless another host takes it`() throws {
        let text = "Content-Type: multipart/signed; boundary=s\n\n--s\n\né\n--s--\n"
        let old = try SMTPStub(host: 2, offers: [])
        let new = try SMTPStub(host: 3, port: old.port)
        var world = try World(
            zone: """
                y.test. MX 10 old.test.
                y.test. MX 20 new.test.
                z.test. MX 10 old.test.
                old.test. A 127.0.0.2
                new.test. A 127.0.0.3
                """)
        world.settings.port = old.port
        #expect(try world.deliver(text: text).results[0].outcome == .delivered)
        #expect(new.messages.count == 1)
        let alone = try world.deliver(["b@z.test"], text: text).results[0]
        #expect(alone.outcome == .failed)
        #expect(alone.reply.status == EnhancedStatus(5, 6, 3))
    }

    @Test func `with SMTPUTF8 a text beyond ASCII alone needs no host that knows it`() throws {
        var options = EnvelopeOptions()
        options.smtputf8 = true
        let server = try SMTPStub(offers: ["8BITMIME"])
        let text = "Subject: x\n\né\n"
        let reply = try world(server, [:]).deliver(text: text, options: options)
        #expect(reply.results[0].outcome == .delivered)
        let inPart = "Content-Type: multipart/mixed; boundary=b\n\n--b\nX: é\n\nx\n--b--\n"
        let refused = try world(server, [:]).deliver(text: inPart, options: options)
        #expect(refused.results[0].reply.status == EnhancedStatus(5, 6, 7))
    }
}
