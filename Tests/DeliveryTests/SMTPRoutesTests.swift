// What the lines of smtproutes mean.
// SPDX-License-Identifier: MIT

import Control
import TestSupport
import Testing

@testable import Delivery

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
