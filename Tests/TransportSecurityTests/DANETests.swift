// DANE, with a name server that signs and hosts that are and are not who they should be.
// RFC 7672.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Delivery
@testable import TransportSecurity

@Suite struct DANETests {
    private let keys: Keys

    init() throws { keys = try Keys.all.get() }

    /// The data of TLSA records of each kind for a file with a certificate and its authority's.
    private func records(_ pem: [UInt8]) throws -> [String: String] {
        let (own, authority) = (try Digests(pem), try Digests(pem, certificate: 1))
        return [
            "3 1 1": own.key, "3 1 2": own.longKey, "3 0 1": own.certificate, "3 0 0": own.whole,
            "2 0 1": authority.certificate, "2 1 1": authority.key,
        ]
    }

    private static let noMatch = String(repeating: "0", count: 64)

    @Test(arguments: ["3 1 1", "3 1 2", "3 0 1", "3 0 0", "2 0 1", "2 1 1"])
    func `a certificate that a record is of is taken`(_ kind: String) throws {
        let server = try MailServer(keys.good)
        let data = try #require(try records(keys.good)[kind])
        let world = try World(port: server.port, "_PORT._tcp.mx.y.test. TLSA \(kind) \(data)")
        #expect(try world.deliver().brief == "delivered")
        #expect(server.ways == ["secure"])
        #expect(server.names == ["mx.y.test"])
        #expect(world.results == ["count 1 tlsa success - -"])
    }

    @Test(arguments: ["3 1 1", "3 0 1", "2 0 1", "2 1 1"])
    func `one that no record is of is not given mail`(_ kind: String) throws {
        let server = try MailServer(keys.good)
        let world = try World(
            port: server.port, "_PORT._tcp.mx.y.test. TLSA \(kind) \(Self.noMatch)")
        #expect(try world.deliver().brief == "deferred 451 4.7.5")
        #expect(server.messages.isEmpty)
        #expect(world.results.first?.hasPrefix("count 1 tlsa validation-failure mx.y.test") == true)
    }

    @Test func `one of several records is enough`() throws {
        let server = try MailServer(keys.good)
        let world = try World(
            port: server.port,
            """
            _PORT._tcp.mx.y.test. TLSA 3 1 1 \(Self.noMatch)
            _PORT._tcp.mx.y.test. TLSA 3 1 1 \(try Digests(keys.good).key)
            _PORT._tcp.mx.y.test. TLSA 0 0 1 \(Self.noMatch)
            """)
        #expect(try world.deliver().brief == "delivered")
    }

    // RFC 7672, section 3.1.1.
    @Test(arguments: ["old", "other", "own"])
    func `names, time and authority say nothing where a record is of the certificate itself`(
        _ which: String
    ) throws {
        let server = try MailServer(keys[which])
        let world = try World(
            port: server.port,
            "_PORT._tcp.mx.y.test. TLSA 3 1 1 \(try Digests(keys[which]).key)")
        #expect(try world.deliver().brief == "delivered")
        #expect(server.ways == ["secure"])
    }

    // RFC 7672, section 3.1.2.
    @Test(arguments: [
        ("old", "certificate-expired"), ("other", "certificate-host-mismatch"),
    ])
    func `they count where the record is of an authority`(
        _ which: String, _ failure: String
    ) throws {
        let server = try MailServer(keys[which])
        let data = try #require(try records(keys[which])["2 0 1"])
        let world = try World(port: server.port, "_PORT._tcp.mx.y.test. TLSA 2 0 1 \(data)")
        #expect(try world.deliver().brief == "deferred 451 4.7.5")
        #expect(server.messages.isEmpty)
        #expect(world.results.first?.hasPrefix("count 1 tlsa \(failure) mx.y.test") == true)
    }

    @Test func `the domain's own name will do for an authority's certificate`() throws {
        let certificates = try Certificates(in: try TestFolder())
        let pem = try certificates.signed("y", names: "DNS:y.test") + certificates.authority()
        let server = try MailServer(pem)
        let data = try Digests(pem, certificate: 1).key
        let world = try World(port: server.port, "_PORT._tcp.mx.y.test. TLSA 2 1 1 \(data)")
        #expect(try world.deliver().brief == "delivered")
    }

