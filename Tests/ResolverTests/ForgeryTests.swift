// Tests of answers that are not to our question, sent before the one that is.
// RFC 5452, section 9.
// SPDX-License-Identifier: MIT

import Control
import Foundation
import Glibc
import MailModel
import Testing
import UnixIO

@testable import Resolver

struct ForgeryTests {
    /// A server that answers one query with what `answers` makes of it.
    private static func serve(
        _ answers: @escaping @Sendable ([UInt8]) -> [[UInt8]]
    ) throws -> Endpoint {
        let number = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                _ = bind(number, $0, size)
                _ = getsockname(number, $0, &size)
            }
        }
        let port = UInt16(bigEndian: name.sin_port)
        Thread.detachNewThread {
            var peer = sockaddr()
            var length = socklen_t(MemoryLayout<sockaddr>.size)
            var buffer = [UInt8](repeating: 0, count: 2048)
            let got = recvfrom(number, &buffer, buffer.count, 0, &peer, &length)
            for answer in answers(Array(buffer.prefix(max(0, got)))) {
                sendto(number, answer, answer.count, 0, &peer, length)
            }
            close(number)
        }
        return try #require(Endpoint("127.0.0.1:\(port)"))
    }

    /// The query without its OPT record, as an answer with one address.
    private static func answer(_ query: [UInt8], _ address: [UInt8]) -> [UInt8] {
        var bytes = Array(query.dropLast(11))
        bytes[2] |= 0x80
        bytes[7] = 1
        bytes[11] = 0
        return bytes + [0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4] + address
    }

    @Test func `answers with another id, question or direction are passed over`() throws {
        let endpoint = try Self.serve { query in
            let good = Self.answer(query, [192, 0, 2, 1])
            var otherID = Self.answer(query, [192, 0, 2, 66])
            otherID[1] ^= 1
            var otherName = Self.answer(query, [192, 0, 2, 66])
            otherName[13] ^= 1
            var question = Self.answer(query, [192, 0, 2, 66])
            question[2] &= 0x7F
            return [otherID, otherName, question, [], [1, 2, 3], good]
        }
        let resolver = Resolver(servers: [endpoint], timeout: .seconds(20), attempts: 1)
        let found = try resolver.a(Array("a.test".utf8))
        #expect(found.values == [IPAddress("192.0.2.1")])
    }

    @Test func `an answer with our id that cannot be read is malformed`() throws {
        let endpoint = try Self.serve { [Array($0.prefix(9))] }
        let resolver = Resolver(servers: [endpoint], timeout: .seconds(20), attempts: 1)
        #expect(throws: ResolverError.malformed) { try resolver.a(Array("a.test".utf8)) }
    }

    @Test func `records of somebody else are not ours`() throws {
        let endpoint = try Self.serve { query in
            var other = Self.answer(query, [192, 0, 2, 66])
            other.removeSubrange((other.count - 16)..<(other.count - 14))
            other.insert(contentsOf: [1, 0x62, 0], at: other.count - 14)
            return [other]
        }
        let resolver = Resolver(servers: [endpoint], timeout: .seconds(20), attempts: 1)
        #expect(try resolver.a(Array("a.test".utf8)) == .noData)
    }
}
