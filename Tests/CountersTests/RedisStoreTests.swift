// RedisStoreTests: tests Sources/Counters/RedisStore.swift against a real redis-server.
// SPDX-License-Identifier: MIT

import Counters
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

/// A server, and stores in it.
private struct Fixture {
    let folder: TestFolder
    let server: RedisServer

    init(_ options: [String] = []) throws {
        folder = try TestFolder()
        server = try RedisServer(in: folder, options)
    }

    func store(_ more: String = "", timeout: Duration = .seconds(20)) throws -> RedisStore {
        let address = try #require(RedisAddress(server.address + more))
        return RedisStore(address, timeout: timeout, log: Log("test"))
    }
}

/// Numbers that are the same each time.
private struct Dice {
    private var state: UInt64 = 88_172_645_463_325_252

    mutating func roll(_ sides: UInt64) -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state % sides
    }
}

@Suite struct RedisStoreTests {
    /// Lives as long as the test does.
    private let fixture: Fixture

    init() throws { fixture = try Fixture() }

    private func rate(_ text: String) throws -> Rate { try #require(Rate(Array(text.utf8))) }

    @Test func `it decides as the store of one host does`() throws {
        let store = try fixture.store()
        let other = MemoryStore { WallClock.microseconds &* 1000 }
        // Units come back so slowly that the time between two questions makes no difference.
        let rates = try ["7/31d", "1/30d/5", "1000/29d/10"].map(rate)
        var dice = Dice()
        for _ in 0..<600 {
            let charges = (0...dice.roll(4)).map { _ in
                let key = UInt8(dice.roll(6))
                let rate = rates[Int(key) % 3]
                let units = dice.roll(4)
                let kind: Charge.Kind =
                    switch dice.roll(8) {
                    case 0: .look(rate, refuses: dice.roll(2) == 0)
                    case 1: .record(rate, units: units)
                    case 2: .take(rate, units: 11, refuses: dice.roll(2) == 0)
                    default: .take(rate, units: units, refuses: dice.roll(2) == 0)
                    }
                return Charge([key], kind)
            }
            let isTrial = dice.roll(5) == 0
            let ours = try store.charge(charges, isTrial: isTrial)
            #expect(try ours == other.charge(charges, isTrial: isTrial))
            if dice.roll(40) == 0 {
                try store.forget(try store.entries())
                try other.forget(try other.entries())
            }
        }
    }

    @Test func `it asks for the waits that the store of one host asks for`() throws {
        let store = try fixture.store()
        let rate = try rate("2/31d")
        let charges = [
            Charge([1], .take(rate, units: 1, refuses: false)),
            Charge([2], .paceWhenOver(Pacing(stepNow: 100_000, most: 250_000))),
            Charge([3], .pace(Pacing(step: 90_000, most: 600_000, recipients: 6, reasonable: 4))),
        ]
        // In steps of ten seconds: so long no test takes.
        let waits = try (0..<5).map { _ in
            try store.charge(charges).waits.mapValues { ($0 + 9_999) / 10_000 }
        }
        #expect(
            waits == [
                [2: 5], [2: 18], [1: 10, 2: 32], [1: 20, 2: 45], [1: 25, 2: 59],
            ])
    }

