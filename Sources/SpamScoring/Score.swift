// Score: how scores are read and written.
// spam-check(8).
// SPDX-License-Identifier: MIT

import MailModel

/// Scores as text.
public enum Score {
    /// Beyond this either way no score is believed.
    public static let limit = 1_000_000.0

    /// Reads `-1.9`, `5`, `15.25`: digits, perhaps a point and digits, perhaps a minus before
    /// them; nil for anything else.
    public static func read(_ text: some Collection<UInt8>) -> Double? {
        let isNegative = text.first == 0x2D
        let parts = text.dropFirst(isNegative ? 1 : 0).split(
            separator: 0x2E, maxSplits: 1, omittingEmptySubsequences: false)
        guard text.count <= 20, let whole = parts.first?.decimalValue else { return nil }
        var value = Double(whole)
        if parts.count == 2 {
            guard let fraction = parts[1].decimalValue else { return nil }
            value += Double(fraction) / parts[1].reduce(1) { power, _ in power * 10 }
        }
        guard value <= limit else { return nil }
        return isNegative ? -value : value
    }

    /// A score with one digit after the point.
    public static func text(_ score: Double) -> String {
        let tenths = Int((min(max(score, -limit), limit) * 10).rounded())
        let sign = tenths < 0 ? "-" : ""
        return "\(sign)\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
    }
}
