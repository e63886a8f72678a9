// GramTable: finds strings in a subject by one gram of each.
// SPDX-License-Identifier: MIT

import MailModel

/// Strings of `width` bytes or more, each known by the gram that fewest others share.
struct GramTable: Sendable {
    /// A string to look for, case folded, and whose it is.
    struct Literal {
        let string: [UInt8]
        let pattern: Int32
    }

    private struct Entry: Sendable {
        /// Where in `pool` the string is.
        var start: Int32
        var length: Int32
        /// How far before the end of the gram the string begins.
        var lead: Int32
        var pattern: Int32
    }

    private static let multiplier: UInt32 = 0x9E37_79B1

    private let mask: UInt32
    private let shift: UInt32
    /// One bit for each hash that some gram has.
    private var bits: [UInt64]
    /// By the hash of a gram: where in `entries` those of its bucket begin; one more at the end.
    private var buckets: [Int32]
    private var grams: [UInt32] = []
    private var entries: [Entry] = []
    private var pool: [UInt8] = []

    var isEmpty: Bool { entries.isEmpty }

    init(_ literals: [Literal], width: Int) {
        mask = width == 4 ? .max : 0x00FF_FFFF
        var log = UInt32(literals.isEmpty ? 6 : 12)
        while 1 << log < literals.count * 16, log < 18 { log += 1 }
        shift = 32 - log
        bits = [UInt64](repeating: 0, count: 1 << (log - 6))
        buckets = [Int32](repeating: 0, count: (1 << log) + 1)
        let chosen = GramTable.choose(literals, width)
        let hashes = chosen.map { Int(($0.gram &* GramTable.multiplier) >> shift) }
        for index in literals.indices.sorted(by: { hashes[$0] < hashes[$1] }) {
            let literal = literals[index]
            bits[hashes[index] >> 6] |= 1 << UInt64(hashes[index] & 63)
            buckets[hashes[index] + 1] += 1
            grams.append(chosen[index].gram)
            entries.append(
                Entry(
                    start: Int32(pool.count), length: Int32(literal.string.count),
                    lead: Int32(chosen[index].offset + width), pattern: literal.pattern))
            pool += literal.string
        }
        for index in buckets.indices.dropFirst() { buckets[index] += buckets[index - 1] }
    }

    /// The gram of each string that the fewest strings have, the rarest bytes among equals.
    private static func choose(
        _ literals: [Literal], _ width: Int
    ) -> [(gram: UInt32, offset: Int)] {
        let all = literals.map { GramTable.grams(of: $0.string, width) }
        var counts: [UInt32: Int] = [:]
        for grams in all { for gram in Set(grams.map(\.gram)) { counts[gram, default: 0] += 1 } }
        return all.map { grams in
            let best = grams.min {
                let (one, other) = (counts[$0.gram] ?? 0, counts[$1.gram] ?? 0)
                return one == other ? $0.rarity > $1.rarity : one < other
            }
            return (best?.gram ?? 0, best?.offset ?? 0)
        }
    }

    private static func grams(
        of string: [UInt8], _ width: Int
    ) -> [(gram: UInt32, offset: Int, rarity: Int)] {
        guard string.count >= width else { return [] }
        return (0...(string.count - width)).map { offset in
            let bytes = string[offset..<(offset + width)]
            return (
                bytes.reduce(0) { $0 << 8 | UInt32($1) }, offset, bytes.reduce(0) { $0 + $1.rarity }
            )
        }
    }

    func search(_ subject: UnsafeRawBufferPointer, into candidates: CandidateSet) {
        guard !entries.isEmpty, subject.count >= 3 else { return }
        let (mask, shift) = (mask, shift)
        bits.withUnsafeBufferPointer { bits in
            var window: UInt32 = 0
            for index in 0..<subject.count {
                let byte = subject[index]
                let isCapital = byte &- 0x41 < 26
                window = window << 8 | UInt32(isCapital ? byte | 0x20 : byte)
                let hash = Int(((window & mask) &* GramTable.multiplier) >> shift)
                if bits[hash >> 6] >> UInt64(hash & 63) & 1 != 0 {
                    verify(hash, window & mask, subject, endingAt: index + 1, candidates)
                }
            }
        }
    }

    @inline(never)
    private func verify(
        _ hash: Int, _ gram: UInt32, _ subject: UnsafeRawBufferPointer, endingAt end: Int,
        _ candidates: CandidateSet
    ) {
        for index in Int(buckets[hash])..<Int(buckets[hash + 1]) where grams[index] == gram {
            let entry = entries[index]
            let start = end - Int(entry.lead)
            guard start >= 0, start + Int(entry.length) <= subject.count else { continue }
            var isEqual = true
            for offset in 0..<Int(entry.length)
            where subject[start + offset].asciiLowercased != pool[Int(entry.start) + offset] {
                isEqual = false
                break
            }
            if isEqual { candidates.insert(Int(entry.pattern)) }
        }
    }
}
