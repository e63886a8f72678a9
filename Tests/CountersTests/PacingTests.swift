// PacingTests: tests SpamThrottle's formula, Sources/Counters/Charge.swift and Meter.swift.
// SPDX-License-Identifier: MIT

import Counters
import Testing

/// A key at work; the time is the test's.
private final class Line {
    private(set) var milliseconds: UInt64 = 1_700_000_000_000
    private var store: MemoryStore?

    init() { store = MemoryStore { [unowned self] in milliseconds * 1_000_000 } }

    /// Requests with so many milliseconds before each, and the wait of each.
    func waits(_ pacing: Pacing, _ gaps: [UInt64]) throws -> [UInt64?] {
        try gaps.map { gap in
            milliseconds += gap
            return try store?.charge([Charge([1], .pace(pacing))]).waits[0]
        }
    }
}

@Suite struct PacingTests {
    private let two = Pacing(step: 2000, most: 7000)

    @Test func `who comes no faster than one a step never waits`() throws {
        #expect(try Line().waits(two, [0, 2000, 3000, 100_000, 2000]) == [0, 0, 0, 0, 0])
    }

    @Test func `many at once wait longer each time, up to the most`() throws {
        #expect(
            try Line().waits(two, [0, 0, 0, 0, 0, 0]) == [0, 2000, 4000, 6000, 7000, 7000])
    }

    @Test func `one after the other waits for one step each time`() throws {
        // The client comes again when its wait is over.
        #expect(try Line().waits(two, [0, 0, 2000, 2000, 2000]) == [0, 2000, 2000, 2000, 2000])
    }

    @Test func `a wait falls with time`() throws {
        #expect(try Line().waits(two, [0, 0, 0, 5000, 500]) == [0, 2000, 4000, 1000, 2500])
    }

    @Test(arguments: [
        (1, 0, [0, 2000]),
        (100, 0, [0, 2000]),  // without a reasonable number any is reasonable
        (5, 5, [0, 2000]),
        (10, 5, [2000, 6000]),  // twice as many: two steps each, of which the first has one saved
        (7, 5, [800, 3600]),
        (1_000_000_000, 1, [7000, 7000]),
    ])
    func `more recipients than are reasonable cost more steps`(
        recipients: Int, reasonable: Int, expected: [UInt64]
    ) throws {
        let pacing = Pacing(
            step: 2000, most: 7000, recipients: recipients, reasonable: reasonable)
        #expect(try Line().waits(pacing, [0, 0]) == expected)
    }

    @Test func `what is over a limit waits for a step at least`() throws {
        let pacing = Pacing(stepNow: 2000, most: 5000)
        #expect(
            try Line().waits(pacing, [0, 0, 0, 60_000, 1000]) == [2000, 4000, 5000, 2000, 3000])
    }

    @Test func `a trial waits as long and leaves nothing`() throws {
        let store = MemoryStore { 1_700_000_000_000_000_000 }
        let charge = Charge([1], .pace(Pacing(stepNow: 500, most: 5000)))
        for _ in 0..<3 { #expect(try store.charge([charge], isTrial: true).waits == [0: 500]) }
        #expect(try store.entries().isEmpty)
    }

    @Test func `who is refused adds to no wait`() throws {
        let store = MemoryStore { 1_700_000_000_000_000_000 }
        let rate = try #require(Rate(1, perSeconds: 3600))
        let both = [Charge([1], rate), Charge([2], .pace(Pacing(step: 500, most: 5000)))]
        for _ in 0..<5 { _ = try store.charge(both) }
        #expect(try store.charge([both[1]]).waits == [0: 500])
    }
}