    // RFC 7672, section 2.2.
    @Test func `records that cannot be used ask for TLS with whomever`() throws {
        let lines = """
            _PORT._tcp.mx.y.test. TLSA 1 1 1 \(Self.noMatch)
            _PORT._tcp.mx.y.test. TLSA 3 9 1 \(Self.noMatch)
            _PORT._tcp.mx.y.test. TLSA 3 1 1 00
            """
        let server = try MailServer(keys.own)
        let world = try World(port: server.port, lines)
        #expect(try world.deliver().brief == "delivered")
        #expect(server.ways == ["secure"])
        #expect(world.results.first?.hasPrefix("count 1 tlsa tlsa-invalid") == true)
        let without = try MailServer(keys.own, .stripped)
        #expect(
            try World(port: without.port, lines).deliver().brief == "deferred 451 4.7.4")
        #expect(without.messages.isEmpty)
    }

    @Test(arguments: [
        (Trick.stripped, "deferred 451 4.7.4"),
        (.refuses("454 4.7.0 not now"), "deferred 451 4.7.4"),
        (.closes, "deferred 451 4.4.2"), (.garbage, "deferred 451 4.5.0"),
        (.injects, "deferred 451 4.5.0"),
    ])
    func `no trick with STARTTLS makes mail go in clear`(_ trick: Trick, _ brief: String) throws {
        let server = try MailServer(keys.good, trick)
        let world = try World(
            port: server.port, "_PORT._tcp.mx.y.test. TLSA 3 1 1 \(try Digests(keys.good).key)")
        #expect(try world.deliver().brief == brief)
        #expect(server.messages.isEmpty)
        #expect(server.connections == 1)
    }

    @Test(arguments: ["SERVFAIL", "TIMEOUT", "REFUSED"])
    func `a host of which the DNS does not say is not connected to`(_ directive: String) throws {
        let server = try MailServer(keys.good)
        let world = try World(port: server.port, "_PORT._tcp.mx.y.test. \(directive)")
        let result = try world.deliver()
        #expect(result.brief == "deferred 451 4.4.3")
        #expect(result.reply.text.contains("for DANE"))
        #expect(server.connections == 0)
        #expect(world.results.first?.hasPrefix("count 1 tlsa dnssec-invalid") == true)
    }

    @Test(arguments: [
        // Nobody vouches for the MX record.
        ("y.test. UNSIGNED\nmx.y.test. SIGNED\n_PORT._tcp.mx.y.test. SIGNED", true),
        // Nor for the address.
        ("mx.y.test. UNSIGNED\n_PORT._tcp.mx.y.test. SIGNED", true),
        // Nor for the records.
        ("_PORT._tcp.mx.y.test. UNSIGNED", true),
        // Nobody validates.
        ("", false),
    ])
    func `what nobody vouches for says nothing`(_ lines: String, _ isValidating: Bool) throws {
        let server = try MailServer(keys.own)
        let world = try World(
            port: server.port, "_PORT._tcp.mx.y.test. TLSA 3 1 1 \(Self.noMatch)\n\(lines)",
            isValidating: isValidating)
        #expect(try world.deliver().brief == "delivered")
        #expect(server.ways == ["secure"])
    }

    @Test func `a name server that does not know TLSA is not asked where nothing is signed`() throws
    {
        let server = try MailServer(keys.own)
        let world = try World(
            port: server.port, "_PORT._tcp.mx.y.test. SERVFAIL", isSigned: false)
        #expect(try world.deliver().brief == "delivered")
    }

    // RFC 7672, section 2.1.3.
    @Test(arguments: [
        // Where the alias leads.
        ("_PORT._tcp.real.y.test. TLSA 3 1 1 KEY", "real.y.test"),
        // Its own name, where there is nothing at the end.
        ("_PORT._tcp.alias.y.test. TLSA 3 1 1 KEY", "alias.y.test"),
        // The end goes first.
        (
            "_PORT._tcp.real.y.test. TLSA 3 1 1 KEY\n_PORT._tcp.alias.y.test. TLSA 3 1 1 \(noMatch)",
            "real.y.test"
        ),
        // A signed alias that leads out of what is signed.
        ("real.y.test. UNSIGNED\n_PORT._tcp.alias.y.test. TLSA 3 1 1 KEY", "alias.y.test"),
    ])
    func `records of a host that is an alias are found`(_ lines: String, _ name: String) throws {
        let server = try MailServer(keys.good)
        let lines = lines.replacingOccurrences(of: "KEY", with: try Digests(keys.good).key)
        let world = try World(
            port: server.port,
            """
            y.test. MX 5 alias.y.test.
            alias.y.test. CNAME real.y.test.
            real.y.test. A 127.0.0.1
            \(lines)
            """)
        #expect(try world.deliver().brief == "delivered")
        #expect(server.names == [name])
        #expect(world.results == ["count 1 tlsa success - -"])
    }

    @Test func `the next host is tried when one is not who it should be`() throws {
        let bad = try MailServer(keys.own)
        let good = try MailServer(keys.good, host: 2, port: bad.port)
        let world = try World(
            port: bad.port,
            """
            y.test. MX 20 mx2.y.test.
            mx2.y.test. A 127.0.0.2
            _PORT._tcp.mx.y.test. TLSA 3 1 1 \(Self.noMatch)
            _PORT._tcp.mx2.y.test. TLSA 3 1 1 \(try Digests(keys.good).key)
            """)
        #expect(try world.deliver().brief == "delivered")
        #expect(bad.messages.isEmpty)
        #expect(good.ways == ["secure"])
    }

    @Test func `a route's host is held to its records`() throws {
        let server = try MailServer(keys.good)
        let world = try World(
            port: server.port, "_PORT._tcp.mx.y.test. TLSA 3 1 1 \(Self.noMatch)",
            ["smtproutes": "y.test:mx.y.test\n"])
        #expect(try world.deliver().brief == "deferred 451 4.7.5")
        #expect(world.results.isEmpty)
    }
}
