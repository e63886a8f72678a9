// MTA-STS, with hosts of policies and of mail that are and are not what they should be.
// RFC 8461.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Delivery
@testable import TransportSecurity

@Suite struct STSTests {
    private static let announced = "_mta-sts.y.test. TXT \"v=STSv1; id=1;\""
    private let keys: Keys

    init() throws { keys = try Keys.all.get() }

    private func world(
        _ server: MailServer, _ policy: PolicyHost, _ lines: String = announced,
        _ files: [String: String] = [:]
    ) throws -> World {
        try World(port: server.port, lines, files, isSigned: false, policy: policy)
    }

    @Test func `a host of the policy gets mail, and the policy is asked for once`() throws {
        let server = try MailServer(keys.good)
        let host = try PolicyHost(keys.policy, PolicyHost.policy("enforce"))
        let world = try world(server, host)
        for _ in 0..<3 { #expect(try world.deliver().brief == "delivered") }
        #expect(server.ways == ["secure", "secure", "secure"])
        #expect(server.names == ["mx.y.test", "mx.y.test", "mx.y.test"])
        #expect(host.connections == 1)
        #expect(world.results == ["count 3 sts success - -"])
    }

    @Test(arguments: [
        ("old", "certificate-expired"), ("other", "certificate-host-mismatch"),
        ("own", "certificate-not-trusted"),
    ])
    func `a certificate that is not in order gets none where the policy is enforced`(
        _ which: String, _ failure: String
    ) throws {
        let server = try MailServer(keys[which])
        let host = try PolicyHost(keys.policy, PolicyHost.policy("enforce"))
        let world = try world(server, host)
        #expect(try world.deliver().brief == "deferred 451 4.7.5")
        #expect(server.messages.isEmpty)
        #expect(world.results.first?.hasPrefix("count 1 sts \(failure) mx.y.test") == true)
        // The same where it is only tested.
        host.answers(PolicyHost.policy("testing"))
        try world.change(Self.announced.replacingOccurrences(of: "id=1", with: "id=2"))
        #expect(try world.deliver().brief == "delivered")
        #expect(server.ways == ["secure"])
        #expect(world.results.first?.hasPrefix("count 2 sts \(failure) mx.y.test") == true)
    }

    @Test func `a host that the policy does not list gets none`() throws {
        let server = try MailServer(keys.good)
        let host = try PolicyHost(
            keys.policy, PolicyHost.policy("enforce", mx: ["*.mx.y.test", "mx.other.test"]))
        let world = try world(server, host)
        #expect(try world.deliver().brief == "deferred 451 4.7.4")
        #expect(server.connections == 0)
        host.answers(PolicyHost.policy("testing", mx: ["mx.other.test"]))
        try world.change(Self.announced.replacingOccurrences(of: "id=1", with: "id=2"))
        #expect(try world.deliver().brief == "delivered")
        #expect(world.results.first?.hasPrefix("count 2 sts validation-failure") == true)
    }

    @Test(arguments: [
        (Trick.stripped, "deferred 451 4.7.4"),
        (.refuses("454 4.7.0 not now"), "deferred 451 4.7.4"),
        (.closes, "deferred 451 4.4.2"), (.injects, "deferred 451 4.5.0"),
    ])
    func `no trick with STARTTLS makes mail go in clear`(_ trick: Trick, _ brief: String) throws {
        let server = try MailServer(keys.good, trick)
        let world = try world(
            server, try PolicyHost(keys.policy, PolicyHost.policy("enforce")))
        #expect(try world.deliver().brief == brief)
        #expect(server.messages.isEmpty)
    }

    @Test(arguments: [
        // The policy cannot be fetched any more, and another one is announced.
        (true, "_mta-sts.y.test. TXT \"v=STSv1; id=2;\""),
        // None is announced any more.
        (true, ""), (false, ""),
        // The DNS does not say.
        (true, "_mta-sts.y.test. SERVFAIL"),
        // Two are announced, which is none.
        (true, "\(announced)\n_mta-sts.y.test. TXT \"v=STSv1; id=2;\""),
    ])
    func `a policy that was seen holds, whatever happens to it`(
        _ isGone: Bool, _ lines: String
    ) throws {
        let server = try MailServer(keys.good)
        let host = try PolicyHost(keys.policy, PolicyHost.policy("enforce"))
        let world = try world(server, host)
        #expect(try world.deliver().brief == "delivered")
        if isGone { host.answers(PolicyHost.ok("", status: "404 Not Found")) }
        // Whoever forges the DNS leads mail to a host of his own first.
        try world.change("\(lines)\ny.test. MX 5 evil.test.\nevil.test. A 127.0.0.1")
        #expect(try world.deliver().brief == "delivered")
        #expect(server.names == ["mx.y.test", "mx.y.test"])
    }

    @Test func `a policy ends by another one, or by its time`() throws {
        let server = try MailServer(keys.own)
        let host = try PolicyHost(keys.policy, PolicyHost.policy("enforce"))
        let world = try world(server, host)
        #expect(try world.deliver().brief == "deferred 451 4.7.5")
        host.answers(PolicyHost.policy("none", mx: []))
        try world.change(Self.announced.replacingOccurrences(of: "id=1", with: "id=2"))
        #expect(try world.deliver().brief == "delivered")
        // One whose time is over, and that cannot be fetched.
        let store = STSStore(folder: world.folder.file("root/spool/tls/mta-sts"))
        var record = try #require(store.record(of: "y.test"))
        record.text = Array("version: STSv1\nmode: enforce\nmx: a.test\nmax_age: 600\n".utf8)
        record.fetched = WallClock.seconds - 500
        try store.keep(record, of: "y.test")
        host.answers(PolicyHost.ok("", status: "404 Not Found"))
        #expect(try world.deliver().brief == "deferred 451 4.7.4")
        record.fetched = WallClock.seconds - 700
        try store.keep(record, of: "y.test")
        #expect(try world.deliver().brief == "delivered")
    }

    @Test(arguments: [
        (PolicyHost.ok("", status: "404 Not Found"), "sts-policy-fetch-error"),
        (
            "HTTP/1.1 301 Moved\r\nLocation: https://mta-sts.y.test/\r\nContent-Length: 0\r\n\r\n",
            "sts-policy-fetch-error"
        ),
        (PolicyHost.ok("version: STSv1", type: "text/html"), "sts-policy-fetch-error"),
        (PolicyHost.ok(String(repeating: "x", count: 65_537)), "sts-policy-fetch-error"),
        ("nonsense\r\n\r\n", "sts-policy-fetch-error"),
        (PolicyHost.policy("enforced"), "sts-policy-invalid"),
        (PolicyHost.policy("enforce", mx: []), "sts-policy-invalid"),
        (PolicyHost.policy("enforce", mx: ["a b"]), "sts-policy-invalid"),
        (PolicyHost.ok("hello"), "sts-policy-invalid"),
    ])
    func `what is no policy is none, is told, and is not asked for again at once`(
        _ answer: String, _ failure: String
    ) throws {
        let server = try MailServer(keys.own)
        let host = try PolicyHost(keys.policy, answer)
        let world = try world(server, host)
        #expect(try world.deliver().brief == "delivered")
        #expect(world.results.contains { $0.hasPrefix("count 1 sts \(failure) mx.y.test") })
        #expect(try world.deliver().brief == "delivered")
        #expect(host.connections == 1)
    }

    @Test(arguments: ["good", "old", "own"])
    func `a host of policies that is not who it should be is not heard`(_ which: String) throws {
        let server = try MailServer(keys.own)
        let host = try PolicyHost(keys[which], PolicyHost.policy("enforce"))
        let world = try world(server, host)
        #expect(try world.deliver().brief == "delivered")
        #expect(world.results.contains { $0.hasPrefix("count 1 sts sts-webpki-invalid") })
    }

    @Test(arguments: [
        "", "_mta-sts.y.test. TXT \"v=STSv2; id=1;\"", "_mta-sts.y.test. TXT \"v=STSv1;\"",
        "_mta-sts.y.test. TXT \"v=STSv1; id=a b;\"", "_mta-sts.y.test. SERVFAIL",
    ])
    func `without an announcement nobody is asked`(_ lines: String) throws {
        let server = try MailServer(keys.own)
        let host = try PolicyHost(keys.policy, PolicyHost.policy("enforce"))
        #expect(try world(server, host, lines).deliver().brief == "delivered")
        #expect(host.connections == 0)
    }

    @Test func `DANE goes first, and what it refuses no policy allows`() throws {
        let server = try MailServer(keys.own)
        let host = try PolicyHost(keys.policy, PolicyHost.policy("enforce", mx: ["a.test"]))
        let key = try Digests(keys.own).key
        let record = "_PORT._tcp.mx.y.test. TLSA 3 1 1"
        let world = try World(
            port: server.port, "\(Self.announced)\n\(record) \(key)", policy: host)
        #expect(try world.deliver().brief == "delivered")
        #expect(host.connections == 0)
        let good = try MailServer(keys.good)
        let listed = try PolicyHost(keys.policy, PolicyHost.policy("enforce"))
        let other = try World(
            port: good.port, "\(Self.announced)\n\(record) \(key)", policy: listed)
        #expect(try other.deliver().brief == "deferred 451 4.7.5")
    }

    @Test func `a policy that cannot be kept still counts, and mail goes on`() throws {
        let server = try MailServer(keys.good)
        let host = try PolicyHost(keys.policy, PolicyHost.policy("enforce"))
        let world = try world(server, host)
        try world.folder.write("root/spool/tls", "not a folder")
        #expect(try world.deliver().brief == "delivered")
        #expect(server.ways == ["secure"])
    }
}
