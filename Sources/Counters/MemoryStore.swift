// MemoryStore: counters of one process alone, such as a simulation.
// throttle(8), option --simulate.
// SPDX-License-Identifier: MIT

/// A store that is gone with its process, at whatever time its clock says.
public final class MemoryStore: LimitStore {
    private let clock: () -> UInt64
    private var meters: [[UInt8]: Meter] = [:]
    private var nextSweep = 100_000

    /// An empty store.
    /// - Parameter clock: nanoseconds since 1970-01-01 UTC; it must not go back.
    public init(clock: @escaping () -> UInt64) { self.clock = clock }

    /// Charges what one request takes from its limits.
    public func charge(
        _ charges: [Charge], isTrial: Bool = false
    ) throws(CounterError) -> ChargeOutcome {
        let time = Meter.time(clock())
        let decision = try Decision(charges, at: time) { (key) throws(CounterError) -> Meter? in
            meters[key]
        }
        for (key, meter) in decision.cut { meters[key] = meter }
        guard !isTrial, !decision.isRefused else { return decision.outcome }
        for (key, meter) in decision.written { meters[key] = meter }
        if meters.count > nextSweep {
            meters = meters.filter { $0.value.arrival > time }
            nextSweep = max(100_000, meters.count * 2)
        }
        return decision.charged
    }

    /// Every key that is not forgotten.
    public func entries() throws(CounterError) -> [StoredMeter] {
        let time = Meter.time(clock())
        return meters.filter { $0.value.arrival > time }
            .map { StoredMeter(storedKey: $0.key, $0.value, at: time) }
    }

    /// Forgets the keys of these entries.
    public func forget(_ entries: [StoredMeter]) throws(CounterError) {
        for entry in entries { meters[entry.storedKey] = nil }
    }
}
