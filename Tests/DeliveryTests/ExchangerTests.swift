// Which hosts mail for a domain goes to, asked of a real name server.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Resolver
import TestSupport
import Testing
import UnixIO

@testable import Delivery

@Suite struct ExchangerTests {
    private static let lines = """
        y.test. MX 20 mx2.y.test.
        y.test. MX 10 mx1.y.test.
        mx1.y.test. A 127.0.0.2
        mx2.y.test. A 127.0.0.3
        far.y.test. A 192.0.2.9
        implicit.test. A 127.0.0.2
        nomail.test. MX 0 .
        odd.test. MX 0 .
        odd.test. MX 10 far.y.test.
        ghost.test. MX 10 nobody.test.
        text.test. TXT "no address"
        broken.test. SERVFAIL
        silent.test. TIMEOUT
        half.test. MX 10 broken.test.
        half.test. MX 20 nobody.test.
        worse.test. MX 10 broken.test.
        worse.test. MX 20 far.y.test.
        named.test. MX 10 MX.US.test.
        named.test. MX 10 mx1.y.test.
        backup.test. MX 5 far.y.test.
        backup.test. MX 10 mx.us.test.
        backup.test. MX 10 mx2.y.test.
        backup.test. MX 20 mx2.y.test.
        loop.test. MX 10 loop.test.
        loop.test. A 127.0.0.1
        zero.test. A 0.0.0.0
        """

    private func destination(_ domain: String, _ world: World) throws -> Destination {
        try Destination(bytes(domain), world.settings)
    }

    private func world(_ files: [String: String] = [:]) throws -> World {
        try World(zone: Self.lines, files)
    }

    @Test func `the exchanger of the lowest preference is tried first, then the next`() throws {
        var world = try world()
        let first = try SMTPStub(host: 2) { step, connection in
            connection > 1 && step == "greeting" ? .reply("421 busy") : nil
        }
        let second = try SMTPStub(host: 3, port: first.port)
        world.settings.port = first.port
        #expect(try world.deliver().results[0].host == "mx1.y.test [127.0.0.2]:\(first.port)")
        #expect(try world.deliver().results[0].host == "mx2.y.test [127.0.0.3]:\(first.port)")
        #expect(second.messages.count == 1)
    }

    @Test func `only who has no outcome is for the next exchanger`() throws {
        var world = try world()
        let first = try SMTPStub(host: 2) { step, _ in
            step == "RCPT TO:<no@y.test>" ? .reply("550 5.1.1 no") : step == "DATA" ? .close : nil
        }
        let second = try SMTPStub(host: 3, port: first.port)
        world.settings.port = first.port
        let reply = try world.deliver(["no@y.test", "b@y.test"])
        #expect(reply.results.map(\.outcome) == [.failed, .delivered])
        #expect(second.commands.filter { $0.hasPrefix("RCPT") } == ["RCPT TO:<b@y.test>"])
    }

    @Test func `a message whose end was sent goes to nobody else`() throws {
        var world = try world()
        let first = try SMTPStub(host: 2) { step, _ in step == "." ? .close : nil }
        let second = try SMTPStub(host: 3, port: first.port)
        world.settings.port = first.port
        #expect(try world.deliver().results[0].outcome == .deferred)
        #expect(second.connections == 0)
    }

    @Test func `one temporary reason outlives permanent ones`() throws {
        var world = try world()
        let first = try SMTPStub(host: 2) { step, _ in step == "greeting" ? .close : nil }
        let second = try SMTPStub(host: 3, port: first.port) { step, _ in
            step == "greeting" ? .reply("521 never") : nil
        }
        world.settings.port = first.port
        #expect(try world.deliver().results[0].outcome == .deferred)
        #expect(second.connections == 1)
    }

    @Test func `a domain without MX is its own exchanger`() throws {
        var world = try world()
        let server = try SMTPStub(host: 2)
        world.settings.port = server.port
        let result = try world.deliver(["b@implicit.test"]).results[0]
        #expect(result.host == "implicit.test [127.0.0.2]:\(server.port)")
    }

