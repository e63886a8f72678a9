// Charge: what one request would take from one limit, and what became of it.
// throttle-limits(5).
// SPDX-License-Identifier: MIT

/// One key, and what a request does to its meter.
public struct Charge: Hashable, Sendable {
    /// What is done.
    public enum Kind: Hashable, Sendable {
        /// Takes units: 0 is never over and charges nothing. With `refuses`, being over this limit
        /// refuses the request, so that nothing of it is charged; without, it only has
        /// consequences, and this limit alone is not charged.
        case take(Rate, units: UInt64, refuses: Bool)
        /// Takes nothing, and is over when not one unit is left.
        case look(Rate, refuses: Bool)
        /// Takes units that are used already: what is not left is not taken.
        case record(Rate, units: UInt64)
        /// Asks for a wait.
        case pace(Pacing)
        /// Asks for a wait when the charge before it is over its limit.
        case paceWhenOver(Pacing)
    }

    /// What is counted, byte for byte; two limits on one thing need two keys.
    public var key: [UInt8]
    /// What is done.
    public var kind: Kind

    /// A charge of these parts.
    public init(_ key: [UInt8], _ kind: Kind) {
        self.key = key
        self.kind = kind
    }

    /// Units of one key against one rate.
    public init(_ key: [UInt8], _ rate: Rate, units: UInt64 = 1, refuses: Bool = true) {
        self.init(key, .take(rate, units: units, refuses: refuses))
    }

    /// True when being over this limit refuses the request.
    var refuses: Bool {
        switch kind {
        case .take(_, _, let refuses), .look(_, let refuses): refuses
        case .record, .pace, .paceWhenOver: false
        }
    }
}

/// A wait that grows with each request that comes too early, and falls with time.
public struct Pacing: Hashable, Sendable {
    /// The longest step and the longest wait: ten minutes, in milliseconds.
    public static let longest: UInt64 = 600_000

    /// Milliseconds that this request waits longer than one that comes right after it would have.
    let before: UInt64
    /// Milliseconds that the next one waits longer.
    let after: UInt64
    /// The longest wait, in milliseconds.
    let most: UInt64

    /// `clamp(max(wait - elapsed, -step) + step * share, 0, most)`, where the share is that of
    /// the recipients of what is reasonable, and at least 1. A key that is not known waits for
    /// nothing but its share over 1. Step and longest wait are milliseconds, cut at `longest`. So
    /// many recipients as are reasonable cost one step; 0 is for any number.
    public init(step: UInt64, most: UInt64, recipients: Int = 1, reasonable: Int = 0) {
        let step = min(step, Pacing.longest)
        let excess = reasonable > 0 ? max(0, min(recipients, 1 << 30) - reasonable) : 0
        self.most = min(most, Pacing.longest)
        before = min(reasonable > 0 ? step * UInt64(excess) / UInt64(reasonable) : 0, self.most)
        after = step
    }

    /// `clamp(max(wait - elapsed, 0) + step, 0, most)`: for what is too much whenever it comes.
    public init(stepNow step: UInt64, most: UInt64) {
        self.most = min(most, Pacing.longest)
        before = min(step, self.most)
        after = 0
    }
}

/// What became of the charges of one request.
public struct ChargeOutcome: Hashable, Sendable {
    /// The indices of the charges whose limit is exceeded, in order.
    public var over: [Int]
    /// True when what is within its limit was charged; false when nothing was.
    public var isCharged: Bool
    /// The waits in milliseconds, rounded up, by the indices of the charges that ask for one.
    public var waits: [Int: UInt64] = [:]
}
