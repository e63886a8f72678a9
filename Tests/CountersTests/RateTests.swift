// RateTests: tests Sources/Counters/Rate.swift.
// SPDX-License-Identifier: MIT

import Counters
import Testing

@Suite struct RateTests {
    @Test(arguments: [
        ("30/1m", "30/60s/30"),
        ("30/m", "30/60s/30"),  // a missing number is 1
        ("100M/1h", "104857600/3600s/104857600"),  // 1024 * 1024 * 100
        ("5/10s/2", "5/10s/2"),  // burst below the units
        ("1/31d", "1/2678400s/1"),  // the longest period
        ("1K/1d/32M", "1024/86400s/33554432"),
    ])
    func `a rate is read`(text: String, canonical: String) throws {
        #expect(try #require(Rate(Array(text.utf8))).description == canonical)
    }

    @Test(arguments: [
        "", "30", "/1m", "30/", "0/1m", "30/0s", "30/1m/0", "-1/1m", "+1/1m", "1.5/1m", "30/1",
        "30/1y", "30/1mm", "30/1m/", "30/1m/1/1", "30/32d", "1T/1h", "2000G/1h",
        "99999999999999999999/1h", "30/99999999999999999999s", "17179869184G/1h", "30 /1m",
        "1K/1d/36M",  // 101 years until the burst is whole again
    ])
    func `what is no rate is refused`(text: String) { #expect(Rate(Array(text.utf8)) == nil) }
}
