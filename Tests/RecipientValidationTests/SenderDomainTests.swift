// SPDX-License-Identifier: MIT

import Control
import RecipientValidation
import Resolver
import TestSupport
import Testing
import UnixIO

struct SenderDomainTests {
    private let folder: TestFolder
    private let zone: Service
    private static let lines = """
        mx.test. MX 10 mail.mx.test.
        null.test. MX 0 .
        half.test. MX 0 .
        half.test. MX 10 mail.mx.test.
        a.test. A 192.0.2.1
        aaaa.test. AAAA 2001:db8::1
        xn--bcher-kva.test. A 192.0.2.1
        txt.test. TXT "nothing else"
        alias.test. CNAME a.test.
        broken.test. SERVFAIL
        nomx.test. A 192.0.2.1
        silent.test. TIMEOUT
        short.test. 0 A 192.0.2.1
        """

    init() throws {
        folder = try TestFolder()
        zone = try Service.zone(Self.lines, in: folder)
    }

    private func domains() throws -> SenderDomains {
        SenderDomains(Resolver(servers: [try #require(Endpoint(zone.ready))]))
    }

    private func look(_ name: String, within limit: Duration = .seconds(20)) throws -> DomainFinding
    {
        var domains = try domains()
        return try domains.look(at: Array(name.utf8), deadline: .after(limit))
    }

    @Test(
        arguments: [
            ("mx.test", DomainFinding.reachable), ("MX.Test", .reachable), ("null.test", .nullMX),
            ("half.test", .reachable), ("a.test", .reachable), ("aaaa.test", .reachable),
            ("alias.test", .reachable), ("txt.test", .unreachable), ("nowhere.test", .unreachable),
            // RFC 5890: letters beyond ASCII are asked for as the DNS has them.
            ("bücher.test", .reachable), ("BÜCHER.Test", .reachable), ("büche.test", .unreachable),
            ("a..test", .unreachable), (String(repeating: "x", count: 64) + ".test", .unreachable),
        ])
    func `the DNS says`(name: String, finding: DomainFinding) throws {
        #expect(try look(name) == finding)
    }

    @Test func `what the DNS does not say is no finding`() {
        #expect(throws: ResolverError.self) { try look("broken.test") }
        #expect(throws: ResolverError.self) { try look("silent.test", within: .milliseconds(100)) }
    }

    @Test func `a finding is kept as long as the DNS allows`() throws {
        var domains = try domains()
        let names = ["mx.test", "nowhere.test", "null.test", "short.test"]
        for name in names {
            _ = try domains.look(at: Array(name.utf8), deadline: .after(.seconds(20)))
        }
        try zone.stop()
        for name in names.dropLast() {
            _ = try domains.look(at: Array(name.utf8), deadline: .after(.milliseconds(100)))
        }
        #expect(throws: ResolverError.self) {
            try domains.look(at: Array("short.test".utf8), deadline: .after(.milliseconds(100)))
        }
    }
}
