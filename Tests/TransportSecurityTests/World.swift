// A world for TLS with other hosts: certificates, a name server, and a root.
// SPDX-License-Identifier: MIT

import Control
import Foundation
import MailModel
import Resolver
import SMTPClient
import TestSupport
import Testing
import UnixIO

@testable import Delivery
@testable import TLS
@testable import TransportSecurity

/// Keys and certificates that all tests share: making one takes longer than using it.
struct Keys: Sendable {
    let authority: [UInt8]
    /// For `mx.y.test`, by the authority.
    let good: [UInt8]
    /// For another name, by the authority.
    let other: [UInt8]
    /// For `mx.y.test`, by the authority, until yesterday.
    let old: [UInt8]
    /// For `mx.y.test`, by nobody.
    let own: [UInt8]
    /// For `mta-sts.y.test`, by the authority.
    let policy: [UInt8]

    static let all = Result { try Keys() }

    private init() throws {
        let certificates = try Certificates(in: try TestFolder())
        authority = try certificates.authority()
        good = try certificates.signed("mx", names: "DNS:mx.y.test") + authority
        other = try certificates.signed("other", names: "DNS:other.test") + authority
        old = try certificates.expired("mx", names: "DNS:mx.y.test") + authority
        own = try SelfSigned.pem(for: "mx.y.test")
        policy = try certificates.signed("sts", names: "DNS:mta-sts.y.test")
    }

    subscript(_ name: String) -> [UInt8] {
        switch name {
        case "other": other
        case "old": old
        case "own": own
        default: good
        }
    }
}

/// The digests of the first certificate of a file, in the words of TLSA records and pins.
struct Digests {
    let certificate: String
    let key: String
    let whole: String
    let longKey: String

    init(_ pem: [UInt8], certificate number: Int = 0) throws {
        let folder = try TestFolder()
        let text = String(decoding: pem, as: UTF8.self)
        let begin = "-----BEGIN CERTIFICATE-----"
        let part = try #require(text.components(separatedBy: begin).dropFirst(number + 1).first)
        try folder.write("one.pem", begin + part)
        try Certificates.openssl(
            folder, ["x509", "-in", "one.pem", "-outform", "DER", "-out", "one.der"])
        let key = try Certificates.openssl(folder, ["x509", "-in", "one.pem", "-noout", "-pubkey"])
        try Certificates.openssl(
            folder, ["pkey", "-pubin", "-outform", "DER", "-out", "key.der"], input: key.output)
        certificate = try Digests.digest(folder, "one.der", "-sha256")
        self.key = try Digests.digest(folder, "key.der", "-sha256")
        longKey = try Digests.digest(folder, "key.der", "-sha512")
        whole = try folder.read("one.der").hexadecimal
    }

    private static func digest(
        _ folder: TestFolder, _ file: String, _ kind: String
    ) throws -> String {
        let result = try Certificates.openssl(folder, ["dgst", kind, "-r", file])
        return String(result.text.prefix { $0 != " " })
    }
}

/// A root, and a zone in which `y.test` is signed and `mx.y.test` is its exchanger.
final class World {
    let folder: TestFolder
    let keys: Keys
    private let zone: Service
    let port: UInt16
    private let policyPort: UInt16
    /// Ends with the world.
    private let policy: PolicyHost?
    private var lines: String
    private let files: [String: String]

