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
        var stored: [UInt8] = []
        stored.reserveCapacity(min(key.count, maximumPlainKey) + 17)
        guard key.count > maximumPlainKey else {
            stored.append(1)
            stored += key
            return stored
        }
        stored.append(2)
        stored += key.prefix(maximumPlainKey)
        stored += bytes(UInt64(key.count))
        stored += bytes(key.withUnsafeBytes { hash($0) })
        return stored
    }

    /// The key that was stored, or what is left of a long one.
    static func beginning(of stored: [UInt8]) -> [UInt8] {
        Array(stored.first == 2 ? stored.dropFirst().prefix(maximumPlainKey) : stored.dropFirst())
    }

    /// The stored form of a meter: the time and a check over key and time.
    static func value(_ meter: Meter, key: [UInt8]) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 24) { buffer, count in
            let value = UnsafeMutableRawBufferPointer(buffer)
            store(UInt64(truncatingIfNeeded: meter.arrival), in: value, at: 0)
            store(UInt64(truncatingIfNeeded: meter.arrival >> 64), in: value, at: 8)
            let check = key.withUnsafeBytes { key in
                hash(UnsafeRawBufferPointer(rebasing: value[..<16]), after: hash(key))
            }
            store(check, in: value, at: 16)
            count = 24
        }
    }

    /// Reads a meter.
    /// - Throws: `CounterError.damaged` when the check fails.
    static func meter(
        _ value: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer
    ) throws(CounterError) -> Meter {
        guard value.count == 24 else { throw .damaged("a value of \(value.count) bytes") }
        let check = hash(UnsafeRawBufferPointer(rebasing: value[..<16]), after: hash(key))
        guard check == load(value, at: 16) else { throw .damaged("a value that fails its check") }
        return Meter(arrival: UInt128(load(value, at: 8)) << 64 | UInt128(load(value, at: 0)))
    }

    static func bytes(_ number: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }

    static func number(_ bytes: some Collection<UInt8>) -> UInt64 {
        bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func store(
        _ number: UInt64, in buffer: UnsafeMutableRawBufferPointer, at place: Int
    ) {
        buffer.storeBytes(of: number.littleEndian, toByteOffset: place, as: UInt64.self)
    }

    private static func load(_ buffer: UnsafeRawBufferPointer, at place: Int) -> UInt64 {
        UInt64(littleEndian: buffer.loadUnaligned(fromByteOffset: place, as: UInt64.self))
    }

    /// FNV-1a: finds damage, not malice. What was hashed before it goes on from there.
    private static func hash(
        _ bytes: UnsafeRawBufferPointer, after start: UInt64 = 0xCBF2_9CE4_8422_2325
    ) -> UInt64 {
        var hash = start
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return hash
    }
}
