// Delivery to other hosts, host after host and step by step.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Resolver
import TestSupport
import Testing
import UnixIO

@testable import Delivery

/// A world of one name server and servers on 127.0.0.x.
private struct World {
    let folder: TestFolder
    let zone: Service
    var settings: RemoteSettings

    init(zone lines: String = "none.test. A 192.0.2.1", _ files: [String: String] = [:]) throws {
        folder = try TestFolder()
        zone = try Service.zone(lines, in: folder)
        let root = try makeRoot(folder, files)
        let endpoint = try #require(Endpoint(zone.ready))
        let resolver = Resolver(servers: [endpoint], timeout: .milliseconds(300), attempts: 1)
        settings = try RemoteSettings(root.control, resolver: resolver)
        settings.connectLimit = .seconds(10)
        settings.stepLimit = .seconds(30)
    }

    func deliver(
        _ recipients: [String] = ["b@y.test"], text: String = "Subject: x\n\nhi\n",
        from sender: String = "a@x.test", domain: String? = nil, _ edits: [Edit] = []
    ) throws -> DeliveryReply {
        let stored = try StoredMessage(text)
        let place = domain ?? String(recipients[0].split(separator: "@")[1])
        var agent = RemoteAgent(settings)
        let request = try stored.request(recipients, from: sender, edits, domain: place)
        return agent.deliver(request, stored.file.borrowed)
    }
}

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

@Suite struct SMTPRoutesTests {
    private func routes(_ text: String) throws -> SMTPRoutes {
        let folder = try TestFolder()
        return try SMTPRoutes(try makeRoot(folder, ["smtproutes": text]).control)
    }

    @Test(
        arguments: [
            ("a.test", "one:25", "the domain itself"),
            ("A.Test", "one:25", "case does not matter"),
            ("b.a.test", "two:2525", "below the domain"),
            ("c.b.a.test", "", "a longer suffix that says MX"),
            ("z.test", "rest:nil", "everything else"),
            ("[192.0.2.1]", "rest:nil", "a literal is a domain like others"),
            ("six.test", "[2001:db8::1]:26", "brackets"),
            ("mx.test", "", "an empty relay means the DNS"),
        ])
    func `the longest key decides`(_ domain: String, _ expected: String, _ reason: String) throws {
        let routes = try routes(
            """
            a.test:one:25
            .a.test:two:2525
            .b.a.test:
            mx.test:
            six.test:[2001:db8::1]:26
            :rest
            """)
        let route = routes.route(for: bytes(domain))
        let text = route.map {
            "\(String(decoding: $0.host, as: UTF8.self)):\($0.port.map(String.init) ?? "nil")"
        }
        #expect((text ?? "") == expected)
    }

    @Test func `without the file there is no route`() throws {
        let folder = try TestFolder()
        let routes = try SMTPRoutes(try makeRoot(folder, [:]).control)
        #expect(routes.route(for: bytes("a.test")) == nil)
    }

    @Test(
        arguments: [
            "no colon", "a.test:b:0", "a.test:b:65536", "a.test:b:x", "a.test:b:25|user|pass",
            "a.test:[::1]x", "a.test: b", "a.test::25",
        ])
    func `a line that is not understood is an error with its number`(_ line: String) throws {
        let error = #expect(throws: ControlError.self) { try routes("ok.test:b\n\(line)\n") }
        #expect(error?.description.contains("smtproutes:2: ") == true)
    }
}
