// MailDate: a moment as trace fields and reports print it.
// RFC 5322, section 3.3; qmail's date822fmt.
// SPDX-License-Identifier: MIT

/// A moment in UTC. Computed, not asked of the C library, whose answer depends on files.
public struct MailDate: Sendable, CustomStringConvertible {
    private let seconds: Int

    /// The moment so many seconds after 1970-01-01 UTC; one before it is taken for it, and so is
    /// what is after the year 9999 for its end.
    public init(seconds: Int) { self.seconds = min(max(0, seconds), 253_402_300_799) }

    /// `23 Nov 2026 22:10:26 -0000`.
    public var description: String {
        let (year, month, day) = civil
        let names = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        let time = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60]
        let clock = time.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
        return "\(day) \(names[month - 1]) \(year) \(clock) -0000"
    }

    /// The Gregorian date of the day: years are counted from March, so that a leap day is the
    /// last of its year.
    private var civil: (year: Int, month: Int, day: Int) {
        let days = seconds / 86_400 + 719_468
        let (era, dayOfEra) = days.quotientAndRemainder(dividingBy: 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}
