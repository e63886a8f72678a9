// OpenStore: the guard and the LMDB file of a store, as one process has them open.
// throttle(8), section THE STORE.
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// What a process needs to decide, and to replace the store when it is damaged or full.
///
/// Legal states of the folder: `guard` alone, or with `counters.mdb` and `counters.mdb-lock`. To
/// replace, under the exclusive lock: another generation in the guard, then the old files away,
/// then (when rebuilding) `next.mdb` renamed. A process killed in between leaves a folder that
/// everybody opens anew, and an old file is found damaged or full again.
final class OpenStore {
    /// A store that stays nearly full is not rebuilt for every message: nanoseconds in between.
    private static let pause: UInt64 = 1_000_000_000

    private let folder: String
    private let mapSize: Int
    private let clock: () -> UInt64
    private let log: Log
    private let process = getpid()
    private let guardFile: StoreGuard
    private var environment: Environment?
    private var state = StoreGuard.State()
    /// Keys added since the last sweep. Processes that live for one message sweep too: their ids
    /// begin the count.
    private var added = Int(getpid() % 16)

    init(folder: String, mapSize: Int, clock: @escaping () -> UInt64, log: Log)
        throws(CounterError)
    {
        self.folder = folder
        self.mapSize = mapSize
        self.clock = clock
        self.log = log
        do {
            guardFile = try StoreGuard(folder: folder)
        } catch {
            throw .system(error)
        }
    }

    /// True in the process that opened it.
    var isOurs: Bool { process == getpid() }

    private var path: String { "\(folder)/counters.mdb" }

    /// Calls with the environment of the current generation while nobody can replace it.
    /// - Throws: `CounterError`; `.damaged` also when another process crashed inside LMDB.
    func shared<Result>(
        _ body: (Environment) throws(CounterError) -> Result
    ) throws(CounterError) -> Result {
        let now = try locked { () throws(SystemError) in try guardFile.share() }
        defer { guardFile.release() }
        guard !now.isMarked else { throw .damaged("a process crashed in it") }
        return try body(try current(now))
    }

    /// Puts the store away and begins an empty one, unless another process did so since our last
    /// look.
    func discard(because reason: String) throws(CounterError) {
        let seen = state
        let now = try locked { () throws(SystemError) in try guardFile.exclude() }
        defer { guardFile.release() }
        guard now.isMarked || now.generation == seen.generation else { return }
        environment = nil
        do throws(SystemError) {
            try guardFile.begin(after: now)
            try moveAway("counters.mdb", to: "counters.mdb.damaged")
            try remove("counters.mdb-lock")
        } catch {
            throw .system(error)
        }
        log.event("store-replaced", ["folder": folder, "reason": reason])
    }

    /// Writes what is not yet forgotten into a new file and puts that in the old one's place,
    /// unless another process did so since our last look.
    /// - Throws: `CounterError.full` when that has lately been tried.
    func rebuild() throws(CounterError) {
        let seen = state
        let now = try locked { () throws(SystemError) in try guardFile.exclude() }
        defer { guardFile.release() }
        guard now.generation == seen.generation else { return }
        let time = clock()
        // A mark further ahead than any pause was left before the clock was set back.
        let isPaused = now.isFullUntil > time && now.isFullUntil - time <= OpenStore.pause
        guard !isPaused else { throw .full }
        let (kept, dropped) = try copyToNext(try current(now))
        environment = nil
        let isStillFull = dropped * 10 < kept
        do throws(SystemError) {
            try guardFile.begin(after: now, isFullUntil: isStillFull ? time &+ OpenStore.pause : 0)
            try remove("counters.mdb-lock")
            try moveAway("next.mdb", to: "counters.mdb")
        } catch {
            throw .system(error)
        }
        log.event("store-rebuilt", ["folder": folder, "kept": "\(kept)", "dropped": "\(dropped)"])
    }

    /// With every sixteenth new key, forgets what is over among the next 64 keys: twice as fast as
    /// keys can come, and never long.
    func sweep(
        _ transaction: borrowing Transaction, _ time: UInt128, added count: Int
    ) throws(CounterError) {
        added += count
        guard added >= 16 else { return }
        added = 0
        let start = try transaction.read(Record.sweeperKey) { _, value in Array(value) } ?? [1]
        var past: [[UInt8]] = []
        var last: [UInt8]?
        var left = 64
        try transaction.each(from: start) { key, value throws(CounterError) in
            guard left > 0 else {
                last = Array(key)
                return false
            }
            left -= 1
            if try Record.meter(value, key: key).arrival <= time { past.append(Array(key)) }
            return true
        }
        for key in past { try transaction.remove(key) }
        try transaction.put(Record.sweeperKey, last ?? [1])
    }

    private func current(_ now: StoreGuard.State) throws(CounterError) -> Environment {
        if let environment, state.generation == now.generation { return environment }
        // The old one is closed first: LMDB forbids one process to open one file twice.
        environment = nil
        state = now
        let opened = try Environment(path, mapSize: mapSize)
        environment = opened
        return opened
    }

    private func copyToNext(
        _ old: Environment
    ) throws(CounterError) -> (kept: Int, dropped: Int) {
        do throws(SystemError) { try remove("next.mdb") } catch { throw .system(error) }
        let next = try Environment("\(folder)/next.mdb", mapSize: mapSize, isPrivate: true)
        let source = try old.transaction()
        let target = try next.transaction()
        let time = Meter.time(clock())
        var (kept, dropped) = (0, 0)
        try source.each(from: [1]) { key, value throws(CounterError) in
            if try Record.meter(value, key: key).arrival > time {
                try target.put(Array(key), Array(value), isLast: true)
                kept += 1
            } else {
                dropped += 1
            }
            return true
        }
        try target.commit()
        return (kept, dropped)
    }

    private func locked(
        _ body: () throws(SystemError) -> StoreGuard.State
    ) throws(CounterError) -> StoreGuard.State {
        do {
            return try body()
        } catch {
            throw .system(error)
        }
    }

    private func remove(_ name: String) throws(SystemError) {
        do {
            try Files.unlink("\(folder)/\(name)")
        } catch  where error.errno == .noSuchFileOrDirectory {}
    }

    private func moveAway(_ name: String, to other: String) throws(SystemError) {
        do {
            try Files.rename("\(folder)/\(name)", to: "\(folder)/\(other)")
        } catch  where error.errno == .noSuchFileOrDirectory {}
    }
}
