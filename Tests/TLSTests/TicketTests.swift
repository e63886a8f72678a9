// Tests of session tickets.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import TestSupport
import Testing
import UnixIO

@testable import TLS

@Suite struct TicketTests {
    private let credential: Credential

    init() throws { credential = try selfSigned("mx.test") }

    private func server(
        _ keys: TicketKeys?, _ change: (inout ServerSettings) -> Void = { _ in }
    ) throws -> ServerContext {
        var settings = ServerSettings()
        settings.tickets = keys
        change(&settings)
        return try ServerContext(credential, settings)
    }

    /// What a first session with a server leaves.
    private func left(
        by server: ServerContext, _ client: ClientContext
    ) throws -> ClientContext.Session {
        let pair = try session(server, client.server(named: "mx.test"))
        // In TLS 1.3 the ticket comes with the first bytes.
        try pair.server.say("x")
        _ = try pair.client.hear()
        return try #require(pair.client.session)
    }

    @Test(arguments: bothVersions)
    func `a session is resumed, by a later generation too`(
        _ versions: ClosedRange<TLSVersion>
    ) throws {
        let keys = try TicketKeys()
        let client = try client(versions)
        let ticket = try left(by: server(keys), client)
        #expect(ticket.isResumable)
        let later = try server(keys)
        let pair = try session(later, client.server(named: "mx.test", resuming: ticket))
        #expect(pair.server.isResumed && pair.client.isResumed)
        #expect(pair.server.serverName == "mx.test")
    }

    @Test(arguments: bothVersions)
    func `a resumed session can be resumed again`(_ versions: ClosedRange<TLSVersion>) throws {
        let keys = try TicketKeys()
        let server = try server(keys)
        let client = try client(versions)
        var ticket = try left(by: server, client)
        for _ in 0..<6 {
            keys.rotate()
            let pair = try session(server, client.server(named: "mx.test", resuming: ticket))
            #expect(pair.server.isResumed)
            try pair.server.say("x")
            _ = try pair.client.hear()
            ticket = try #require(pair.client.session)
        }
    }

    @Test(arguments: bothVersions)
    func `a ticket of a key that is gone means a whole handshake`(
        _ versions: ClosedRange<TLSVersion>
    ) throws {
        let keys = try TicketKeys()
        let server = try server(keys)
        let client = try client(versions)
        let ticket = try left(by: server, client)
        for _ in 0..<4 { keys.rotate() }
        let pair = try session(server, client.server(named: "mx.test", resuming: ticket))
        #expect(!pair.server.isResumed)
        let other = try self.server(TicketKeys())
        #expect(
            try !session(other, client.server(named: "mx.test", resuming: ticket)).server
                .isResumed)
    }

    @Test func `keys are replaced when their time is over, and forgotten later`() throws {
        let keys = try TicketKeys(period: .seconds(1))
        let server = try server(keys)
        let client = try client()
        let ticket = try left(by: server, client)
        let isOver = try eventually {
            try !session(server, client.server(named: "mx.test", resuming: ticket)).server
                .isResumed
        }
        #expect(isOver)
        #expect(try left(by: server, client).isResumable)
    }

    @Test(arguments: bothVersions)
    func `without keys there are no tickets`(_ versions: ClosedRange<TLSVersion>) throws {
        let ticket = try left(by: server(nil), client(versions))
        #expect(!ticket.isResumable)
    }

    @Test(arguments: bothVersions)
    func `where clients are asked for a certificate there are no tickets`(
        _ versions: ClosedRange<TLSVersion>
    ) throws {
        let keys = try TicketKeys()
        let server = try server(keys) { $0.clientCertificates = .ask }
        #expect(try !left(by: server, client(versions)).isResumable)
    }

}