    @Test func `an address literal is where it says`() throws {
        var world = try world()
        let server = try SMTPStub(host: 2)
        world.settings.port = server.port
        let result = try world.deliver(["b@[127.0.0.2]"]).results[0]
        #expect(result.outcome == .delivered)
        #expect(server.commands.contains("RCPT TO:<b@[127.0.0.2]>"))
    }

    @Test(
        arguments: [
            ("nomail.test", "556 5.1.10", "null MX"),
            ("nobody.test", "550 5.1.2", "no such domain"),
            ("text.test", "550 5.1.2", "neither MX nor address"),
            ("ghost.test", "550 5.4.4", "the only exchanger does not exist"),
            ("broken.test", "451 4.4.3", "the name server fails"),
            ("silent.test", "451 4.4.3", "the name server is silent"),
            ("half.test", "451 4.4.3", "one exchanger is not known to have no address"),
            ("named.test", "554 5.4.6", "we are among the best"),
            ("loop.test", "554 5.4.6", "an address of ours"),
            ("zero.test", "554 5.4.6", "0.0.0.0 is here"),
            ("[127.0.0.1]", "554 5.4.6", "a literal of ours"),
            ("[127.0.0.300]", "550 5.1.2", "not an address"),
            ("[IPv6:::1]", "554 5.4.6", "a literal of ours"),
            ("a..test", "550 5.1.2", "not a name"),
            ("\(String(repeating: "a", count: 64)).test", "550 5.1.2", "not a name"),
            (".", "550 5.1.2", "the root"),
        ])
    func `what the DNS says decides`(
        _ domain: String, _ expected: String, _ reason: String
    ) throws {
        let world = try world()
        let reply = try world.deliver(["b@y.test"], domain: domain)
        #expect(reply.results[0].reply.description.hasPrefix(expected))
    }

    @Test func `exchangers that are no better than ourselves are left out`() throws {
        let world = try world()
        var destination = try destination("backup.test", world)
        #expect(destination.next()?.name == "far.y.test")
        #expect(destination.next() == nil)
    }

    @Test func `an exchanger that is not known does not keep the others from being tried`() throws {
        let world = try world()
        var destination = try destination("worse.test", world)
        #expect(destination.next()?.name == "far.y.test")
        #expect(destination.unknown != nil)
        var odd = try self.destination("odd.test", world)
        #expect(odd.next()?.name == "far.y.test")
    }

    @Test func `equal exchangers are tried in random order, and no more than 20`() throws {
        let name = { (number: Int) in try #require(DomainName(bytes("mx\(number).test"))) }
        let records = try (0..<1000).map {
            MXRecord(preference: UInt16(10 + $0 / 30), exchange: try name($0))
        }
        let orders = try (0..<5).map { _ in try Exchangers.groups(records, "y.test") }
        #expect(Set(orders.map { $0.flatMap(\.self) }).count > 1)
        for order in orders {
            #expect(order.flatMap(\.self).count == 20)
            #expect(order.count == 1)
        }
        let two = try Exchangers.groups([records[40], records[0]], "y.test")
        #expect(two == [[try name(0)], [try name(40)]])
    }

    @Test func `a relay is looked up by address alone, and never bounces for our slip`() throws {
        let world = try world([
            "smtproutes": "a.test:mx1.y.test:2525\nb.test:nobody.test\n:y.test\n"
        ])
        var destination = try destination("a.test", world)
        #expect(destination.next()?.description == "mx1.y.test [127.0.0.2]:2525")
        let slip = try world.deliver(["b@b.test"]).results[0].reply
        #expect(slip.description.hasPrefix("451 4.3.5"))
        // y.test has an MX record, but no address.
        #expect(try world.deliver(["b@c.test"]).results[0].outcome == .deferred)
    }
}
