// REQUIRETLS: mail that goes to hosts that are verified, and that ask the same of the next.
// RFC 8689.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Delivery
@testable import TransportSecurity

@Suite struct RequireTLSTests {
    private static let offers = ["PIPELINING", "REQUIRETLS"]
    private let keys: Keys

    init() throws { keys = try Keys.all.get() }

    private func record() throws -> String {
        "_PORT._tcp.mx.y.test. TLSA 3 1 1 \(try Digests(keys.good).key)"
    }

    @Test func `it goes on with the message, and only with one that has it`() throws {
        let server = try MailServer(keys.good, offers: Self.offers)
        let world = try World(port: server.port, try record())
        #expect(try world.deliver(requiresTLS: true).brief == "delivered")
        #expect(server.commands.contains("MAIL FROM:<a@x.test> REQUIRETLS"))
        #expect(try world.deliver().brief == "delivered")
        #expect(server.commands.contains("MAIL FROM:<a@x.test>"))
    }

    @Test func `a host that does not offer it is not given the message`() throws {
        let server = try MailServer(keys.good)
        let world = try World(port: server.port, try record())
        #expect(try world.deliver(requiresTLS: true).brief == "failed 550 5.7.30")
        #expect(server.messages.isEmpty)
    }

    @Test(arguments: ["", ":may\n", ":encrypt\n", ":none\n"])
    func `nor is one of which nothing says who it must be`(_ policy: String) throws {
        let server = try MailServer(keys.good, offers: Self.offers)
        let world = try World(
            port: server.port, "", policy.isEmpty ? [:] : ["tlspolicy": policy], isSigned: false)
        #expect(try world.deliver(requiresTLS: true).brief == "failed 550 5.7.30")
        #expect(server.messages.isEmpty)
    }

    @Test func `a line that verifies is enough`() throws {
        let server = try MailServer(keys.good, offers: Self.offers)
        let world = try World(
            port: server.port, "", ["tlspolicy": ":verify mx.y.test\n"], isSigned: false)
        #expect(try world.deliver(requiresTLS: true).brief == "delivered")
    }

    @Test(arguments: ["enforce", "testing"])
    func `so is a policy of MTA-STS`(_ mode: String) throws {
        let server = try MailServer(keys.good, offers: Self.offers)
        let host = try PolicyHost(keys.policy, PolicyHost.policy(mode))
        let world = try World(
            port: server.port, "_mta-sts.y.test. TXT \"v=STSv1; id=1;\"", isSigned: false,
            policy: host)
        #expect(try world.deliver(requiresTLS: true).brief == "delivered")
    }

    @Test func `where the policy cannot be had now it waits`() throws {
        let server = try MailServer(keys.good, offers: Self.offers)
        let host = try PolicyHost(keys.policy, PolicyHost.ok("", status: "503 Busy"))
        let world = try World(
            port: server.port, "_mta-sts.y.test. TXT \"v=STSv1; id=1;\"", isSigned: false,
            policy: host)
        #expect(try world.deliver(requiresTLS: true).brief == "deferred 451 4.7.4")
        #expect(server.connections == 0)
    }

    // RFC 8689, section 4.2.1.
    @Test(arguments: [("good", "delivered"), ("own", "deferred 451 4.7.5")])
    func `a name that the DNS vouches for is checked by authorities`(
        _ which: String, _ brief: String
    ) throws {
        let server = try MailServer(keys[which], offers: Self.offers)
        let world = try World(port: server.port)
        #expect(try world.deliver(requiresTLS: true).brief == brief)
    }

    @Test func `that one message wants too much says nothing of the host`() throws {
        let server = try MailServer(keys.good)
        let world = try World(port: server.port, isSigned: false)
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(Array("\n".utf8), "message")
        var envelope = Envelope(
            reversePath: .null, recipients: [try Mailbox(Array("b@y.test".utf8))])
        envelope.options.requireTLS = true
        var agent = try world.agent()
        let reply = agent.deliver(
            DeliveryRequest(
                id: SessionID(microseconds: 1, random: 2).message(3), channel: .remote,
                domain: Array("y.test".utf8), envelope: envelope, edits: [], messageOffset: 0,
                messageLength: 1), file.borrowed)
        withExtendedLifetime(file) {}
        #expect(!reply.isUnreachable)
    }
}
