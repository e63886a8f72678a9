// ByteSearch: where the next CR or LF is, eight bytes at a step.
// SPDX-License-Identifier: MIT

extension UnsafeRawBufferPointer {
    /// The first index at or after `start` whose byte is CR or LF; nil when there is none.
    func firstLineEnd(from start: Int) -> Int? {
        firstIndex(from: start, of: 0x0D, or: 0x0A)
    }

    /// The first index at or after `start` whose byte is LF; nil when there is none.
    func firstLF(from start: Int) -> Int? { firstIndex(from: start, of: 0x0A, or: 0x0A) }

    private func firstIndex(from start: Int, of one: UInt8, or other: UInt8) -> Int? {
        var index = start
        let ones = UInt64(one) &* 0x0101_0101_0101_0101
        let others = UInt64(other) &* 0x0101_0101_0101_0101
        while index &+ 8 <= count {
            let word = UInt64(littleEndian: loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let found = zeroBytes(word ^ ones) | zeroBytes(word ^ others)
            // The lowest mark is exact; only marks above it may be false.
            if found != 0 { return index &+ found.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < count {
            if self[index] == one || self[index] == other { return index }
            index &+= 1
        }
        return nil
    }

    /// The high bit of every byte that is 0, and perhaps of some above the lowest such byte.
    @inline(__always)
    private func zeroBytes(_ word: UInt64) -> UInt64 {
        (word &- 0x0101_0101_0101_0101) & ~word & 0x8080_8080_8080_8080
    }
}
