// RedisAddressTests: tests Sources/Counters/RedisAddress.swift.
// SPDX-License-Identifier: MIT

import Counters
import Testing

@Suite struct RedisAddressTests {
    @Test(arguments: [
        ("redis://192.0.2.1", "redis://192.0.2.1:6379/0"),
        ("redis://redis.example:7000/3", "redis://redis.example:7000/3"),
        ("redis://localhost/", "redis://localhost:6379/0"),
        ("redis://[2001:db8::1]:7000/1", "redis://[2001:db8::1]:7000/1"),
        ("redis://[::1]", "redis://[::1]:6379/0"),
        // No log shows a password.
        ("redis://:secret@192.0.2.1", "redis://192.0.2.1:6379/0"),
        ("redis://user:se%40cr@et@192.0.2.1/2", "redis://192.0.2.1:6379/2"),
        ("redis+unix:///run/redis.sock", "redis+unix:///run/redis.sock?db=0"),
        ("redis+unix://:p@/run/redis.sock?db=4", "redis+unix:///run/redis.sock?db=4"),
    ])
    func `an address is read`(text: String, canonical: String) {
        #expect(RedisAddress(text)?.description == canonical)
    }

    @Test(arguments: [
        "", "redis:", "redis://", "redis:///1", "redis://:6379", "redis://h:0", "redis://h:65536",
        "redis://h:x", "redis://h/x", "redis://h/65536", "redis://h/1/2", "redis://a b",
        "redis://[192.0.2.1]", "redis://[::1", "redis://[::1]x", "redis://user@h", "redis://:@h",
        "redis://:%4@h", "redis://:%zz@h", "redis://:%ff@h", "redis+unix://", "redis+unix://socket",
        "redis+unix:///s?", "redis+unix:///s?db=", "redis+unix:///s?x=1", "rediss://h", "/run/s",
    ])
    func `what is no address is refused`(text: String) { #expect(RedisAddress(text) == nil) }
}
