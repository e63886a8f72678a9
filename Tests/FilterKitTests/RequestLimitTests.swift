// Tests of --request-limit: a worker that hangs is killed, and nobody else.
// filters(7), section LIMITS.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

struct RequestLimitTests {
    private let folder: TestFolder
    private let service: Service
    /// A resolver that never answers.
    private let silence: Keeper
    private var socket: String { folder.file("s") }

    init() throws {
        folder = try TestFolder()
        let (silence, port) = try Self.silence()
        service = try Service(
            Tool(
                "spf-check",
                [
                    "--resolver", "127.0.0.1:\(port)", "--timeout", "60s", "--receiver", "mx.test",
                    "--serve", folder.file("s"), "--workers", "1-1", "--request-limit", "1s",
                ]),
            log: folder.file("log"))
        self.silence = silence
    }

    private final class Keeper {
        let descriptor: OwnedDescriptor
        init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    }

    private static func silence() throws -> (Keeper, UInt16) {
        let number = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        try #require(number >= 0)
        let keeper = Keeper(OwnedDescriptor(number))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(number, address, length) == 0 && getsockname(number, address, &length) == 0
            }
        }
        try #require(result)
        return (keeper, UInt16(bigEndian: address.sin_port))
    }

    /// Asks; with a client's address there is something to look up.
    private func ask(_ client: String?) throws -> Verdict {
        var facts = Facts()
        facts[.clientIP] = client.map { Array($0.utf8) }
        let path = try ReversePath(Array("a@example.org".utf8))
        let request = FilterRequest(
            stage: .mail, facts: facts, envelope: Envelope(reversePath: path))
        let reply = try Exchange.call(socket, request.fields, deadline: .after(.seconds(30)))
        return try FilterReply(reply.fields).verdict
    }

    @Test func `a worker that takes too long for one request is killed, and replaced`() throws {
        let error = #expect(throws: ExchangeError.self) { try ask("192.0.2.1") }
        // Nothing came, and not because our own time was over.
        #expect(error?.isTimeout == false)
        #expect(try ask(nil) == .accept)
        withExtendedLifetime(silence) {}
    }

    @Test func `a worker that answers lives, however long it works in all`() throws {
        let end = ContinuousClock.now + .milliseconds(2500)
        while ContinuousClock.now < end { #expect(try ask(nil) == .accept) }
        #expect(!service.log.contains("died"))
    }

    @Test(arguments: ["0s", "999ms", "2d", "x"])
    func `a limit is a second at least and a day at most`(text: String) throws {
        let tool = try Tool(
            "spf-check", ["--serve", folder.file("other"), "--request-limit", text])
        #expect(try tool.run().code == 55)
    }
}
