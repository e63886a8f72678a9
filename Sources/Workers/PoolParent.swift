// PoolParent: the bookkeeping of one generation of workers, in the process that loaded for them.
// chainmail(7), section PROCESSES.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import UnixIO

/// Which workers there are, and when another may be started.
final class PoolParent<Loaded> {
    private struct Worker {
        let pid: pid_t
        let slot: Int
        let began: Deadline
    }

    /// Workers that die this many times in a row before one could serve never will.
    static var patience: Int { 5 }

    private let pool: Pool<Loaded>
    /// Nil once another generation serves.
    private var loaded: Loaded?
    private var workers: [Worker] = []
    private let board: Scoreboard
    /// Workers write a byte here when they begin to serve and when none is idle.
    private let wanted: OwnedPipe
    private var mayFork = Deadline.after(.zero)
    private var earlyDeaths = 0
    private var shrinkAt: Deadline
    private var checkAt: Deadline
    private var lastCallAt = Deadline.never

    init(_ pool: Pool<Loaded>, _ loaded: Loaded) throws(SystemError) {
        self.pool = pool
        self.loaded = loaded
        board = try Scoreboard(capacity: pool.options.workers.upperBound)
        wanted = try OwnedPipe()
        shrinkAt = .after(pool.options.shrinkInterval)
        checkAt = pool.options.checkInterval.map { .after($0) } ?? .never
    }

    /// What to poll for a word of a worker.
    var awaited: Descriptor { wanted.reading }

    /// When `tend` has something to do.
    var deadline: Deadline {
        guard loaded != nil else { return .never }
        let due = min(shrinkAt, checkAt)
        return workers.count < pool.options.workers.lowerBound ? min(mayFork, due) : due
    }

    /// True once a worker could serve.
    var serves: Bool { board.hasServed }

    /// True when workers end again and again and none of them ever served.
    var isHopeless: Bool { !serves && earlyDeaths >= PoolParent.patience }

    /// True when another generation serves.
    var isRetired: Bool { loaded == nil }

    var isEmpty: Bool { workers.isEmpty }

    /// Takes the words of workers, adds one where none is idle, ends one where many are, and asks
    /// whether all is up to date.
    /// - Returns: true when it is time to load anew.
    func tend() -> Bool {
        wanted.drain()
        guard let loaded else { return false }
        fill()
        grow()
        if shrinkAt.hasPassed {
            shrink()
            shrinkAt = .after(pool.options.shrinkInterval)
        }
        guard checkAt.hasPassed else { return false }
        checkAt = pool.options.checkInterval.map { .after($0) } ?? .never
        return pool.isStale(loaded)
    }

    /// Starts workers up to the lower bound.
    func fill() {
        while workers.count < pool.options.workers.lowerBound, mayFork.hasPassed {
            guard fork() else { return }
        }
    }

    /// Takes note of a process that ended.
    /// - Returns: false when it is no worker of this generation.
    func take(_ pid: pid_t, _ termination: Termination) -> Bool {
        guard let index = workers.firstIndex(where: { $0.pid == pid }) else { return false }
        let worker = workers.remove(at: index)
        board.vacate(worker.slot)
        pool.ended(pid)
        pool.recall?.call()
        if termination != .exited(0) {
            pool.log.event("worker-died", ["worker": "\(pid)", "end": "\(termination)"])
            delayForks(after: worker)
        }
        return true
    }

    /// Another generation serves: the workers do to its end what they do, and what was loaded goes.
    func retire() {
        loaded = nil
        signal(SIGHUP)
    }

    /// Tells the workers to end what they do, for which they have the grace of the pool.
    func beginEnd() {
        signal(SIGTERM)
        let grace = pool.options.grace
        lastCallAt = .after(grace - min(PoolOptions.lastCall, grace / 2))
    }

    /// Tells those that are left, once, when the grace is nearly over.
    func remind() {
        guard lastCallAt.hasPassed else { return }
        lastCallAt = .never
        signal(SIGUSR1)
    }

    /// Forgets what was loaded, in a process that was forked to load anew.
    func forget() { loaded = nil }

    func signal(_ number: Int32) {
        for worker in workers { _ = kill(worker.pid, number) }
    }

    private func grow() {
        guard serves, board.idle <= 0, workers.count < pool.options.workers.upperBound,
            mayFork.hasPassed
        else { return }
        _ = fork()
    }

    private func shrink() {
        let spare = min(board.idle - 1, workers.count - pool.options.workers.lowerBound)
        guard spare > 0 else { return }
        // A quarter at a time: after a rush many are too many, but it may come again.
        for worker in workers.filter({ !board.isBusy($0.slot) }).suffix(max(1, spare / 4)) {
            _ = kill(worker.pid, SIGHUP)
        }
    }

    /// A worker that dies within a second may do so for ever: each such death doubles the wait
    /// before the next fork, up to 10 seconds.
    private func delayForks(after worker: Worker) {
        earlyDeaths = worker.began.hasPassed ? 0 : min(earlyDeaths + 1, 10)
        let milliseconds = earlyDeaths == 0 ? 0 : min(10_000, 10 << earlyDeaths)
        mayFork = .after(.milliseconds(milliseconds))
    }

    private func fork() -> Bool {
        let taken = Set(workers.map(\.slot))
        guard let loaded, let slot = (0..<board.capacity).first(where: { !taken.contains($0) })
        else { return false }
        board.occupy(slot)
        let parent = getpid()
        let pid = cunix_fork()
        if pid == 0 {
            PoolWorker(pool: pool, board: board, slot: slot, wanted: wanted.writing)
                .run(loaded, parent: parent)
        }
        guard pid > 0 else {
            board.vacate(slot)
            pool.log.event(
                "fork-failed", ["error": "\(SystemError.last("fork", pool.options.name))"])
            mayFork = .after(.seconds(1))
            return false
        }
        workers.append(Worker(pid: pid, slot: slot, began: .after(.seconds(1))))
        return true
    }
}
