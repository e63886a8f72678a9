// RetrySchedule: when a deferred recipient is tried again, and when no more.
// queue-manager(8); qmail-send's nextretry.
// SPDX-License-Identifier: MIT

import MailModel

/// The quadratic schedule: the square root of a message's age grows by the same step from one
/// attempt to the next. Times are seconds since 1970.
public struct RetrySchedule: Hashable, Sendable {
    /// For how long a message is tried, in seconds; 7 days.
    public var lifetime = 604_800

    /// The schedule with qmail's lifetime.
    public init() {}

    /// The next attempt after one at `now`, for a message that arrived at `arrival`: 100, 400,
    /// 900 ... seconds after it when local, 400, 1600, 3600 ... when remote.
    public func next(arrival: Int, now: Int, channel: DeliveryChannel) -> Int {
        let skip = channel == .local ? 10 : 20
        let root = RetrySchedule.squareRoot(max(0, now - arrival)) + skip
        return arrival + root * root
    }

    /// True when an attempt at `now` is the last one.
    public func isLast(arrival: Int, now: Int) -> Bool { now - arrival > lifetime }

    /// The whole part of the root. Ages over 100 years count as 100 years.
    static func squareRoot(_ number: Int) -> Int {
        let number = min(number, 3_200_000_000)
        var root = Int(Double(number).squareRoot())
        while root * root > number { root -= 1 }
        while (root + 1) * (root + 1) <= number { root += 1 }
        return root
    }
}
