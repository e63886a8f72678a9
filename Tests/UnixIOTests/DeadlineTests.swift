// Tests of Deadline.
// SPDX-License-Identifier: MIT

import Testing
import UnixIO

struct DeadlineTests {
    @Test func `now has passed and never does not`() {
        #expect(Deadline.after(.zero).hasPassed)
        #expect(Deadline.after(.seconds(-5)).hasPassed)
        #expect(!Deadline.never.hasPassed)
        #expect(Deadline.never.pollTimeout == -1)
    }

    @Test(arguments: [
        Duration.seconds(Int64.max), .seconds(10_000_000_000), .nanoseconds(Int64.max),
    ])
    func `a very long time does not trap`(duration: Duration) {
        let deadline = Deadline.after(duration)
        #expect(!deadline.hasPassed)
        #expect(deadline.pollTimeout != 0)
    }

    @Test func `what is left is not more than what was given`() {
        let deadline = Deadline.after(.seconds(5))
        #expect(deadline.remaining <= .seconds(5))
        #expect(deadline.remaining > .seconds(1))
        #expect((1000...5001).contains(deadline.pollTimeout))
    }

    @Test func `earlier is less`() {
        #expect(Deadline.after(.seconds(1)) < Deadline.after(.seconds(2)))
        #expect(Deadline.after(.seconds(2)) < Deadline.never)
    }
}
