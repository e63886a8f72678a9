// A session of the client under TLS, byte by byte.
// RFC 3207; RFC 8314.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import SMTPClient
import TestSupport
import Testing
import UnixIO

@testable import Delivery
@testable import TLS
@testable import TransportSecurity

@Suite struct SecureSessionTests {
    private let keys: Keys

    init() throws { keys = try Keys.all.get() }

    private func connect(_ port: UInt16) throws -> OwnedDescriptor {
        let endpoint = try #require(InternetEndpoint(address: [127, 0, 0, 1], port: port))
        return try InternetSocket.connect(to: endpoint, "stub", deadline: .after(.seconds(30)))
    }

    private func layer(
        _ versions: ClosedRange<TLSVersion> = .version12 ... .version13
    ) throws -> TLSLayer {
        var settings = ClientSettings()
        settings.versions = versions
        return TLSLayer(
            try ClientEngine(
                ClientContext(settings).server(named: "mx.y.test", ServerCheck.nothing)))
    }

    private let name = Array("us.test".utf8)

    @Test(arguments: [TLSVersion.version12, .version13])
    func `TLS can begin before the greeting`(_ version: TLSVersion) throws {
        nonisolated(unsafe) let context = try ServerContext(Credential(pem: keys.good))
        let server = try Listening { line, _ in
            try line.startTLS(context)
            // The greeting may come with the last words of the handshake.
            try line.say("220 mx.y.test")
            _ = try line.hear()
            try line.say("250-mx.y.test\r\n250 STARTTLS")
            _ = try line.hear()
            try line.say("221 bye")
        }
        var session = ClientSession(
            try connect(server.port), limits: ClientLimits(step: .seconds(30)))
        let layer = try layer(version...version)
        try session.beginTLS(layer)
        try session.open(as: name)
        let isSecured = session.isSecured
        #expect(isSecured)
        #expect(layer.engine.version == version.rawValue)
        // A second TLS within the first is not asked for.
        let again = try session.startTLS(try self.layer(), as: name)
        #expect(again == .notOffered)
        session.quit()
    }

    @Test func `what was offered in clear counts for nothing under TLS`() throws {
        nonisolated(unsafe) let context = try ServerContext(Credential(pem: keys.good))
        let server = try Listening { line, _ in
            try line.say("220 mx.y.test")
            _ = try line.hear()
            try line.say("250-mx.y.test\r\n250-DSN\r\n250-PIPELINING\r\n250 STARTTLS")
            _ = try line.hear()
            try line.say("220 go on")
            try line.startTLS(context)
            _ = try line.hear()
            try line.say("250-mx.y.test\r\n250 REQUIRETLS")
            _ = try line.hear()
        }
        var session = ClientSession(
            try connect(server.port), limits: ClientLimits(step: .seconds(30)))
        try session.open(as: name)
        let before = session.extensions
        #expect(before.dsn)
        let answer = try session.startTLS(try layer(), as: name)
        #expect(answer == .secured)
        let after = session.extensions
        #expect(!after.dsn)
        #expect(!after.pipelining)
        #expect(after.requireTLS)
    }

    @Test func `bytes that come one by one, or that hang, end in time`() throws {
        let server = try Listening { line, _ in
            try line.say("220 mx.y.test")
            _ = try line.hear()
            try line.say("250-mx.y.test\r\n250 STARTTLS")
            _ = try line.hear()
            try line.say("220 go on")
            try line.hearSome()
            // The head of a record of TLS that never ends.
            for byte: UInt8 in [22, 3, 3, 0x3F, 0xFF] + Array(repeating: 2, count: 1000) {
                try line.send([byte])
                usleep(20_000)
            }
        }
        var session = ClientSession(
            try connect(server.port), limits: ClientLimits(step: .seconds(2)))
        try session.open(as: name)
        var failure: ClientError?
        let layer = try layer()
        do throws(ClientError) {
            _ = try session.startTLS(layer, as: name)
        } catch {
            failure = error
        }
        #expect(failure == .timedOut(.handshake))
        let canGoOn = session.canGoOn
        #expect(!canGoOn)
    }

    @Test func `a refusal in the middle of a message is heard under TLS too`() throws {
        let server = try MailServer(keys.good, .refusesEarly)
        let world = try World(port: server.port, isSigned: false)
        let line = String(repeating: "x", count: 70) + "\n"
        let text = "Subject: x\n\n" + String(repeating: line, count: 100_000)
        #expect(try world.deliver(text: text).brief == "failed 552 5.3.4")
    }

    @Test func `a message of megabytes arrives whole`() throws {
        let server = try MailServer(keys.good)
        let world = try World(port: server.port, isSigned: false)
        let line = String(repeating: "x", count: 70) + "\n"
        let text = "Subject: x\n\n" + String(repeating: line, count: 50_000)
        #expect(try world.deliver(text: text).brief == "delivered")
        #expect(server.messages.first?.text == text)
        #expect(server.messages.first?.isSecure == true)
    }
}
