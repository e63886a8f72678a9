// What the lines of smtproutes mean.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import SMTPClient
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
            "no colon", "a.test:b:0", "a.test:b:65536", "a.test:b:x", "a.test:b:25|user",
            "a.test:b||x", "a.test:b|x|", "a.test:|u|p",
            "a.test:[::1]x", "a.test: b", "a.test::25",
        ])
    func `a line that is not understood is an error with its number`(_ line: String) throws {
        let error = #expect(throws: ControlError.self) { try routes("ok.test:b\n\(line)\n") }
        #expect(error?.description.contains("smtproutes:2: ") == true)
    }

    @Test func `a route may say who we are there, and a password may hold a bar`() throws {
        let routes = try routes("a.test:b:587|alice|se|cret\n:[::1]|bob|x:y\n")
        let route = try #require(routes.route(for: bytes("a.test")))
        #expect(route.host == bytes("b") && route.port == 587)
        #expect(route.login == ClientLogin(user: bytes("alice"), password: bytes("se|cret")))
        #expect(routes.route(for: bytes("z.test"))?.login?.password == bytes("x:y"))
        #expect(routes.route(for: bytes("z.test"))?.host == bytes("[::1]"))
    }

    @Test(
        arguments: [
            ("me@x.test", "one", "the reverse-path itself"), ("ME@X.Test", "one", "no case"),
            ("other@x.test", "two", "its domain"), ("me@z.test", "rest", "nothing of its own"),
            ("no@x.test", "rest", "an empty relay means smtproutes"), ("", "rest", "nobody"),
        ])
    func `the sender decides before the domain`(
        _ sender: String, _ host: String, _ reason: String
    ) throws {
        let folder = try TestFolder()
        let senders = "me@x.test:one|u|p\n@x.test:two:465|u|p\nno@x.test:\n"
        let routes = try SMTPRoutes(
            try makeRoot(folder, ["smtproutes": ":rest\n", "authsenders": senders]).control)
        let route = routes.route(for: bytes("y.test"), from: try ReversePath(bytes(sender)))
        #expect(route?.host == bytes(host))
    }

    @Test(arguments: ["x.test:one|u|p", "me@x.test", ":one", "me@x.test:one|u"])
    func `a sender's line that is not understood is an error`(_ line: String) throws {
        let folder = try TestFolder()
        let root = try makeRoot(folder, ["authsenders": "\(line)\n"])
        let error = #expect(throws: ControlError.self) { try SMTPRoutes(root.control) }
        #expect(error?.description.contains("authsenders:1: ") == true)
    }

    @Test func `no password gets into a message`() throws {
        let error = #expect(throws: ControlError.self) { try routes("a.test:b:x|alice|secret\n") }
        #expect(error?.description.contains("secret") == false)
    }
}
