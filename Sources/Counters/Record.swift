// Record: keys and meters as the store holds them.
// throttle(8), section THE STORE.
// SPDX-License-Identifier: MIT

/// How keys and meters become bytes.
enum Record {
    /// Keys up to this length are stored as they are.
    static let maximumPlainKey = 192

    /// The key that the sweeper's position is stored under. Every other key begins with 1.
    static let sweeperKey: [UInt8] = [0]

    /// The stored form of a key. A long one keeps its beginning, its length and a hash. Two that
    /// meet by malice share a meter, which only makes both stricter; who can send with another's
    /// key needs no such collision.
    static func key(_ key: [UInt8]) -> [UInt8] {
        guard key.count > maximumPlainKey else { return [1] + key }
        return [2] + key.prefix(maximumPlainKey) + bytes(UInt64(key.count)) + bytes(hash(key))
    }

    /// The key that was stored, or what is left of a long one.
    static func beginning(of stored: [UInt8]) -> [UInt8] {
        Array(stored.first == 2 ? stored.dropFirst().prefix(maximumPlainKey) : stored.dropFirst())
    }

    /// The stored form of a meter: the time and a check over key and time.
    static func value(_ meter: Meter, key: [UInt8]) -> [UInt8] {
        let time =
            bytes(UInt64(truncatingIfNeeded: meter.arrival))
            + bytes(UInt64(truncatingIfNeeded: meter.arrival >> 64))
        return time + bytes(hash(key + time))
    }

    /// Reads a meter.
    /// - Throws: `CounterError.damaged` when the check fails.
    static func meter(
        _ value: UnsafeRawBufferPointer, key: some Collection<UInt8>
    ) throws(CounterError) -> Meter {
        guard value.count == 24 else { throw .damaged("a value of \(value.count) bytes") }
        guard hash(Array(key) + value[..<16]) == number(value[16...]) else {
            throw .damaged("a value that fails its check")
        }
        return Meter(arrival: UInt128(number(value[8..<16])) << 64 | UInt128(number(value[..<8])))
    }

    static func bytes(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    static func number(_ bytes: some Collection<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// FNV-1a: finds damage, not malice.
    private static func hash(_ bytes: some Collection<UInt8>) -> UInt64 {
        bytes.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    }
}
