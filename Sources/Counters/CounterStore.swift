// CounterStore: limits that all processes of this host keep together.
// throttle(8), section THE STORE.
// SPDX-License-Identifier: MIT

import CLMDB
import Glibc
import MailModel
import UnixIO

/// A folder with counters. Nothing is opened before the first charge, and what was opened before
/// a fork is not used after it, so a store may be made by the parent of a pool.
public final class CounterStore: LimitStore {
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

    /// Charges what one request takes from its limits.
    /// - Throws: `CounterError`: it is not known, and nothing was charged.
    public func charge(
        _ charges: [Charge], isTrial: Bool = false
    ) throws(CounterError) -> ChargeOutcome {
        try repairing { () throws(CounterError) in try attemptCharge(charges, isTrial) }
    }

    /// Calls again when the store was damaged or full and could be repaired.
    private func repairing<Result>(
        _ body: () throws(CounterError) -> Result
    ) throws(CounterError) -> Result {
        var attempt = 1
        while true {
            do {
                return try body()
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
    ) throws(CounterError) -> ChargeOutcome {
        let store = try opened()
        clmdb_enter()
        defer { clmdb_leave() }
        return try store.shared { environment throws(CounterError) in
            for _ in 0..<2 {
                let transaction = try environment.transaction()
                let time = Meter.time(clock())
                let decision = try Decision(charges, at: time) {
                    (key) throws(CounterError) -> Meter? in
                    try transaction.meter(key)
                }
                guard decision.cut.isEmpty else {
                    // The clock was set back. The cut times are kept whatever is decided: else a
                    // key would wait until the clock is where it was.
                    for (key, meter) in decision.cut {
                        try transaction.put(key, Record.value(meter, key: key))
                    }
                    try transaction.commit()
                    continue
                }
                if isTrial || decision.isRefused { return decision.outcome }
                guard !decision.written.isEmpty else { return decision.charged }
                for (key, meter) in decision.written {
                    try transaction.put(key, Record.value(meter, key: key))
                }
                try store.sweep(transaction, time, added: decision.added)
                try transaction.commit()
                return decision.charged
            }
            throw .library(call: "clock", "it is set back all the time")
        }
    }

    /// Every key that is not forgotten. A store that is not there stays so: who looks may be
    /// another user than who counts.
    public func entries() throws(CounterError) -> [StoredMeter] {
        do throws(SystemError) {
            guard try Files.status("\(folder)/counters.mdb") != nil else { return [] }
        } catch {
            throw .system(error)
        }
        return try repairing { () throws(CounterError) in
            try transact { transaction, time throws(CounterError) in
                var entries: [StoredMeter] = []
                try transaction.each(from: [1]) { key, value throws(CounterError) in
                    let meter = try Record.meter(value, key: key)
                    if meter.arrival > time {
                        entries.append(StoredMeter(storedKey: Array(key), meter, at: time))
                    }
                    return true
                }
                return entries
            }
        }
    }

    /// Forgets the keys of these entries.
    public func forget(_ entries: [StoredMeter]) throws(CounterError) {
        try repairing { () throws(CounterError) in
            let store = try opened()
            clmdb_enter()
            defer { clmdb_leave() }
            try store.shared { environment throws(CounterError) in
                let transaction = try environment.transaction()
                for entry in entries { try transaction.remove(entry.storedKey) }
                try transaction.commit()
            }
        }
    }

    private func transact<Result>(
        _ body: (borrowing Transaction, UInt128) throws(CounterError) -> Result
    ) throws(CounterError) -> Result {
        let store = try opened()
        clmdb_enter()
        defer { clmdb_leave() }
        return try store.shared { environment throws(CounterError) in
            try body(try environment.transaction(), Meter.time(clock()))
        }
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
        try read(key) { key, value throws(CounterError) in try Record.meter(value, key: key) }
    }
}
