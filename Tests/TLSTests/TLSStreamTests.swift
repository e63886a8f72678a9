// Tests of connections under TLS.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import TestSupport
import Testing
import UnixIO

@testable import TLS

@Suite struct TLSStreamTests {
    private func server(_ change: (inout ServerSettings) -> Void = { _ in }) throws
        -> ServerContext
    {
        var settings = ServerSettings()
        change(&settings)
        return try ServerContext(selfSigned("mx.test"), settings)
    }

    @Test(arguments: bothVersions)
    func `both ends agree on what they speak`(_ versions: ClosedRange<TLSVersion>) throws {
        let pair = try session(server(), client(versions).server(named: "mx.test"))
        #expect(pair.server.version == versions.lowerBound.rawValue)
        #expect(pair.client.version == pair.server.version)
        #expect(pair.server.cipher.hasPrefix("TLS_"))
        #expect(pair.client.cipher == pair.server.cipher)
        #expect(pair.server.serverName == "mx.test")
        #expect(!pair.server.isResumed)
        #expect(pair.server.peer == nil)
    }

    @Test(arguments: bothVersions)
    func `bytes go both ways, and the end is said`(_ versions: ClosedRange<TLSVersion>) throws {
        let pair = try session(server(), client(versions).server(named: nil))
        #expect(pair.server.serverName == nil)
        try pair.server.say("220 hello\r\n")
        #expect(try pair.client.hear() == "220 hello\r\n")
        try pair.client.say("QUIT\r\n")
        #expect(try pair.server.hear() == "QUIT\r\n")
        try pair.server.write(Array("221 bye\r\n".utf8), until: .soon, isLast: true)
        #expect(try pair.client.hear() == "221 bye\r\n")
        #expect(throws: StreamError.closed) { try pair.client.hear() }
    }

