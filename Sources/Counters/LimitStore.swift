// LimitStore: what every store of counters can do.
// throttle(8), section THE STORE.
// SPDX-License-Identifier: MIT

/// Counters that several processes keep together.
public protocol LimitStore: AnyObject {
    /// Charges what one request takes from its limits: all of it, or nothing when a limit that
    /// refuses is exceeded. No other process decides meanwhile. A trial charges nothing at all; its
    /// outcome is the same.
    /// - Throws: `CounterError`: it is not known, and nothing was charged.
    func charge(_ charges: [Charge], isTrial: Bool) throws(CounterError) -> ChargeOutcome

    /// Every key that is not forgotten.
    func entries() throws(CounterError) -> [StoredMeter]

    /// Forgets the keys of these entries.
    func forget(_ entries: [StoredMeter]) throws(CounterError)
}

/// One key of a store and its state.
public struct StoredMeter: Hashable, Sendable {
    let storedKey: [UInt8]
    /// Nanoseconds until its burst is whole again.
    public let nanosecondsLeft: UInt64

    init(storedKey: [UInt8], _ meter: Meter, at now: UInt128) {
        self.storedKey = storedKey
        let left = max(meter.arrival, now) - now + (1 << 32 - 1)
        nanosecondsLeft = UInt64(clamping: left >> 32)
    }

    /// The key of the charge; only the beginning of a long one.
    public var key: [UInt8] { Record.beginning(of: storedKey) }

    /// How many units of a rate are used, rounded up.
    public func used(of rate: Rate) -> UInt64 {
        let unit = Meter.cost(1, rate)
        let used = (UInt128(nanosecondsLeft) << 32 + unit - 1) / unit
        return min(UInt64(clamping: used), rate.burst)
    }
}
