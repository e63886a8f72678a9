// Quantity: durations and sizes as people write them.
// chainmail(7), section FILES.
// SPDX-License-Identifier: MIT

import MailModel

/// Reading numbers with a unit. Zero is fine, a sign, a fraction or a blank is not.
public enum Quantity {
    /// Reads `100ms`, `20s`, `5m`, `1h`, `7d` or `2w`; nil for anything else, and for what exceeds
    /// a thousand years.
    public static func duration(_ text: some Collection<UInt8>) -> Duration? {
        let (number, unit) = parts(text)
        let milliseconds: [String: Int] = [
            "ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000,
            "w": 604_800_000,
        ]
        guard let number, let factor = milliseconds[unit] else { return nil }
        let (total, overflow) = number.multipliedReportingOverflow(by: factor)
        guard !overflow, total <= 86_400_000 * 366_000 else { return nil }
        return .milliseconds(total)
    }

    /// Reads a number of bytes: `4096`, `64K`, `100M`, `2G`, counted in 1024; nil for anything
    /// else.
    public static func bytes(_ text: some Collection<UInt8>) -> Int? {
        let (number, unit) = parts(text)
        let factors = ["": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        guard let number, let factor = factors[unit.uppercased()] else { return nil }
        let (total, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : total
    }

    /// Reads a duration from text.
    public static func duration(_ text: String) -> Duration? { duration(Array(text.utf8)) }

    /// Reads a number of bytes from text.
    public static func bytes(_ text: String) -> Int? { bytes(Array(text.utf8)) }

    private static func parts(_ text: some Collection<UInt8>) -> (number: Int?, unit: String) {
        let digits = text.prefix(while: \.isASCIIDigit)
        let unit = String(decoding: text.dropFirst(digits.count), as: UTF8.self)
        return (digits.decimalValue, unit)
    }
}
