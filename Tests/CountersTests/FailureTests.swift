// FailureTests: tests looking at a limit and charging what is done already.
// SPDX-License-Identifier: MIT

import Counters
import Testing

@Suite struct FailureTests {
    private let store = MemoryStore { 1_700_000_000_000_000_000 }

    private func rate(_ text: String) throws -> Rate { try #require(Rate(Array(text.utf8))) }

    @Test func `looking charges nothing`() throws {
        let look = Charge([1], .look(try rate("1/1h"), refuses: true))
        for _ in 0..<3 { #expect(try store.charge([look]).over.isEmpty) }
        #expect(try store.entries().isEmpty)
    }

    @Test func `when all units are used a look is over`() throws {
        let rate = try rate("2/1h")
        let look = Charge([1], .look(rate, refuses: true))
        let record = Charge([1], .record(rate, units: 1))
        let over = try (0..<3).map { _ in
            let over = try store.charge([look]).over
            _ = try store.charge([record])
            return over
        }
        #expect(over == [[], [], [0]])
    }

    @Test func `what exceeds a burst is not kept`() throws {
        let rate = try rate("2/1h")
        for _ in 0..<50 { _ = try store.charge([Charge([1], .record(rate, units: 3))]) }
        let entry = try #require(try store.entries().first)
        #expect(entry.used(of: rate) == 2 && entry.nanosecondsLeft == 3_600_000_000_000)
    }

    @Test func `a look that refuses keeps others from being charged`() throws {
        let rate = try rate("1/1h")
        _ = try store.charge([Charge([1], .record(rate, units: 1))])
        let both = [Charge([1], .look(rate, refuses: true)), Charge([2], rate)]
        #expect(try !store.charge(both).isCharged)
        #expect(try store.charge([both[1]]).isCharged)
    }

    @Test func `a look that does not refuse stops nobody`() throws {
        let rate = try rate("1/1h")
        _ = try store.charge([Charge([1], .record(rate, units: 1))])
        let both = [Charge([1], .look(rate, refuses: false)), Charge([2], rate)]
        let outcome = try store.charge(both)
        #expect(outcome.isCharged && outcome.over == [0])
    }
}
