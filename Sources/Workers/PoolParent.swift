// PoolParent: the bookkeeping of a pool's parent process.
// chainmail(7), section PROCESSES.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import UnixIO

/// Which workers there are, and when another may be started.
struct PoolParent<Loaded>: ~Copyable {
    private struct Worker {
        let pid: pid_t
        let slot: Int
        let generation: Int
        let began: Deadline
    }

    private let pool: Pool<Loaded>
    private var loaded: Loaded
    private var generation = 0
    private var workers: [Worker] = []
    private let board: Scoreboard
    /// Workers write a byte here when none is idle.
    private let wanted: OwnedPipe
    private var mayFork = Deadline.after(.zero)
    private var earlyDeaths = 0
    private var shrinkAt: Deadline

    init(
        pool: Pool<Loaded>, loaded: Loaded, board: Scoreboard, wanted: consuming OwnedPipe
    ) {
        self.pool = pool
        self.loaded = loaded
        self.board = board
        self.wanted = wanted
        shrinkAt = .after(pool.options.shrinkInterval)
    }

    /// Waits for a signal, for a worker's word that none is idle, or for the next look around.
    mutating func wait(for signals: Descriptor) throws(SystemError) {
        var entries = [
            pollfd(fd: signals.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: wanted.reading.rawValue, events: Int16(POLLIN), revents: 0),
        ]
        let until =
            current.count < pool.options.workers.lowerBound ? min(mayFork, shrinkAt) : shrinkAt
        _ = try retrying("poll", "pool") { poll(&entries, 2, until.pollTimeout) }
        if entries[1].revents != 0 {
            wanted.drain()
            grow()
        }
        if shrinkAt.hasPassed {
            shrink()
            shrinkAt = .after(pool.options.shrinkInterval)
        }
    }

    /// Starts workers up to the lower bound.
    mutating func fill() {
        while current.count < pool.options.workers.lowerBound, mayFork.hasPassed {
            guard fork() else { return }
        }
    }

    /// Takes note of the workers that ended.
    mutating func reap() {
        while let (pid, termination) = Child.reap() {
            guard let index = workers.firstIndex(where: { $0.pid == pid }) else { continue }
            let worker = workers.remove(at: index)
            board.vacate(worker.slot)
            guard termination != .exited(0) else { continue }
            pool.log.event("worker-died", ["worker": "\(pid)", "end": "\(termination)"])
            delayForks(after: worker)
        }
    }

    /// Loads anew and lets a new generation take over; keeps everything when loading fails.
    mutating func reload() {
        do {
            loaded = try pool.load()
        } catch {
            pool.log.event("reload-failed", ["error": "\(error)", "kept": "the old generation"])
            return
        }
        let old = workers
        generation += 1
        mayFork = .after(.zero)
        fill()
        for worker in old { _ = kill(worker.pid, SIGTERM) }
        pool.log.event("reloaded", ["generation": "\(generation)"])
    }

    /// Ends every worker: first by request, after the grace by force.
    mutating func end() {
        for worker in workers { _ = kill(worker.pid, SIGTERM) }
        let deadline = Deadline.after(pool.options.grace)
        while !workers.isEmpty, !deadline.hasPassed {
            reap()
            if !workers.isEmpty { usleep(5_000) }
        }
        for worker in workers { _ = kill(worker.pid, SIGKILL) }
        while !workers.isEmpty, let (pid, _) = Child.reapNext() {
            workers.removeAll { $0.pid == pid }
        }
    }

    private var current: [Worker] { workers.filter { $0.generation == generation } }

    private mutating func grow() {
        guard board.idle <= 0, current.count < pool.options.workers.upperBound,
            mayFork.hasPassed
        else { return }
        _ = fork()
    }

    private func shrink() {
        let spare = board.idle - 1
        guard spare > 0, current.count > pool.options.workers.lowerBound,
            let worker = current.last(where: { !board.isBusy($0.slot) })
        else { return }
        _ = kill(worker.pid, SIGTERM)
    }

    /// A worker that dies within a second may do so for ever: each such death doubles the wait
    /// before the next fork, up to 10 seconds.
    private mutating func delayForks(after worker: Worker) {
        earlyDeaths = worker.began.hasPassed ? 0 : min(earlyDeaths + 1, 10)
        let milliseconds = earlyDeaths == 0 ? 0 : min(10_000, 10 << earlyDeaths)
        mayFork = .after(.milliseconds(milliseconds))
    }

    private mutating func fork() -> Bool {
        let taken = Set(workers.map(\.slot))
        guard let slot = (0..<board.capacity).first(where: { !taken.contains($0) }) else {
            return false
        }
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
        workers.append(
            Worker(pid: pid, slot: slot, generation: generation, began: .after(.seconds(1))))
        return true
    }
}
