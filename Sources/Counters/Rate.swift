// Rate: so many units in so much time, and how many of them at once.
// throttle(8), section RATES.
// SPDX-License-Identifier: MIT

import MailModel

/// A rate with a burst, such as `30/1m`, `100M/1h` or `30/1m/5`.
public struct Rate: Hashable, Sendable, CustomStringConvertible {
    /// Units that one period admits in the long run; 1 to 2^40.
    public let units: UInt64
    /// The period in seconds; 1 to 31 days.
    public let seconds: UInt64
    /// Units that are admitted at once after a long silence; 1 to 2^40.
    public let burst: UInt64
    /// The time that one unit takes, in the form of `Meter.arrival`, rounded up: never more than
    /// the rate. A division of 128 bits, so it is done once.
    let unitTime: UInt128

    /// The largest number of units and of burst.
    public static let maximumUnits: UInt64 = 1 << 40
    /// The most seconds after which a burst must be whole again: 100 years.
    public static let longestBurst: UInt64 = 36_525 * 86_400

    /// A rate of these parts; the burst is `units` when it is nil. Nil when a part is out of its
    /// range, and when the burst takes longer than `longestBurst`.
    public init?(_ units: UInt64, perSeconds seconds: UInt64, burst: UInt64? = nil) {
        let burst = burst ?? units
        let range = 1...Rate.maximumUnits
        guard range.contains(units), range.contains(burst), (1...2_678_400).contains(seconds),
            // At most 2^40 times 2^22.
            burst * seconds / units < Rate.longestBurst
        else { return nil }
        self.units = units
        self.seconds = seconds
        self.burst = burst
        let period = UInt128(seconds) * 1_000_000_000 << 32
        unitTime = (period + UInt128(units) - 1) / UInt128(units)
    }

    /// Reads `UNITS/PERIOD` or `UNITS/PERIOD/BURST`. Units and burst may end in `K`, `M` or `G`,
    /// powers of 1024; the period ends in `s`, `m`, `h` or `d`, and a missing number is 1. Nil for
    /// anything else.
    public init?(_ text: some Collection<UInt8>) {
        let parts = text.split(separator: 0x2F, omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count), let units = Rate.amount(parts[0]),
            let seconds = Rate.period(parts[1])
        else { return nil }
        var burst: UInt64?
        if parts.count == 3 {
            burst = Rate.amount(parts[2])
            if burst == nil { return nil }
        }
        self.init(units, perSeconds: seconds, burst: burst)
    }

    /// `UNITS/PERIODs/BURST`, the same for every way of writing one rate.
    public var description: String { "\(units)/\(seconds)s/\(burst)" }

    private static func amount(_ text: some Collection<UInt8>) -> UInt64? {
        scaled(text, by: [0x4B: 1 << 10, 0x4D: 1 << 20, 0x47: 1 << 30], needsSuffix: false)
    }

    private static func period(_ text: some Collection<UInt8>) -> UInt64? {
        let suffixes: [UInt8: UInt64] = [0x73: 1, 0x6D: 60, 0x68: 3600, 0x64: 86_400]
        if text.count == 1, let letter = text.first, let seconds = suffixes[letter] {
            return seconds
        }
        return scaled(text, by: suffixes, needsSuffix: true)
    }

    private static func scaled(
        _ text: some Collection<UInt8>, by suffixes: [UInt8: UInt64], needsSuffix: Bool
    ) -> UInt64? {
        let digits = text.prefix { $0.isASCIIDigit }
        let suffix = text.dropFirst(digits.count)
        guard let number = digits.decimalValue, suffix.count <= 1 else { return nil }
        guard let letter = suffix.first else { return needsSuffix ? nil : UInt64(number) }
        guard let factor = suffixes[letter] else { return nil }
        let (product, overflow) = UInt64(number).multipliedReportingOverflow(by: factor)
        return overflow ? nil : product
    }
}