    /// In more lines of the zone `PORT` is the port of mail; `isValidating` is what
    /// `control/resolver` says.
    init(
        port: UInt16, _ lines: String = "", _ files: [String: String] = [:],
        isSigned: Bool = true, isValidating: Bool = true, policy: PolicyHost? = nil
    ) throws {
        folder = try TestFolder()
        keys = try Keys.all.get()
        self.port = port
        policyPort = policy?.port ?? 9
        self.policy = policy
        self.lines = lines
        let signed = isSigned ? "y.test. SIGNED\n" : ""
        let base = """
            y.test. MX 10 mx.y.test.
            mx.y.test. A 127.0.0.1
            mta-sts.y.test. A 127.0.0.1
            _smtp._tls.y.test. TXT "v=TLSRPTv1; rua=mailto:tls@y.test"
            \(signed)
            """
        self.files = files
        self.base = base
        zone = try Service.zone(World.text(base, lines, port), in: folder)
        try folder.write("root/etc/control/me", "mx.us.test\n")
        try folder.write(
            "root/etc/control/resolver", "\(zone.ready)\(isValidating ? " validating" : "")\n")
        try folder.write("root/etc/control/serverca.pem", keys.authority)
        for (name, text) in files { try folder.write("root/etc/control/\(name)", text) }
    }

    private let base: String

    private static func text(_ base: String, _ lines: String, _ port: UInt16) -> String {
        "\(base)\n\(lines)\n".replacingOccurrences(of: "PORT", with: "\(port)")
    }

    /// Changes the lines of the zone, and waits until they hold.
    func change(_ lines: String) throws {
        let mark = "mark\(UInt32.random(in: 0 ... .max)).y.test"
        try folder.write("zone", World.text(base, "\(lines)\n\(mark). A 192.0.2.1", port))
        zone.process.signal(SIGHUP)
        let resolver = Resolver(servers: [try #require(Endpoint(zone.ready))])
        let isThere = try eventually { try !resolver.a(Array(mark.utf8)).isVoid }
        #expect(isThere)
    }

    var root: Root { Root(folder.file("root")) }

    /// The results that were counted today, the lines of counts only.
    var results: [String] {
        let days = folder.names(in: "root/spool/tls/results")
        return days.flatMap { day -> [String] in
            let text = (try? folder.read("root/spool/tls/results/\(day)/y.test")) ?? []
            return String(decoding: text, as: UTF8.self).split(separator: "\n").map(String.init)
                .filter { $0.hasPrefix("count") }
                .map { $0.replacingOccurrences(of: "\t", with: " ") }
        }
    }

    /// An agent as a new worker has it.
    func agent() throws -> RemoteAgent {
        let line = try #require(try root.control.resolverLine())
        let resolver = Resolver(
            servers: [line.endpoint], timeout: .milliseconds(500), attempts: 1,
            isValidating: line.isValidating)
        var settings = try RemoteSettings(root.control, resolver: resolver)
        settings.port = port
        settings.connectLimit = .seconds(10)
        settings.stepLimit = .seconds(30)
        let configuration = try TLSClientConfiguration(
            root, resolver, stsPort: Int(policyPort))
        settings.security = TransportSecurity(configuration, resolver)
        return RemoteAgent(settings)
    }

    /// Delivers one message to one recipient.
    func deliver(
        requiresTLS: Bool = false, text: String = "Subject: x\n\nhi\n"
    ) throws -> DeliveryResult {
        var agent = try agent()
        return try deliver(by: &agent, requiresTLS: requiresTLS, text: text)
    }

    func deliver(
        by agent: inout RemoteAgent, requiresTLS: Bool = false, text: String = "Subject: x\n\nhi\n"
    ) throws -> DeliveryResult {
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(Array(text.utf8), "message")
        var envelope = Envelope(
            reversePath: try ReversePath(Array("a@x.test".utf8)),
            recipients: [try Mailbox(Array("b@y.test".utf8))])
        envelope.options.requireTLS = requiresTLS
        let request = DeliveryRequest(
            id: SessionID(microseconds: 1, random: 2).message(3), channel: .remote,
            domain: Array("y.test".utf8), envelope: envelope, edits: [], messageOffset: 0,
            messageLength: text.utf8.count)
        let reply = agent.deliver(request, file.borrowed)
        withExtendedLifetime(file) {}
        return try #require(reply.results.first)
    }
}

extension DeliveryResult {
    /// `delivered`, or the outcome with its code and status.
    var brief: String {
        outcome == .delivered
            ? "delivered"
            : "\(outcome.rawValue) \(reply.code) \(reply.status)"
    }
}
