// Meter: the generic cell rate algorithm, one number for each key.
// ITU-T I.371, annex A (virtual scheduling).
// SPDX-License-Identifier: MIT

/// When a key's burst will be whole again, and what an amount does to that.
///
/// Times are nanoseconds since 1970-01-01 UTC with 32 binary places, so that a rate such as 7 a
/// minute is exact to far less than one unit in the longest period. The script of `RedisScript`
/// does the same with the same numbers.
struct Meter: Hashable, Sendable {
    /// The theoretical arrival time; in the past: nothing is charged.
    let arrival: UInt128

    /// A microsecond in the form of `arrival`.
    static let microsecond: UInt128 = 1000 << 32

    /// The time that so many units take.
    static func cost(_ units: UInt64, _ rate: Rate) -> UInt128 { rate.unitTime * UInt128(units) }

    /// The time that the whole burst takes.
    static func burst(_ rate: Rate) -> UInt128 { cost(rate.burst, rate) }

    /// Now, in the form of `arrival`.
    static func time(_ nanoseconds: UInt64) -> UInt128 { UInt128(nanoseconds) << 32 }

    /// The meter with its burst used up, when it is further ahead than that: the clock was set
    /// back. Nil when it is not.
    func cut(at now: UInt128, rate: Rate) -> Meter? {
        let end = now + Meter.burst(rate)
        return arrival > end ? Meter(arrival: end) : nil
    }

    /// The meter after this many units more; nil when they exceed what is left of the burst.
    static func charged(
        _ stored: Meter?, _ units: UInt64, at now: UInt128, rate: Rate
    ) -> Meter? {
        guard units <= rate.burst else { return nil }
        let arrival = max(stored?.arrival ?? now, now) + cost(units, rate)
        return arrival <= now + burst(rate) ? Meter(arrival: arrival) : nil
    }

    /// The meter after units that were used already; what exceeds the burst is not kept.
    static func recorded(
        _ stored: Meter?, _ units: UInt64, at now: UInt128, rate: Rate
    ) -> Meter {
        let arrival = max(stored?.arrival ?? now, now) + cost(min(units, rate.burst), rate)
        return Meter(arrival: min(arrival, now + burst(rate)))
    }

    /// The wait, in the form of `arrival`, and the meter after it.
    static func paced(
        _ stored: Meter?, at now: UInt128, _ pacing: Pacing
    ) -> (wait: UInt128, meter: Meter) {
        let millisecond = microsecond * 1000
        let ahead = max(stored?.arrival ?? now, now) - now
        let most = UInt128(pacing.most) * millisecond
        let wait = min(ahead + UInt128(pacing.before) * millisecond, most)
        return (wait, Meter(arrival: now + wait + UInt128(pacing.after) * millisecond))
    }
}