    @Test func `many processes together admit exactly the limit`() async throws {
        let address = fixture.server.address
        let granted = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<6 {
                group.addTask {
                    let words = ["charge", address, "k", "500/31d", "200"]
                    return try Tool("counters-example", words).run().text
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(granted.count == 6)
        #expect(granted.reduce(0) { $0 + (Int($1.dropLast()) ?? 10_000) } == 500)
    }

    @Test func `units come back by the clock of the server`() throws {
        let store = try fixture.store()
        let charge = Charge([1], try rate("20/1s/1"))
        #expect(try store.charge([charge]).isCharged)
        #expect(try eventually { try store.charge([charge]).isCharged })
    }

    @Test func `keys begin with our prefix and are forgotten by the server`() throws {
        _ = try fixture.store().charge([Charge(Array("k".utf8), try rate("2/1h"))])
        #expect(try fixture.server.ask("KEYS", "*") == "chainmail:throttle:\u{1}k\n")
        let life = try #require(
            Int(fixture.server.ask("PTTL", "chainmail:throttle:\u{1}k").dropLast()))
        #expect((1_700_000...1_800_002).contains(life))
    }

    @Test func `what is stored is listed and forgotten`() throws {
        let store = try fixture.store()
        let rate = try rate("10/31d")
        for number in 0..<2500 {
            _ = try store.charge([Charge(Array("key \(number)".utf8), rate, units: 3)])
        }
        _ = try fixture.server.ask("SET", "not ours", "1")
        let entries = try store.entries()
        #expect(Set(entries.map(\.key)).count == 2500)
        #expect(entries.allSatisfy { $0.used(of: rate) == 3 })
        try store.forget(Array(entries.dropLast(7)))
        #expect(try store.entries().count == 7)
        #expect(try fixture.server.ask("GET", "not ours") == "1\n")
    }

    @Test func `a server that forgot the script is told it again`() throws {
        let store = try fixture.store()
        let charge = Charge([1], try rate("3/1h"))
        #expect(try store.charge([charge]).isCharged)
        _ = try fixture.server.ask("SCRIPT", "FLUSH")
        #expect(try store.charge([charge]).isCharged)
        #expect(try store.charge([charge]).isCharged)
        #expect(try !store.charge([charge]).isCharged)
    }

    @Test func `a value of somebody else is not known`() throws {
        _ = try fixture.server.ask("SET", "chainmail:throttle:\u{1}k", "nonsense")
        let charge = Charge(Array("k".utf8), try rate("3/1h"))
        #expect(throws: CounterError.self) { _ = try fixture.store().charge([charge]) }
        _ = try fixture.server.ask("DEL", "chainmail:throttle:\u{1}k")
        _ = try fixture.server.ask("LPUSH", "chainmail:throttle:\u{1}k", "x")
        #expect(throws: CounterError.self) { _ = try fixture.store().charge([charge]) }
    }

    @Test(arguments: [["SET", "nonsense"], ["LPUSH", "x"]])
    func `a value of somebody else makes no other key unknown`(how: [String]) throws {
        _ = try fixture.server.ask(how[0], "chainmail:throttle:\u{1}k", how[1])
        let store = try fixture.store()
        for _ in 0..<2 {
            #expect {
                _ = try store.charge([Charge(Array("k".utf8), try rate("3/1h"))])
            } throws: { error in
                if case CounterError.damaged = error { true } else { false }
            }
        }
        #expect(try store.charge([Charge(Array("other".utf8), try rate("3/1h"))]).isCharged)
    }

    @Test func `a time further ahead than a burst is cut to it`() throws {
        // As a server leaves it whose clock was set back.
        _ = try fixture.server.ask("SET", "chainmail:throttle:\u{1}k", "8000000000000000 5")
        let store = try fixture.store()
        let charge = Charge(Array("k".utf8), try rate("2/1h"))
        #expect(try !store.charge([charge]).isCharged)
        #expect(
            try store.entries().map { ($0.nanosecondsLeft + 999_999_999) / 60_000_000_000 } == [60])
    }

    @Test func `databases are apart`() throws {
        let charge = Charge([1], try rate("1/1h"))
        #expect(try fixture.store().charge([charge]).isCharged)
        #expect(try fixture.store("?db=3").charge([charge]).isCharged)
        #expect(try !fixture.store("?db=3").charge([charge]).isCharged)
    }

    @Test func `a password is needed and given`() throws {
        let fixture = try Fixture(["--requirepass", "se:c@ret"])
        let charge = Charge([1], try rate("1/1h"))
        let lines = try ["", ":wrong@", ":se%3Ac@ret@", "default:se:c@ret@"].map { login in
            let text = "redis+unix://\(login)\(fixture.server.socket)"
            let store = RedisStore(
                try #require(RedisAddress(text)), timeout: .seconds(20), log: Log("test"))
            return (try? store.charge([charge], isTrial: true))?.over
        }
        #expect(lines == [nil, nil, [], []])
    }

    @Test func `it is found by port`() throws {
        let folder = try TestFolder()
        let server = try RedisServer(in: folder, onPort: true)
        let address = try #require(RedisAddress("redis://localhost:\(server.port)"))
        let store = RedisStore(address, timeout: .seconds(20), log: Log("test"))
        #expect(try store.charge([Charge([1], try rate("1/1h"))]).isCharged)
    }
}
