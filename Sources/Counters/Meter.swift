// Meter: the generic cell rate algorithm, one number for each key.
// ITU-T I.371, annex A (virtual scheduling).
// SPDX-License-Identifier: MIT

/// When a key's burst will be whole again, and what an amount does to that.
///
/// Times are nanoseconds since 1970-01-01 UTC with 32 binary places, so that a rate such as 7 a
/// minute is exact to far less than one unit in the longest period.
struct Meter {
    /// The theoretical arrival time; in the past: nothing is charged.
    let arrival: UInt128

    /// The time that one unit takes, rounded up: never more than the rate.
    private static func unit(_ rate: Rate) -> UInt128 {
        let period = UInt128(rate.seconds) * 1_000_000_000 << 32
        let units = UInt128(rate.units)
        return (period + units - 1) / units
    }

    /// Now, in the form of `arrival`.
    static func time(_ nanoseconds: UInt64) -> UInt128 { UInt128(nanoseconds) << 32 }

    /// The meter with its burst used up, when it is further ahead than that: the clock was set
    /// back. Nil when it is not.
    func cut(at now: UInt128, rate: Rate) -> Meter? {
        let end = now + Meter.unit(rate) * UInt128(rate.burst)
        return arrival > end ? Meter(arrival: end) : nil
    }

    /// The meter after this many units more; nil when they exceed what is left of the burst.
    static func charged(
        _ stored: Meter?, _ units: UInt64, at now: UInt128, rate: Rate
    ) -> Meter? {
        guard units <= rate.burst else { return nil }
        let unit = unit(rate)
        let end = now + unit * UInt128(rate.burst)
        let arrival = max(stored?.arrival ?? now, now) + unit * UInt128(units)
        return arrival <= end ? Meter(arrival: arrival) : nil
    }
}
