// CounterStoreTests: tests Sources/Counters/CounterStore.swift in one process.
// SPDX-License-Identifier: MIT

import Counters
import MailModel
import TestSupport
import Testing
import UnixIO

/// A clock that a test sets.
private final class TestClock {
    /// Seconds since 1970.
    var seconds: Double = 1_700_000_000

    var nanoseconds: UInt64 { UInt64(seconds * 1000) * 1_000_000 }
}

private struct Fixture {
    let folder: TestFolder
    let clock = TestClock()
    let store: CounterStore

    init(mapSize: Int = CounterStore.standardMapSize) throws {
        folder = try TestFolder()
        store = CounterStore(
            folder: folder.file("store"), mapSize: mapSize, log: Log("test"),
            clock: { [clock] in clock.nanoseconds })
    }

    /// How many of so many requests are admitted.
    func admitted(of count: Int, _ rate: Rate, key: String = "k") throws -> Int {
        try (0..<count).reduce(0) { sum, _ in
            sum + (try store.charge([Charge(Array(key.utf8), rate)]).isCharged ? 1 : 0)
        }
    }
}

@Suite struct CounterStoreTests {
    private func rate(_ text: String) throws -> Rate { try #require(Rate(Array(text.utf8))) }

    @Test(arguments: [
        ("3/1m", 3),
        ("7/1m", 7),  // does not divide a minute
        ("1000/1h/10", 10),
        ("1/1h/4", 4),
    ])
    func `a burst passes at once and no unit more`(text: String, burst: Int) throws {
        #expect(try Fixture().admitted(of: burst + 5, rate(text)) == burst)
    }

    @Test func `after a burst units come back one by one`() throws {
        let fixture = try Fixture()
        #expect(try fixture.admitted(of: 5, rate("6/1m")) == 5)
        fixture.clock.seconds += 25
        // One was left, and 25 seconds are two units of ten and a half.
        #expect(try fixture.admitted(of: 10, rate("6/1m")) == 3)
        fixture.clock.seconds += 5
        #expect(try fixture.admitted(of: 10, rate("6/1m")) == 1)
    }

    @Test func `in the long run no more than the rate passes`() throws {
        let fixture = try Fixture()
        var admitted = 0
        for _ in 0..<6000 {
            fixture.clock.seconds += 0.1
            admitted += try fixture.admitted(of: 1, rate("7/1m"))
        }
        // A tenth of a second less than ten minutes, and the burst.
        #expect(admitted == 69 + 7)
    }

    @Test func `amounts are charged as so many units`() throws {
        let fixture = try Fixture()
        let rate = try rate("100/1h")
        let units: [UInt64] = [60, 50, 40, 1]
        let charged = try units.map {
            try fixture.store.charge([Charge([1], rate, units: $0)]).isCharged
        }
        #expect(charged == [true, false, true, false])
    }

    @Test func `an amount over the burst never passes`() throws {
        let charge = Charge([1], try rate("10/1s"), units: .max)
        #expect(try !Fixture().store.charge([charge]).isCharged)
    }

    @Test func `a request over one limit is charged to none`() throws {
        let fixture = try Fixture()
        let wide = Charge([1], try rate("2/1h"))
        let narrow = Charge([2], try rate("1/1h"))
        #expect(try fixture.store.charge([wide, narrow]).isCharged)
        for _ in 0..<5 {
            let outcome = try fixture.store.charge([wide, narrow])
            #expect(outcome.over == [1] && !outcome.isCharged)
        }
        // The second unit of the wide limit is still there.
        #expect(try fixture.store.charge([wide]).isCharged)
        #expect(try !fixture.store.charge([wide]).isCharged)
    }

    @Test func `a limit that does not refuse stops no other`() throws {
        let fixture = try Fixture()
        let soft = Charge([1], try rate("1/1h"), refuses: false)
        let hard = Charge([2], try rate("2/1h"))
        let outcomes = try (0..<3).map { _ in try fixture.store.charge([soft, hard]) }
        #expect(outcomes.map(\.over) == [[], [0], [0, 1]])
        #expect(outcomes.map(\.isCharged) == [true, true, false])
    }

    @Test func `a key that is there twice in one request is charged twice`() throws {
        let fixture = try Fixture()
        let charge = Charge([1], try rate("3/1h"))
        #expect(try fixture.store.charge([charge, charge]).isCharged)
        #expect(try fixture.store.charge([charge, charge]).over == [1])
        #expect(try fixture.store.charge([charge]).isCharged)
    }

    @Test func `a trial says what would be and charges nothing`() throws {
        let fixture = try Fixture()
        let charge = Charge([1], try rate("1/1h"))
        for _ in 0..<3 {
            let outcome = try fixture.store.charge([charge], isTrial: true)
            #expect(outcome.over.isEmpty && !outcome.isCharged)
        }
        #expect(try fixture.store.charge([charge]).isCharged)
        #expect(try fixture.store.charge([charge], isTrial: true).over == [0])
    }

    @Test func `a clock that is set back costs one burst and no more`() throws {
        let fixture = try Fixture()
        #expect(try fixture.admitted(of: 6, rate("6/1m")) == 6)
        fixture.clock.seconds -= 86_400
        #expect(try fixture.admitted(of: 3, rate("6/1m")) == 0)
        fixture.clock.seconds += 10
        #expect(try fixture.admitted(of: 3, rate("6/1m")) == 1)
        fixture.clock.seconds += 60
        #expect(try fixture.admitted(of: 9, rate("6/1m")) == 6)
    }

    @Test func `long keys that differ in their last byte count apart`() throws {
        let fixture = try Fixture()
        let long = String(repeating: "x", count: 1002)
        #expect(try fixture.admitted(of: 3, rate("2/1h"), key: long + "a") == 2)
        #expect(try fixture.admitted(of: 3, rate("2/1h"), key: long + "b") == 2)
    }

    @Test func `keys whose time is over are forgotten`() throws {
        let fixture = try Fixture(mapSize: 256 << 10)
        let rate = try rate("10/1m")
        // Six seconds each: of 50,000 keys never more than 600 are alive.
        for number in 0..<50_000 {
            fixture.clock.seconds += 0.01
            let charge = Charge(Array("key \(number)".utf8), rate)
            #expect(try fixture.store.charge([charge]).isCharged)
        }
        #expect(fixture.folder.names(in: "store").contains("counters.mdb"))
    }

    @Test func `a store full of living keys is not known and recovers`() throws {
        let fixture = try Fixture(mapSize: 256 << 10)
        let rate = try rate("1/1h")
        var number = 0
        #expect(throws: CounterError.full) {
            while number < 100_000 {
                number += 1
                _ = try fixture.store.charge([Charge(Array("key \(number)".utf8), rate)])
            }
        }
        // A map of 64 pages holds some thousand keys.
        #expect(number > 2000)
        // Whether or not there is room again: what was charged is charged.
        #expect((try? fixture.admitted(of: 1, rate, key: "key 1")) ?? 0 == 0)
        fixture.clock.seconds += 3601
        #expect(try fixture.admitted(of: 2, rate) == 1)
    }

    @Test func `what is stored is listed and forgotten`() throws {
        let fixture = try Fixture()
        #expect(try fixture.store.entries().isEmpty)
        #expect(fixture.folder.names().isEmpty)
        let rate = try rate("10/1h")
        for number in 0..<300 {
            _ = try fixture.store.charge([Charge(Array("key \(number)".utf8), rate, units: 3)])
        }
        fixture.clock.seconds += 600
        let entries = try fixture.store.entries()
        #expect(Set(entries.map(\.key)).count == 300)
        #expect(entries.allSatisfy { $0.used(of: rate) == 2 })
        #expect(entries.allSatisfy { $0.nanosecondsLeft == 480_000_000_000 })
        try fixture.store.forget(Array(entries.dropLast(7)))
        #expect(try fixture.store.entries().count == 7)
        fixture.clock.seconds += 480
        #expect(try fixture.store.entries().isEmpty)
    }

    @Test func `a folder that cannot be made is an error and not a verdict`() throws {
        let store = CounterStore(folder: "/dev/null/store", log: Log("test"))
        #expect(throws: CounterError.self) {
            _ = try store.charge([Charge([1], try rate("1/1h"))])
        }
    }
}
