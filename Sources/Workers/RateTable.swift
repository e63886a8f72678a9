// RateTable: how often clients came lately, in memory that a process and its forks share.
// mmap(2); the generic cell rate algorithm, ITU-T I.371, section A.2.
// SPDX-License-Identifier: MIT

import CUnix
import MailModel
import UnixIO

/// So many in so long.
public struct ArrivalRate: Hashable, Sendable {
    /// How many may come.
    public let count: Int
    /// In what time.
    public let period: Duration

    /// A rate; nil unless both are more than nothing and the period is a year at most.
    public init?(_ count: Int, per period: Duration) {
        guard count > 0, period > .zero, period <= .seconds(366 * 86_400) else { return nil }
        self.count = count
        self.period = period
    }
}

/// One moment an address or network: when it will have used up all that it may. Its size is fixed;
/// where too many come at the same time, whoever is nearest to having used nothing is forgotten.
public struct RateTable {
    /// How many share a row.
    private static let width = 8
    /// Words an entry: high and low of the address, and the moment.
    private static let size = 3

    private let words: UnsafeMutablePointer<UInt64>
    private let rows: Int
    private let key: (UInt64, UInt64)

    /// A table for so many clients, rounded up to whole rows.
    /// - Throws: `SystemError` when there is no memory.
    public init(capacity: Int) throws(SystemError) {
        rows = max(1, (capacity + Self.width - 1) / Self.width)
        guard let words = cunix_shared_words(rows * Self.width * Self.size) else {
            throw SystemError.last("mmap", "rates")
        }
        self.words = words
        // So that nobody can choose addresses that meet in one row.
        key = (Random.bits | 1, Random.bits | 1)
    }

    /// Notes that one came from this address, or from this network by its first address.
    /// - Returns: false when it was one too many, which is not noted.
    public func take(_ address: IPAddress, _ rate: ArrivalRate, now: Deadline) -> Bool {
        let now = now.monotonicNanoseconds
        let period = UInt64(clamping: rate.period.nanoseconds)
        let step = max(1, period / UInt64(clamping: rate.count))
        let wanted = AddressKey(address)
        let entry = place(of: wanted, now)
        while true {
            let before = cunix_word_get(entry + 2)
            // Room is left while the moment is less than a period away. A moment further away was
            // written for another rate.
            let start = min(max(before, now), now &+ period)
            guard start - now <= period - step else { return false }
            if cunix_word_exchange(entry + 2, before, start &+ step) { return true }
        }
    }

    private func row(_ wanted: AddressKey) -> UnsafeMutablePointer<UInt64> {
        var mixed = (wanted.high ^ key.0).multipliedFullWidth(by: key.1)
        let first = mixed.high ^ mixed.low
        mixed = (wanted.low ^ first ^ key.1).multipliedFullWidth(by: key.0)
        let row = Int((mixed.high ^ mixed.low) % UInt64(rows))
        return words + row * Self.width * Self.size
    }

    /// The entry of an address, which may have been another's.
    private func place(of wanted: AddressKey, _ now: UInt64) -> UnsafeMutablePointer<UInt64> {
        let row = row(wanted)
        var oldest = row
        for index in 0..<Self.width {
            let entry = row + index * Self.size
            let found = AddressKey(
                high: cunix_word_get(entry), low: cunix_word_get(entry + 1))
            if found == wanted { return entry }
            if cunix_word_get(entry + 2) < cunix_word_get(oldest + 2) { oldest = entry }
        }
        // Two processes may write here at once. Then one of them counts for the other: no harm is
        // done to more than one connection.
        cunix_word_set(oldest + 2, now)
        cunix_word_set(oldest, wanted.high)
        cunix_word_set(oldest + 1, wanted.low)
        return oldest
    }
}

extension Duration {
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product + attoseconds / 1_000_000_000
    }
}
