// Tests of answers that are kept: for how long, how many, and which never.
// RFC 2308.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Resolver

struct AnswerCacheTests {
    /// Nobody answers: what comes, comes from memory.
    private static let nobody = Resolver(servers: [])

    private static func question(_ name: String, _ type: RecordType = .txt) throws -> Question {
        Question(name: try #require(DomainName(name.utf8)), type: type.rawValue)
    }

    private static func found(_ name: String, _ text: String, _ seconds: UInt32) throws -> Answer {
        let record = Record(
            owner: try #require(DomainName(name.utf8)), type: RecordType.txt.rawValue,
            timeToLive: seconds, data: .strings([Array(text.utf8)]))
        return Answer(lookup: .found([record], timeToLive: seconds), timeToLive: seconds)
    }

    private static func isKept(_ cache: inout AnswerCache, _ name: String, at now: Int) -> Bool {
        let lookup = try? cache.query(
            Array(name.utf8), .txt, through: nobody, deadline: .after(.zero), now: now)
        return lookup != nil
    }

    @Test func `records are kept for their time, in any case of letters, and no longer`() throws {
        var cache = AnswerCache()
        cache.keep(try Self.found("a.test", "x", 60), for: try Self.question("a.test"), 1000)
        #expect(Self.isKept(&cache, "A.Test.", at: 1000))
        #expect(Self.isKept(&cache, "a.test", at: 1059))
        #expect(cache.hits == 2)
        #expect(!Self.isKept(&cache, "a.test", at: 1060))
        #expect(!Self.isKept(&cache, "a.test", at: 1000))
        #expect(cache.size == 0)
    }

    @Test func `another type is another question`() throws {
        var cache = AnswerCache()
        cache.keep(try Self.found("a.test", "x", 60), for: try Self.question("a.test", .mx), 0)
        #expect(!Self.isKept(&cache, "a.test", at: 1))
    }

    @Test func `a clock that was set back makes nothing hold for longer`() throws {
        var cache = AnswerCache()
        cache.keep(try Self.found("a.test", "x", 60), for: try Self.question("a.test"), 1000)
        #expect(!Self.isKept(&cache, "a.test", at: 999))
    }

    @Test(arguments: [
        // How long it may be kept, when it is asked for again, whether it is there.
        (60 as UInt32?, 59, true), (60, 60, false), (nil, 0, false), (0, 0, false),
        (1_000_000, 10_799, true), (1_000_000, 10_800, false),
    ])
    func `a no is kept as the zone says, three hours at most, and not at all when it says nothing`(
        seconds: UInt32?, now: Int, isKept: Bool
    ) throws {
        for lookup in [Lookup<Record>.noName, .noData] {
            var cache = AnswerCache()
            cache.keep(
                Answer(lookup: lookup, timeToLive: seconds), for: try Self.question("a.test"), 0)
            #expect(Self.isKept(&cache, "a.test", at: now) == isKept)
        }
    }

    @Test func `records are kept a day at most`() throws {
        var cache = AnswerCache()
        cache.keep(
            try Self.found("a.test", "x", .max), for: try Self.question("a.test"), 0)
        #expect(Self.isKept(&cache, "a.test", at: 86_399))
        #expect(!Self.isKept(&cache, "a.test", at: 86_400))
    }

    @Test func `memory is bounded, and what is in use stays`() throws {
        var cache = AnswerCache(limit: 100_000)
        cache.keep(try Self.found("used.test", "x", 60), for: try Self.question("used.test"), 0)
        for number in 0..<20_000 {
            let name = "n\(number).test"
            cache.keep(try Self.found(name, name, 60), for: try Self.question(name), 0)
            #expect(cache.size <= 100_000)
            #expect(Self.isKept(&cache, "used.test", at: 1))
        }
        #expect(!Self.isKept(&cache, "n0.test", at: 1))
        #expect(Self.isKept(&cache, "n19999.test", at: 1))
        let large = String(repeating: "x", count: 60_000)
        cache.keep(try Self.found("large.test", large, 60), for: try Self.question("large.test"), 0)
        #expect(!Self.isKept(&cache, "large.test", at: 1))
        #expect(Self.isKept(&cache, "used.test", at: 1))
    }

    @Test func `without memory nothing is kept`() throws {
        var cache = AnswerCache(limit: 0)
        cache.keep(try Self.found("a.test", "x", 60), for: try Self.question("a.test"), 0)
        #expect(!Self.isKept(&cache, "a.test", at: 0))
    }

    @Test func `a failure is asked about again`() throws {
        let service = try Service.zone("a.test. SERVFAIL\n", in: try TestFolder())
        let resolver = Resolver(servers: [try #require(Endpoint(service.ready))], attempts: 1)
        var cache = AnswerCache()
        for _ in 0..<2 {
            #expect(throws: ResolverError.refused(code: 2)) {
                _ = try cache.query(
                    Array("a.test".utf8), .txt, through: resolver,
                    deadline: .after(.seconds(10)), now: 0)
            }
        }
        #expect(cache.size == 0)
    }

    /// A message that says no, with these records in its authority section.
    private static func no(_ authority: [[UInt8]]) -> Message? {
        Message(
            [0, 1, 0x81, 0x83, 0, 1, 0, 0, 0, UInt8(authority.count), 0, 0]
                + [1, 0x61, 0, 0, 16, 0, 1] + authority.flatMap(\.self))
    }

    /// A record of the root: type, time to live, data.
    private static func record(_ type: UInt8, _ ttl: UInt8, _ data: [UInt8]) -> [UInt8] {
        [0, 0, type, 0, 1, 0, 0, 0, ttl, 0, UInt8(data.count)] + data
    }

    private static func authority(_ ttl: UInt8, minimum: UInt8) -> [UInt8] {
        record(6, ttl, [0, 0] + [UInt8](repeating: 0, count: 16) + [0, 0, 0, minimum])
    }

    @Test func `how long a no holds is the less of two numbers of the zone`() throws {
        #expect(Self.no([Self.authority(50, minimum: 20)])?.negativeTimeToLive == 20)
        #expect(Self.no([Self.authority(5, minimum: 20)])?.negativeTimeToLive == 5)
        #expect(
            Self.no([Self.record(2, 9, [0]), Self.authority(5, minimum: 20)])?.negativeTimeToLive
                == 5)
        #expect(Self.no([])?.negativeTimeToLive == nil)
        #expect(Self.no([Self.record(2, 9, [0])])?.negativeTimeToLive == nil)
        #expect(Self.no([Self.record(6, 9, [0, 0, 0])])?.negativeTimeToLive == nil)
    }
}
