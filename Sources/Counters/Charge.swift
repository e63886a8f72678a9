// Charge: what one request would take from one limit, and what became of it.
// throttle(8).
// SPDX-License-Identifier: MIT

/// Units of one key against one rate.
public struct Charge: Hashable, Sendable {
    /// What is counted, byte for byte; two limits on one thing need two keys.
    public var key: [UInt8]
    /// What it may have.
    public var rate: Rate
    /// How much of it is wanted; 0 is never over and charges nothing.
    public var units: UInt64
    /// True when being over this limit refuses the request, so that nothing of it is charged.
    /// False when it only has consequences: then this limit alone is not charged.
    public var refuses: Bool

    /// A charge of these parts.
    public init(_ key: [UInt8], _ rate: Rate, units: UInt64 = 1, refuses: Bool = true) {
        self.key = key
        self.rate = rate
        self.units = units
        self.refuses = refuses
    }
}

/// What became of the charges of one request.
public struct Outcome: Hashable, Sendable {
    /// The indices of the charges whose limit is exceeded, in order.
    public var over: [Int]
    /// True when what is within its limit was charged; false when nothing was.
    public var isCharged: Bool
}
