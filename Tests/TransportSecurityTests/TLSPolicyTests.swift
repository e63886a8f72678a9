// control/tlspolicy: its lines, and what each level does.
// tlspolicy(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Delivery
@testable import TLS
@testable import TransportSecurity

@Suite struct TLSPolicyTests {
    private let keys: Keys

    init() throws { keys = try Keys.all.get() }

    private func world(_ server: MailServer, _ policy: String) throws -> World {
        try World(port: server.port, "", ["tlspolicy": "\(policy)\n"], isSigned: false)
    }

    private static let noMatch = String(repeating: "0", count: 64)

    @Test(arguments: [
        ("y.test", "example.test:encrypt", "auto"), ("y.test", "y.test:encrypt", "encrypt"),
        ("Y.Test", "y.TEST:Encrypt", "encrypt"), ("a.y.test", ".y.test:none", "none"),
        ("y.test", ".y.test:none", "auto"), ("y.test", ":may", "may"),
        ("y.test", "mx.h.test:none", "none"), ("y.test", ".h.test:none", "none"),
        ("y.test", ":may\nmx.h.test:none\n.test:verify", "verify"),
        ("y.test", "# nothing\n\n", "auto"), ("y.test", "y.test: secure ", "secure"),
    ])
    func `the line of the domain goes before that of the host, and both before the default`(
        _ domain: String, _ text: String, _ level: String
    ) throws {
        let folder = try TestFolder()
        try folder.write("tlspolicy", text)
        let policies = try TLSPolicies(ControlFolder(folder.path), isValidating: false)
        let policy = policies.policy(
            domain: Array(domain.utf8).asciiLowercased, host: Array("mx.h.test".utf8))
        #expect(policy.level.rawValue == level)
    }

    @Test(arguments: [
        ("y.test", "not DESTINATION:LEVEL"), ("y.test:", "no level"),
        ("y.test:full", "no level full"),
        ("y.test:none now", "nothing may follow none"), ("y.test:verify a..b", "not a name"),
        ("y.test:verify *.y.test", "not a name"), ("y.test:fingerprint", "wants cert="),
        ("y.test:fingerprint cert=12", "SHA-256"),
        ("y.test:fingerprint sha=\(noMatch)", "not cert= or key="),
        ("y.test:fingerprint cert=\(noMatch.dropLast())g", "SHA-256"),
        ("y.test:dane", "DANE needs a resolver"), ("y.test:dane-only", "DANE needs a resolver"),
    ])
    func `a slip is an error with its line`(_ line: String, _ reason: String) throws {
        let folder = try TestFolder()
        try folder.write("root/etc/control/me", "us.test")
        try folder.write("root/etc/control/resolver", "127.0.0.1:9")
        try folder.write("root/etc/control/tlspolicy", "# first\n\(line)\n")
        var tool = try Tool(
            "deliver-remote", ["--root", folder.file("root"), "b@y.test"])
        tool.message = Array("\n".utf8)
        let result = try tool.run()
        #expect(result.code == 78)
        #expect(result.errors.contains("control/tlspolicy:2: "))
        #expect(result.errors.contains(reason))
    }

    @Test(arguments: [
        ("clientcert.pem", "nonsense"), ("serverca.pem", "nonsense"),
        ("tlsclientciphers", "NO-SUCH-CIPHER"), ("resolver", "127.0.0.1 valid"),
    ])
    func `so is a file that cannot be used`(_ file: String, _ text: String) throws {
        let folder = try TestFolder()
        try folder.write("root/etc/control/me", "us.test")
        try folder.write("root/etc/control/resolver", "127.0.0.1:9")
        try folder.write("root/etc/control/\(file)", text)
        let result = try Tool(
            "deliver-remote", ["--root", folder.file("root"), "b@y.test"]
        ).run()
        #expect(result.code == 78)
        #expect(result.errors.contains("control/\(file)"))
    }

    @Test func `none asks for no TLS`() throws {
        let server = try MailServer(keys.good)
        #expect(try world(server, "y.test:none").deliver().brief == "delivered")
        #expect(server.ways == ["clear"])
        #expect(!server.commands.contains("STARTTLS"))
    }

    @Test(arguments: [
        (Trick.none, ["secure"], 1), (.stripped, ["clear"], 1), (.refuses("454 no"), ["clear"], 1),
        (.refuses("501 5.5.4 no"), ["clear"], 1), (.closes, ["clear"], 2), (.garbage, ["clear"], 2),
        (.injects, ["clear"], 2), (.refuses("421 4.7.0 no"), ["clear"], 2),
    ])
    func `may goes on in clear whatever goes wrong`(
        _ trick: Trick, _ ways: [String], _ connections: Int
    ) throws {
        // The trick is only there for the first connection: the second never asks.
        let server = try MailServer(keys.own, trick)
        #expect(try world(server, ":may").deliver().brief == "delivered")
        #expect(server.ways == ways)
        #expect(server.connections == connections)
    }

