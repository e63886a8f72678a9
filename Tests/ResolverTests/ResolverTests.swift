// Tests of look-ups against a real zone-server.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Resolver

struct ResolverTests {
    private static let lines = """
        example.test. 300 IN MX 10 mx.example.test.
        example.test. 300 IN MX 20 mx2.example.test.
        mx.example.test. A 192.0.2.1
        mx.example.test. A 192.0.2.2
        mx.example.test. AAAA 2001:db8::1
        example.test. TXT "v=spf1 " "-all"
        deep.empty.example.test. A 192.0.2.3
        *.wild.test. A 192.0.2.4
        there.wild.test. TXT "no address"
        alias.test. 30 CNAME mx.example.test.
        dead.test. CNAME nobody.test.
        ring.test. CNAME gnir.test.
        gnir.test. CNAME ring.test.
        nomail.test. MX 0 .
        1.2.0.192.in-addr.arpa. PTR mx.example.test.
        broken.test. SERVFAIL
        refused.test. REFUSED
        silent.test. TIMEOUT
        cut.test. TRUNCATE
        cut.test. A 192.0.2.5
        long.test. TXT "\(String(repeating: "x", count: 4000))"
        """

    private let folder: TestFolder
    private let zone: Service
    private let resolver: Resolver

    init() throws {
        folder = try TestFolder()
        zone = try Service.zone(Self.lines, in: folder)
        let endpoint = try #require(Endpoint(zone.ready))
        resolver = Resolver(servers: [endpoint], timeout: .milliseconds(200), attempts: 1)
    }

    private func name(_ text: String) -> [UInt8] { Array(text.utf8) }
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    @Test func `exchangers come with preference and time to live`() throws {
        let found = try resolver.mx(name("Example.TEST"))
        let first = try #require(DomainName(name("mx.example.test")))
        let second = try #require(DomainName(name("mx2.example.test")))
        #expect(
            found
                == .found(
                    [
                        MXRecord(preference: 10, exchange: first),
                        MXRecord(preference: 20, exchange: second),
                    ], timeToLive: 300))
    }

    @Test func `addresses of both families`() throws {
        #expect(
            try resolver.a(name("mx.example.test")).values
                == [address("192.0.2.1"), address("192.0.2.2")])
        #expect(try resolver.aaaa(name("mx.example.test")).values == [address("2001:db8::1")])
    }

    @Test func `the strings of a text record are joined`() throws {
        #expect(try resolver.txt(name("example.test")).values == [name("v=spf1 -all")])
    }

    @Test func `a name that exists without such a record is no data`() throws {
        #expect(try resolver.mx(name("mx.example.test")) == .noData)
        #expect(try resolver.a(name("empty.example.test")) == .noData)
        #expect(try resolver.a(name("there.wild.test")) == .noData)
    }

    @Test func `a name that does not exist is no name`() throws {
        #expect(try resolver.a(name("nobody.test")) == .noName)
        #expect(try resolver.a(name("dead.test")) == .noName)
    }

    @Test func `a wildcard answers for what is not there`() throws {
        #expect(try resolver.a(name("x.y.wild.test")).values == [address("192.0.2.4")])
    }

    @Test func `an alias is followed and its time to live counts`() throws {
        let addresses = [try address("192.0.2.1"), try address("192.0.2.2")]
        #expect(try resolver.a(name("alias.test")) == .found(addresses, timeToLive: 30))
    }

    @Test func `a ring of aliases is an error`() {
        #expect(throws: ResolverError.tooManyAliases) { try resolver.a(name("ring.test")) }
    }

    @Test func `the root as exchange is a record and not nothing`() throws {
        #expect(try resolver.mx(name("nomail.test")).values.map(\.exchange) == [.root])
    }

    @Test func `an address has names`() throws {
        let names = try resolver.ptr(try address("192.0.2.1")).values
        #expect(names.map(\.description) == ["mx.example.test"])
    }

    @Test(arguments: [("broken.test", 2), ("refused.test", 5)])
    func `a server that fails is not known`(host: String, code: UInt8) {
        #expect(throws: ResolverError.refused(code: code)) { try resolver.a(name(host)) }
    }

    @Test func `silence is a time-out`() {
        #expect(throws: ResolverError.timedOut) { try resolver.a(name("silent.test")) }
    }

    @Test func `a deadline ends a look-up before its time-outs`() throws {
        let patient = Resolver(servers: resolver.servers, timeout: .seconds(60))
        #expect(throws: ResolverError.timedOut) {
            try patient.a(name("silent.test"), deadline: .after(.milliseconds(50)))
        }
    }

    @Test func `an answer that is cut short is asked for by TCP`() throws {
        #expect(try resolver.a(name("cut.test")).values == [address("192.0.2.5")])
        #expect(try resolver.txt(name("long.test")).values.map(\.count) == [4000])
    }

    @Test func `a name that cannot be one is not asked for`() {
        #expect(throws: ResolverError.badName) { try resolver.a(name("a..b")) }
    }

    @Test func `the next server is asked when one fails`() throws {
        let other = try Service.zone("broken.test. A 192.0.2.9", in: try TestFolder())
        let servers = resolver.servers + [try #require(Endpoint(other.ready))]
        let both = Resolver(servers: servers, timeout: .seconds(5), attempts: 1)
        #expect(try both.a(name("broken.test")).values == [address("192.0.2.9")])
    }

    @Test func `a no of the first server is final`() throws {
        let other = try Service.zone("nobody.test. A 192.0.2.9", in: try TestFolder())
        let servers = resolver.servers + [try #require(Endpoint(other.ready))]
        #expect(try Resolver(servers: servers).a(name("nobody.test")) == .noName)
    }

    @Test func `a port where nobody listens is an error of the network`() throws {
        let endpoint = try #require(Endpoint(zone.ready))
        try zone.stop()
        let lonely = Resolver(servers: [endpoint], timeout: .seconds(20), attempts: 1)
        #expect {
            try lonely.a(name("example.test"))
        } throws: { error in
            if case .network? = error as? ResolverError { true } else { false }
        }
    }

    @Test func `without a server nothing is known`() {
        #expect(throws: ResolverError.network("no resolver is configured")) {
            try Resolver(servers: []).a(name("example.test"))
        }
    }
}
