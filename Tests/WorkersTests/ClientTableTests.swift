// Tests of ClientTable and RateTable.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

struct ClientTableTests {
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private static let neighbours: [(String, String, Int, Int, String)] = [
        ("192.0.2.1", "192.0.2.1", 2, 2, "the same address"),
        ("192.0.2.1", "192.0.2.255", 1, 2, "the same /24"),
        ("192.0.2.1", "192.0.3.1", 1, 1, "another /24"),
        ("192.0.2.1", "::ffff:192.0.2.7", 1, 2, "a mapped address is IPv4"),
        ("2001:db8::1", "2001:db8::ffff:0:0:1", 1, 2, "the same /64"),
        ("2001:db8::1", "2001:db8:0:1::1", 1, 1, "another /64"),
        ("::1", "0.0.0.1", 1, 1, "IPv4 is no part of IPv6"),
    ]

    @Test(arguments: neighbours)
    func `an address and its network are counted`(
        _ one: String, _ other: String, _ ofAddress: Int, _ ofNetwork: Int, _ reason: String
    ) throws {
        let table = try ClientTable(capacity: 4)
        _ = try #require(table.take(try address(other)))
        _ = try #require(table.take(try address(one)))
        let count = table.count(try address(one), NetworkPrefixes())
        #expect(count.address == ofAddress, "\(reason)")
        #expect(count.network == ofNetwork, "\(reason)")
        #expect(count.all == 2)
    }

    @Test func `prefixes of any length are cut to their bounds`() throws {
        let table = try ClientTable(capacity: 4)
        _ = table.take(try address("192.0.2.1"))
        _ = table.take(try address("10.0.0.1"))
        let all = NetworkPrefixes(version4: -1, version6: 500)
        #expect(table.count(try address("192.0.2.1"), all).network == 2)
        let one = NetworkPrefixes(version4: 99, version6: 0)
        #expect(table.count(try address("192.0.2.1"), one).network == 1)
    }

    @Test func `a full table has no place, and one that is left is free`() throws {
        let table = try ClientTable(capacity: 2)
        let client = try address("192.0.2.1")
        let place = try #require(table.take(client))
        _ = try #require(table.take(client))
        #expect(table.take(client) == nil)
        table.leave(place)
        #expect(table.count(client, NetworkPrefixes()).address == 1)
        #expect(table.take(client) != nil)
        table.leave(-1)
        table.leave(2)
        #expect(table.count(client, NetworkPrefixes()).address == 2)
    }

    @Test func `who has the number of a place from before can do nothing with it`() throws {
        let table = try ClientTable(capacity: 1)
        let old = try #require(table.take(try address("192.0.2.1")))
        // Its holder dies, and the next holder has the same place for another client.
        #expect(table.pass(old, from: getpid(), to: 1))
        table.ended(1)
        let other = try address("192.0.2.2")
        let new = try #require(table.take(other))
        #expect(table.pass(new, from: getpid(), to: 2))
        #expect(!table.pass(old, from: 2, to: getpid()))
        #expect(table.pass(new, from: 2, to: getpid()))
        table.leave(old)
        #expect(table.count(other, NetworkPrefixes()).address == 1)
        table.leave(new)
        #expect(table.count(other, NetworkPrefixes()).all == 0)
    }

    @Test func `a place is passed on by whom it belongs to`() throws {
        let table = try ClientTable(capacity: 1)
        let client = try address("192.0.2.1")
        let place = try #require(table.take(client))
        #expect(!table.pass(place, from: 1, to: getpid()))
        #expect(table.pass(place, from: getpid(), to: 1))
        // It is not ours any more.
        table.leave(place)
        #expect(table.count(client, NetworkPrefixes()).all == 1)
        table.ended(1)
        #expect(table.count(client, NetworkPrefixes()).all == 0)
    }

    @Test func `the places of the dead are found`() throws {
        let table = try ClientTable(capacity: 3)
        let client = try address("192.0.2.1")
        // One that has ended and was waited for.
        let process = try Child(Command("/bin/true"))
        let pid = process.pid
        _ = try process.wait()
        for _ in 0..<2 {
            let place = try #require(table.take(client))
            #expect(table.pass(place, from: getpid(), to: pid))
        }
        _ = table.take(client)
        table.sweep()
        #expect(table.count(client, NetworkPrefixes()).all == 1)
    }

    private func moment(_ milliseconds: UInt64) -> Deadline {
        Deadline(monotonicNanoseconds: 1_000_000_000_000 + milliseconds * 1_000_000)
    }

    @Test func `so many may come at once, and then as many as time allows`() throws {
        let table = try RateTable(capacity: 64)
        let client = try address("192.0.2.1")
        let rate = try #require(ArrivalRate(3, per: .seconds(3)))
        let times: [(UInt64, Bool)] = [
            (0, true), (0, true), (0, true), (0, false), (999, false), (1000, true), (1000, false),
            (3000, true), (3000, true), (3000, false), (100_000, true), (100_000, true),
            (100_000, true), (100_000, false),
        ]
        for (time, expected) in times {
            #expect(table.take(client, rate, now: moment(time)) == expected, "at \(time) ms")
        }
        #expect(table.take(try address("192.0.2.2"), rate, now: moment(0)))
    }

    @Test func `a rate that became slower does not lock anybody out`() throws {
        let table = try RateTable(capacity: 8)
        let client = try address("2001:db8::1")
        let year = try #require(ArrivalRate(1, per: .seconds(365 * 86_400)))
        #expect(table.take(client, year, now: moment(0)))
        #expect(!table.take(client, year, now: moment(1000)))
        let minute = try #require(ArrivalRate(1, per: .seconds(60)))
        #expect(!table.take(client, minute, now: moment(1000)))
        #expect(table.take(client, minute, now: moment(1000 + 365 * 86_400_000)))
    }

    @Test func `more clients than fit are all served`() throws {
        let table = try RateTable(capacity: 1)
        let rate = try #require(ArrivalRate(1, per: .seconds(60)))
        for number in 0..<100 {
            #expect(table.take(try address("192.0.2.\(number)"), rate, now: moment(0)))
        }
    }

    @Test(arguments: [(0, 60), (-1, 60), (1, 0), (1, 400 * 86_400)])
    func `some rates are none`(_ count: Int, _ seconds: Int) {
        #expect(ArrivalRate(count, per: .seconds(seconds)) == nil)
    }
}
