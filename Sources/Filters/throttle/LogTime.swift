// LogTime: the time that a line of a log begins with.
// throttle(8), section SIMULATION.
// SPDX-License-Identifier: MIT

import MailModel

/// Reading times, as microseconds since 1970-01-01 UTC.
enum LogTime {
    /// Reads a TAI64N label (`@4000000065...`), seconds since 1970 (`1700000000.123456`) or a time
    /// of RFC 3339 (`2026-11-26T15:49:12.5+01:00`, also without a colon in the zone); nil when the
    /// first word is none of them.
    static func read(_ text: ArraySlice<UInt8>) -> UInt64? {
        let word = text.prefix { $0 != 0x20 }
        return word.first == 0x40 ? label(word.dropFirst()) : seconds(word) ?? date(word)
    }

    /// RFC 3339's time without its date needs a date elsewhere: this one has both.
    private static func date(_ word: ArraySlice<UInt8>) -> UInt64? {
        let text = Array(word)
        let marks: [(Int, UInt8)] = [(4, 0x2D), (7, 0x2D), (10, 0x54), (13, 0x3A), (16, 0x3A)]
        guard text.count >= 20, marks.allSatisfy({ text[$0.0] == $0.1 }),
            let year = text[0..<4].decimalValue, let month = text[5..<7].decimalValue,
            let day = text[8..<10].decimalValue, let hour = text[11..<13].decimalValue,
            let minute = text[14..<16].decimalValue, let second = text[17..<19].decimalValue,
            year >= 1970, (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60,
            second <= 60
        else { return nil }
        var rest = text[19...]
        var fraction = 0
        if rest.first == 0x2E {
            let digits = rest.dropFirst().prefix(while: \.isASCIIDigit)
            guard let value = micro(digits) else { return nil }
            fraction = value
            rest = rest[digits.endIndex...]
        }
        guard let zone = zone(rest) else { return nil }
        let minutes = days(year, month, day) * 1440 + hour * 60 + minute - zone
        return UInt64(exactly: (minutes * 60 + second) * 1_000_000 + fraction)
    }

    /// Minutes east of UTC.
    private static func zone(_ text: ArraySlice<UInt8>) -> Int? {
        guard let sign = text.first else { return nil }
        if sign == 0x5A { return text.count == 1 ? 0 : nil }
        let digits = text.dropFirst().filter { $0 != 0x3A }
        guard sign == 0x2B || sign == 0x2D, digits.count == 4, let value = digits.decimalValue
        else { return nil }
        return (value / 100 * 60 + value % 100) * (sign == 0x2D ? -1 : 1)
    }

    /// Days since 1970-01-01 of a date of the Gregorian calendar.
    private static func days(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let shifted = year - (month <= 2 ? 1 : 0)
        let (era, ofEra) = shifted.quotientAndRemainder(dividingBy: 400)
        let ofYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + ofEra * 365 + ofEra / 4 - ofEra / 100 + ofYear - 719_468
    }

    private static func seconds(_ word: ArraySlice<UInt8>) -> UInt64? {
        let parts = word.split(separator: 0x2E, omittingEmptySubsequences: false)
        guard parts.count <= 2, parts[0].count >= 9, parts[0].count <= 11,
            let seconds = parts[0].decimalValue
        else { return nil }
        guard parts.count == 2 else { return UInt64(seconds) * 1_000_000 }
        return micro(parts[1]).map { UInt64(seconds) * 1_000_000 + UInt64($0) }
    }

    private static func micro(_ digits: ArraySlice<UInt8>) -> Int? {
        let six = Array(digits.prefix(6))
        guard !six.isEmpty else { return nil }
        return (six + [UInt8](repeating: 0x30, count: 6 - six.count)).decimalValue
    }

    /// TAI64N counts from 2^62 + 10 s; leap seconds since 1972 make no difference to a rate.
    private static func label(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard digits.count == 24, digits.allSatisfy({ $0 != 0x2B && $0 != 0x2D }),
            let seconds = UInt64(String(decoding: digits.prefix(16), as: UTF8.self), radix: 16),
            let nanoseconds = UInt64(String(decoding: digits.suffix(8), as: UTF8.self), radix: 16),
            seconds >= 1 << 62 + 10, seconds < 1 << 62 + 1 << 36
        else { return nil }
        return (seconds - (1 << 62) - 10) * 1_000_000 + nanoseconds / 1000
    }
}
