// SPDX-License-Identifier: MIT

import RecipientValidation
import Testing

struct AnswerCacheTests {
    @Test func `a value is good until its end`() {
        var cache = AnswerCache<Int>(capacity: 10)
        cache.keep(1, for: [1], .seconds(3600))
        cache.keep(2, for: [2], .nanoseconds(1))
        cache.keep(3, for: [3], .zero)
        #expect(cache.value(for: [1]) == 1)
        #expect(cache.value(for: [2]) == nil)
        #expect(cache.value(for: [3]) == nil)
        cache.keep(4, for: [1], .seconds(3600))
        #expect(cache.value(for: [1]) == 4)
    }

    @Test func `it never holds more than its capacity, and keeps what is asked for`() {
        var cache = AnswerCache<Int>(capacity: 100)
        cache.keep(-1, for: [0xFF], .seconds(3600))
        for number in 0..<10_000 {
            cache.keep(number, for: [UInt8(number & 0xFF), UInt8(number >> 8)], .seconds(3600))
            #expect(cache.value(for: [0xFF]) == -1)
            #expect(cache.count <= 100)
        }
        #expect(cache.value(for: [0, 0]) == nil)
    }
}
