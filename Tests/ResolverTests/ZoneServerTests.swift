// Tests of zone-server as a program.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import Resolver
import TestSupport
import Testing
import UnixIO

struct ZoneServerTests {
    @Test(arguments: [
        ("example.test. MX mx.test.", "number"), ("example.test. A 2001:db8::1", "family"),
        ("example.test.", "alone"), ("a..b A 192.0.2.1", "not a name"),
        ("example.test. TXT \"open", "quote"), ("example.test. XYZ 1", "unknown type"),
    ])
    func `a bad line is named with its number`(line: String, reason: String) throws {
        let folder = try TestFolder()
        let file = try folder.write("zone", "; fine\n\(line)\n")
        let result = try Tool("zone-server", [file]).run()
        #expect(result.code == 65)
        #expect(result.errors.contains("\(file):2: "))
        #expect(result.errors.contains(reason))
    }

    @Test func `wrong usage is 64 and a missing file 71`() throws {
        #expect(try Tool("zone-server", []).run().code == 64)
        #expect(try Tool("zone-server", ["--listen", "x", "y"]).run().code == 64)
        #expect(try Tool("zone-server", ["/nowhere/zone"]).run().code == 71)
    }

    @Test func `a hangup loads the new lines, and keeps the old ones when those are bad`() throws {
        let folder = try TestFolder()
        let zone = try Service.zone("a.test. A 192.0.2.1", in: folder)
        let resolver = Resolver(servers: [try #require(Endpoint(zone.ready))])
        let host = Array("a.test".utf8)
        try folder.write("zone", "a.test. A 192.0.2.2")
        zone.process.signal(SIGHUP)
        let isNew = try eventually {
            try resolver.a(host).values == [IPAddress("192.0.2.2")]
        }
        #expect(isNew)
        try folder.write("zone", "nonsense")
        zone.process.signal(SIGHUP)
        #expect(eventually { zone.log.contains("not-reloaded") })
        #expect(try resolver.a(host).values == [IPAddress("192.0.2.2")])
    }

    @Test func `it ends with 0 when it is told to`() throws {
        let zone = try Service.zone("a.test. A 192.0.2.1", in: try TestFolder())
        #expect(try zone.stop() == .exited(0))
    }
}