    @Test(arguments: [
        (Trick.none, "delivered"), (.stripped, "deferred 451 4.7.4"),
        (.refuses("501 5.5.4 no"), "deferred 451 4.7.4"), (.closes, "deferred 451 4.4.2"),
    ])
    func `encrypt does not`(_ trick: Trick, _ brief: String) throws {
        let server = try MailServer(keys.own, trick)
        #expect(try world(server, "y.test:encrypt").deliver().brief == brief)
        #expect(server.ways == (brief == "delivered" ? ["secure"] : []))
    }

    @Test(arguments: [
        ("verify mx.y.test", "good", true), ("verify .y.test", "good", true),
        ("verify other.test mx.y.test", "good", true), ("verify", "good", true),
        ("verify y.test", "good", false), ("verify .mx.y.test", "good", false),
        ("verify", "other", false), ("verify other.test", "other", true),
        ("verify mx.y.test", "old", false), ("verify mx.y.test", "own", false),
    ])
    func `verify wants a name and an authority`(
        _ level: String, _ which: String, _ isFine: Bool
    ) throws {
        let server = try MailServer(keys[which])
        let brief = try world(server, "y.test:\(level)").deliver().brief
        #expect(brief == (isFine ? "delivered" : "deferred 451 4.7.5"))
        #expect(server.ways == (isFine ? ["secure"] : []))
    }

    @Test(arguments: ["old", "own", "other"])
    func `fingerprint wants a digest and nothing else`(_ which: String) throws {
        let server = try MailServer(keys[which])
        let digests = try Digests(keys[which])
        let colons = digests.key.enumerated().map { $0 > 0 && $0 % 2 == 0 ? ":\($1)" : "\($1)" }
        for pins in [
            "cert=\(digests.certificate)", "key=\(digests.key)",
            "cert=\(Self.noMatch) key=\(colons.joined().uppercased())",
        ] {
            let brief = try world(server, "y.test:fingerprint \(pins)").deliver().brief
            #expect(brief == "delivered")
        }
        let wrong = "cert=\(digests.key) key=\(digests.certificate)"
        #expect(
            try world(server, "y.test:fingerprint \(wrong)").deliver().brief
                == "deferred 451 4.7.5")
        #expect(server.messages.count == 3)
    }

    @Test func `secure and dane-only want what the domain does not have`() throws {
        let server = try MailServer(keys.good)
        for level in ["secure", "dane-only"] {
            let world = try World(port: server.port, "", ["tlspolicy": ":\(level)\n"])
            #expect(try world.deliver().brief == "deferred 451 4.7.4")
        }
        #expect(server.connections == 0)
    }

    @Test func `dane and dane-only take what it has`() throws {
        let server = try MailServer(keys.good)
        let record = "_PORT._tcp.mx.y.test. TLSA 3 1 1 \(try Digests(keys.good).key)"
        for level in ["secure", "dane-only", "dane"] {
            let world = try World(port: server.port, record, ["tlspolicy": ":\(level)\n"])
            #expect(try world.deliver().brief == "delivered")
        }
        let without = try World(port: server.port, "", ["tlspolicy": ":dane\n"])
        #expect(try without.deliver().brief == "delivered")
    }

    @Test func `secure takes a policy that is only tested at its word`() throws {
        let server = try MailServer(keys.own)
        let host = try PolicyHost(keys.policy, PolicyHost.policy("testing"))
        let world = try World(
            port: server.port, "_mta-sts.y.test. TXT \"v=STSv1; id=1;\"",
            ["tlspolicy": ":secure\n"], isSigned: false, policy: host)
        #expect(try world.deliver().brief == "deferred 451 4.7.5")
        #expect(server.messages.isEmpty)
    }

    @Test func `a host that asks gets our certificate`() throws {
        var settings = ServerSettings()
        settings.clientCertificates = .ask
        let server = try MailServer(keys.good, settings: settings)
        let world = try World(
            port: server.port, "",
            ["clientcert.pem": String(decoding: keys.other, as: UTF8.self)], isSigned: false)
        #expect(try world.deliver().brief == "delivered")
        #expect(server.clients == [try Digests(keys.other).certificate])
    }
}
