// 20,000 random and mutated records: an evaluation ends, within its limits, whatever a domain says.
// RFC 7208, sections 4.6.4 and 11.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Resolver
@testable import SenderPolicy

struct FuzzTests {
    private static let clients = ["192.0.2.1", "2001:db8::1", "127.0.0.1"]

    private static let terms = [
        "all", "a", "mx", "ptr", "exists:%{i}.a.test", "include:a.test", "include:b.test",
        "include:c.test", "a:b.test/24//64", "mx:b.test/0", "ip4:192.0.2.0/24", "ip4:1.2.3.4/33",
        "ip6:2001:db8::/32", "ip6:::ffff:192.0.2.1", "ip6:::/0", "redirect=a.test",
        "redirect=b.test", "exp=c.test", "exists:%{l1r+-}.%{o}.%{d2}.%{h}.%{v}.%{p}.a.test",
        "a:%{s}.%{S}.%{L}.test", "x=%{c}%{r}%{t}", "%{", "%", "exists:%{d999999999999999999999}.x",
        "a:\(String(repeating: "x.", count: 120))test", "include:%{ir}.a.test", "mx://", "a:/", "+",
        "-", "~all", "?all", "-all", "v=spf1", "\u{E9}", "include:", "ptr:a.test", "mx:c.test",
        "a:" + String(repeating: "%{d}.", count: 60) + "test", "ip4:", "A:B.TEST", "=", ":",
        "a.b=c",
    ]

    /// A record of random terms, and then perhaps of random bytes among them.
    private static func record(_ random: inout SeededRandom) -> [UInt8] {
        let count = random.below(20) == 0 ? 300 : random.below(12)
        let words = (0..<count).map { _ in
            random.pick(["", "", "", "+", "-", "~", "?"]) + random.pick(terms)
        }
        var bytes = Array("v=spf1 \(words.joined(separator: random.pick([" ", "  ", "\t"])))".utf8)
        for _ in 0..<random.pick([0, 0, 1, 3, 10]) where bytes.count > 7 {
            let index = 7 + random.below(bytes.count - 7)
            switch random.below(3) {
            case 0: bytes[index] = UInt8(random.below(256))
            case 1: bytes.insert(UInt8(random.below(256)), at: index)
            default: bytes.remove(at: index)
            }
        }
        return bytes
    }

    /// Names with policies, addresses, exchanges; all others are those of a DNS that fails.
    private static func cache(_ random: inout SeededRandom) throws -> AnswerCache {
        var cache = AnswerCache()
        for name in ["a.test", "b.test", "c.test"] {
            let owner = try #require(DomainName(name.utf8))
            func keep(_ type: RecordType, _ data: [RecordData]) {
                let records = data.map {
                    Record(owner: owner, type: type.rawValue, timeToLive: 60, data: $0)
                }
                cache.keep(
                    Answer(
                        lookup: records.isEmpty ? .noData : .found(records, timeToLive: 60),
                        timeToLive: 60), for: Question(name: owner, type: type.rawValue), 0)
            }
            let isTwice = random.below(20) == 0
            keep(.txt, (0..<(isTwice ? 2 : 1)).map { _ in .strings([record(&random)]) })
            let address = try #require(IPAddress(random.pick(["192.0.2.1", "203.0.113.9"])))
            keep(.a, (0..<random.below(3)).map { _ in .address(address) })
            keep(
                .aaaa,
                try random.below(2) == 0 ? [] : [.address(#require(IPAddress("2001:db8::1")))])
            let exchange = MXRecord(preference: 1, exchange: random.below(9) == 0 ? .root : owner)
            keep(.mx, (0..<random.below(14)).map { _ in .exchanger(exchange) })
        }
        for client in clients {
            let owner = DomainName.reverse(of: try #require(IPAddress(client)))
            let name = try #require(DomainName("b.test".utf8))
            let data = (0..<random.below(15)).map { _ in
                Record(owner: owner, type: 12, timeToLive: 60, data: .name(name))
            }
            cache.keep(
                Answer(
                    lookup: data.isEmpty ? .noName : .found(data, timeToLive: 60), timeToLive: 60),
                for: Question(name: owner, type: 12), 0)
        }
        return cache
    }

    @Test(arguments: 0..<4)
    func `any record comes to a result in time`(part: Int) throws {
        let policy = SenderPolicy(
            resolver: Resolver(servers: []), receiver: Array("mx.test".utf8))
        var random = SeededRandom(UInt64(part) + 1)
        var results: [SPFResult: Int] = [:]
        for number in 0..<5_000 {
            var cache = try Self.cache(&random)
            let question = SPFQuestion(
                client: try #require(IPAddress(random.pick(Self.clients))),
                helo: Array(random.pick(["b.test", "x", "[1.2.3.4]", "\u{1}.test"]).utf8),
                reversePath: try ReversePath(
                    random.pick(["me@a.test", "\"a b\"@a.test", "@a.test", "a.b-c+d/e@A.test"]).utf8
                ),
                identity: .mailfrom)
            let began = ContinuousClock.now
            let finding = policy.check(try #require(question), cache: &cache, now: 1)
            #expect(ContinuousClock.now - began < .seconds(10), "\(part)/\(number)")
            #expect(finding.lookups <= SenderPolicy.maximumLookups)
            #expect(finding.voidLookups <= SenderPolicy.maximumVoidLookups + 1)
            #expect(finding.queries.count <= 1 + 2 + 10 * 11 + 11)
            results[finding.result, default: 0] += 1
        }
        #expect(results.count >= 6, "\(results)")
    }
}