    @Test func `more than any buffer holds arrives whole`() throws {
        let pair = try session(server(), client().server(named: nil))
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        nonisolated(unsafe) let client = pair.client
        let writer = Running { try client.write(bytes, until: .soon) }
        var got: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 50_000)
        while got.count < bytes.count {
            let count = try buffer.withUnsafeMutableBytes {
                try pair.server.read(into: $0, until: .soon, mayStop: false)
            }
            got += buffer[..<count]
        }
        try writer.value()
        #expect(got == bytes)
    }

    @Test(arguments: bothVersions)
    func `it goes on when each byte comes alone`(_ versions: ClosedRange<TLSVersion>) throws {
        let near = try Ends()
        let far = try Ends()
        for (from, to) in [
            (near.other.number, far.one.number), (far.one.number, near.other.number),
        ] {
            Thread.detachNewThread {
                var byte: UInt8 = 0
                while read(from, &byte, 1) == 1, write(to, &byte, 1) == 1 {}
            }
        }
        nonisolated(unsafe) let context = try server()
        let other = Running { try TLSStream(context, over: near.first, until: .soon) }
        let client = try TLSStream(
            client(versions).server(named: "x.test"), over: far.second, until: .soon)
        let server = try other.value()
        try client.say("EHLO x\r\n")
        #expect(try server.hear() == "EHLO x\r\n")
        try server.write(Array("250 x\r\n".utf8), until: .soon, isLast: true)
        #expect(try client.hear() == "250 x\r\n")
        shutdown(near.one.number, Int32(SHUT_RDWR))
        shutdown(far.other.number, Int32(SHUT_RDWR))
    }

    @Test func `a read that ended with its time leaves a stream to say goodbye on`() throws {
        let pair = try session(server(), client().server(named: nil))
        #expect(throws: StreamError.timedOut) {
            try pair.server.hear(until: .after(.milliseconds(30)))
        }
        try pair.server.write(Array("421 late\r\n".utf8), until: .soon, isLast: true)
        #expect(try pair.client.hear() == "421 late\r\n")
    }

    @Test func `who says nothing ends the handshake with its time`() throws {
        let ends = try Ends()
        #expect(throws: HandshakeError.stream(.timedOut)) {
            try TLSStream(server(), over: ends.first, until: .after(.milliseconds(30)))
        }
    }

    @Test func `who goes away ends the handshake`() throws {
        let ends = try Ends()
        shutdown(ends.other.number, Int32(SHUT_WR))
        #expect(throws: HandshakeError.stream(.closed)) {
            try TLSStream(server(), over: ends.first, until: .soon)
        }
    }

    private static let strange: [(String, String)] = [
        ("EHLO client.test\r\nMAIL FROM:<a@b.test>\r\n", "wrong version number"),
        ("GET / HTTP/1.0\r\n\r\n", "http request"),
        ("\u{16}\u{3}\u{1}\u{0}\u{4}abcdefgh", "unexpected message"),
    ]

    @Test(arguments: strange)
    func `what is no TLS is refused with a reason`(_ text: String, _ reason: String) throws {
        let ends = try Ends()
        try ends.other.borrowed.writeAll(Array(text.utf8), "server")
        do {
            _ = try TLSStream(server(), over: ends.first, until: .soon)
            Issue.record("a handshake with \(text)")
        } catch {
            #expect("\(error)" == reason)
        }
    }

    @Test func `a record that was changed on its way ends the stream`() throws {
        let pair = try session(server(), client().server(named: nil))
        try pair.ends.other.borrowed.writeAll(
            [23, 3, 3, 0, 20] + [UInt8](repeating: 7, count: 20), "server")
        do {
            _ = try pair.server.hear()
            Issue.record("it was read")
        } catch StreamError.failed(let error) {
            #expect("\(error)".contains("bad record mac"))
        }
        #expect(throws: StreamError.closed) { try pair.server.say("x") }
    }

    @Test func `versions that do not meet are refused`() throws {
        let server = try server { $0.versions = .version13 ... .version13 }
        #expect(throws: HandshakeError.self) {
            try session(server, client(.version12 ... .version12).server(named: nil))
        }
    }

    @Test func `ciphers are what the administrator says`() throws {
        let ciphers = try CipherList(
            "TLS_CHACHA20_POLY1305_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256")
        let server = try server { $0.ciphers = ciphers }
        let new = try session(server, client(bothVersions[1]).server(named: nil))
        #expect(new.server.cipher == "TLS_CHACHA20_POLY1305_SHA256")
        let old = try session(server, client(bothVersions[0]).server(named: nil))
        #expect(old.server.cipher == "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256")
    }

    @Test(arguments: [
        "", ":", "AES256-GMC-SHA384", "HIGH:nonsense", "TLS_AES_256_GCM_SHA385", "!ALL",
    ])
    func `a cipher that there is not is refused`(_ text: String) throws {
        #expect(throws: TLSError.self) { try CipherList(text) }
    }

    @Test func `words that take away may name what there is no more`() throws {
        _ = try CipherList("HIGH:!EXPORT:!RC4:@STRENGTH")
    }

    @Test(arguments: bothVersions)
    func `both ends have the same channel bindings`(_ versions: ClosedRange<TLSVersion>) throws {
        let keys = try TicketKeys()
        let server = try server { $0.tickets = keys }
        let client = try client(versions)
        let first = try session(server, client.server(named: nil))
        try first.server.say("x")
        _ = try first.client.hear()
        let left = try #require(first.client.session)
        let again = try session(server, client.server(named: nil, resuming: left))
        #expect(again.server.isResumed)
        for pair in [first, again] {
            let bindings = pair.server.channelBindings
            #expect(bindings == pair.client.channelBindings)
            let best = versions.lowerBound == .version13 ? "tls-exporter" : "tls-unique"
            #expect(bindings.map(\.name) == [best, "tls-server-end-point"])
            #expect(bindings.map(\.bytes.count) == [best == "tls-unique" ? 12 : 32, 32])
        }
        #expect(first.server.channelBindings[0] != again.server.channelBindings[0])
    }
}
