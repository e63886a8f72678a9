// CounterStore: limits that all processes of this host keep together.
// throttle(8), section THE STORE.
// SPDX-License-Identifier: MIT

import CLMDB
import Glibc
import MailModel
import UnixIO

/// A folder with counters. Nothing is opened before the first charge, and what was opened before
/// a fork is not used after it, so a store may be made by the parent of a pool.
public final class CounterStore {
    /// The size of the map: what all counters together may take.
    public static let standardMapSize = 16 << 20

    private let folder: String
    private let mapSize: Int
    private let clock: () -> UInt64
    private let log: Log
    private var open: OpenStore?

    /// A store in this folder, which is made with the first charge.
    /// - Parameters:
    ///   - folder: the folder; its path ends in the name of the limits' owner.
    ///   - mapSize: bytes of address space and at most of file.
    ///   - log: gets an event when the store is replaced.
    ///   - clock: nanoseconds since 1970-01-01 UTC, read while no other process decides.
    public init(
        folder: String, mapSize: Int = standardMapSize, log: Log,
        clock: @escaping () -> UInt64 = { WallClock.microseconds &* 1000 }
    ) {
        self.folder = folder
        self.mapSize = mapSize
        self.log = log
        self.clock = clock
    }

    /// Charges what one request takes from its limits: all of it, or nothing when a limit that
    /// refuses is exceeded. No other process decides meanwhile. A trial charges nothing at all; its
    /// outcome is the same.
    /// - Throws: `CounterError`: it is not known, and nothing was charged.
    public func charge(_ charges: [Charge], isTrial: Bool = false) throws(CounterError) -> Outcome {
        var attempt = 1
        while true {
            do {
                return try attemptCharge(charges, isTrial)
            } catch .damaged(let what) where attempt < 3 {
                try repair { store throws(CounterError) in try store.discard(because: what) }
            } catch .full where attempt < 3 {
                try repair { store throws(CounterError) in try store.rebuild() }
            }
            attempt += 1
        }
    }

    private func attemptCharge(
        _ charges: [Charge], _ isTrial: Bool
    ) throws(CounterError) -> Outcome {
        let store = try opened()
        clmdb_enter()
        defer { clmdb_leave() }
        return try store.shared { environment throws(CounterError) in
            var ahead: [[UInt8]: Meter] = [:]
            let outcome = try decide(charges, isTrial, environment, store, &ahead)
            guard !ahead.isEmpty else { return outcome }
            // The clock was set back. The cut times are kept whatever is decided: else a key
            // would wait until the clock is where it was.
            let transaction = try environment.transaction()
            for (key, meter) in ahead { try transaction.put(key, Record.value(meter, key: key)) }
            try transaction.commit()
            ahead = [:]
            let second = try decide(charges, isTrial, environment, store, &ahead)
            guard ahead.isEmpty else {
                throw .library(call: "clock", "it is set back all the time")
            }
            return second
        }
    }

    /// Decides in one transaction. With times further ahead than a burst nothing is charged: they
    /// are handed out, cut to what they may be.
    private func decide(
        _ charges: [Charge], _ isTrial: Bool, _ environment: Environment, _ store: OpenStore,
        _ ahead: inout [[UInt8]: Meter]
    ) throws(CounterError) -> Outcome {
        let transaction = try environment.transaction()
        let time = Meter.time(clock())
        var outcome = Outcome(over: [], isCharged: false)
        var added = 0
        for (index, charge) in charges.enumerated() where charge.units > 0 {
            let key = Record.key(charge.key)
            let stored = try transaction.meter(key)
            if let cut = stored?.cut(at: time, rate: charge.rate) { ahead[key] = cut }
            if let meter = Meter.charged(stored, charge.units, at: time, rate: charge.rate) {
                try transaction.put(key, Record.value(meter, key: key))
                added += stored == nil ? 1 : 0
            } else {
                outcome.over.append(index)
            }
        }
        let isRefused = outcome.over.contains { charges[$0].refuses }
        guard !isTrial, !isRefused, ahead.isEmpty else { return outcome }
        try store.sweep(transaction, time, added: added)
        try transaction.commit()
        outcome.isCharged = true
        return outcome
    }

    private func repair(_ body: (OpenStore) throws(CounterError) -> Void) throws(CounterError) {
        let store = try opened()
        clmdb_enter()
        defer { clmdb_leave() }
        try body(store)
    }

    private func opened() throws(CounterError) -> OpenStore {
        if let open, open.isOurs { return open }
        let store = try OpenStore(folder: folder, mapSize: mapSize, clock: clock, log: log)
        open = store
        return store
    }
}

extension Transaction {
    /// The meter under a stored key.
    func meter(_ key: [UInt8]) throws(CounterError) -> Meter? {
        try read(key) { value throws(CounterError) in try Record.meter(value, key: key) }
    }
}
