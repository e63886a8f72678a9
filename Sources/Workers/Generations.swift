// Generations: the process of a pool that everybody knows, and the ones that load in its place.
// chainmail(7), section PROCESSES.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import UnixIO

/// The first generation of workers is this process's own. Each later one is the child of a process
/// that was forked from this one, loaded, and has the workers: so nothing here waits while
/// something loads, and what an old generation had loaded goes with it.
struct Generations<Loaded>: ~Copyable {
    /// A process that loads or has loaded.
    private final class Successor {
        let pid: pid_t
        /// It and its workers hold the other end.
        private let report: OwnedDescriptor

        init(_ pid: pid_t, _ report: consuming OwnedDescriptor) {
            self.pid = pid
            self.report = report
        }

        var reading: Descriptor { report.borrowed }

        /// The words that it said; nil when it and all of its workers are gone.
        func words() -> [UInt8]? {
            var words = [UInt8](repeating: 0, count: 64)
            let got = read(report.number, &words, words.count)
            return got == 0 ? nil : Array(words.prefix(max(0, got)))
        }

        func hasSaid(_ word: UInt8) -> Bool { words()?.contains(word) ?? false }
    }

    private let pool: Pool<Loaded>
    private let own: PoolParent<Loaded>
    private var ownServes = true
    /// The one that serves in place of our own workers.
    private var serving: Successor?
    /// The one that loads.
    private var next: Successor?
    /// The one that served and died, while it has workers still. What it had loaded must be out
    /// of memory before another loads.
    private var dead: Successor?
    /// Others that are gone, while they have workers still.
    private var orphaned: [Successor] = []
    /// Those that end what they do.
    private var retired: [Successor] = []
    private var count = 0
    /// True when a reload was asked for during another.
    private var isAskedAgain = false
    /// When to try again while nobody serves.
    private var retryAt = Deadline.never
    private var failures = 0

    init(_ pool: Pool<Loaded>, _ own: PoolParent<Loaded>) {
        self.pool = pool
        self.own = own
    }

    /// Waits for a signal, a word of a worker or of a successor, or the next thing that is due.
    func wait(for signals: Descriptor) throws(SystemError) {
        let reports = ([next, serving, dead].compactMap(\.self) + orphaned).map(\.reading)
        var entries = ([signals, own.awaited] + reports).map {
            pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0)
        }
        entries += heldRoom?.entries ?? []
        let room = min(heldRoom?.deadline ?? .never, pool.keeper?.deadline ?? .never)
        let until = min(min(own.deadline, retryAt), room)
        let count = nfds_t(entries.count)
        _ = try retrying("poll", "pool") { poll(&entries, count, until.pollTimeout) }
    }

    /// Does what is due.
    mutating func tend() {
        pool.keeper?.start()
        if let closed = heldRoom?.tend(), closed > 0 {
            pool.log.event("silent-clients-closed", ["count": "\(closed)"])
        }
        if own.tend() { stale() }
        if serving?.hasSaid(PoolSuccessor<Loaded>.staleWord) == true { stale() }
        if next?.hasSaid(PoolSuccessor<Loaded>.readyWord) == true { takeOver() }
        bury()
        if retryAt.hasPassed {
            retryAt = .never
            renew()
        }
    }

    /// Nobody reaps the workers of a process that died; that the last one is gone is seen here. A
    /// connection may have woken one of them.
    private mutating func bury() {
        let count = orphaned.count
        orphaned.removeAll { $0.words() == nil }
        for _ in orphaned.count..<count { pool.recall?.call() }
        guard let gone = dead, gone.words() == nil else { return }
        dead = nil
        pool.recall?.call()
        retryAt = .after(.zero)
    }

    /// The waiting room, where this process is the one that holds it.
    private var heldRoom: WaitingRoom? { pool.keeper == nil ? pool.room : nil }

    private mutating func stale() {
        guard next == nil else { return }
        pool.log.event("out-of-date")
        renew()
    }

    /// Takes note of the processes that ended.
    mutating func reap() {
        while let (pid, termination) = Child.reap() {
            if own.take(pid, termination) { continue }
            if pool.keeper?.take(pid, termination) == true {
                pool.ended(pid)
                continue
            }
            orphaned += retired.filter { $0.pid == pid }
            retired.removeAll { $0.pid == pid }
            if pid == next?.pid { giveUp(termination) }
            if pid == serving?.pid {
                pool.log.event("generation-died", ["end": "\(termination)"])
                dead = serving
                serving = nil
            }
        }
    }

    /// Forks a process that loads anew. What is asked for meanwhile is done afterwards.
    mutating func renew() {
        guard next == nil else {
            isAskedAgain = true
            return
        }
        do throws(SystemError) {
            let report = try OwnedPipe()
            let reading = OwnedDescriptor(
                try retrying("dup", "pipe") {
                    cunix_fcntl(report.reading.rawValue, F_DUPFD_CLOEXEC, 3)
                })
            let holder = serving?.pid ?? getpid()
            let parent = getpid()
            let pid = cunix_fork()
            if pid == 0 {
                let successor = PoolSuccessor(pool: pool, report: report.writing)
                successor.run(in: own, parent: parent, likes: holder)
            }
            guard pid > 0 else { throw SystemError.last("fork", pool.options.name) }
            next = Successor(pid, reading)
        } catch {
            pool.log.event("reload-failed", ["error": "\(error)"])
            failed()
        }
    }

    /// Ends every worker of every generation: first by request, after the grace by force.
    mutating func end() {
        let successors = ([next, serving] + retired).compactMap(\.self)
        own.beginEnd()
        for successor in successors { _ = kill(successor.pid, SIGTERM) }
        pool.keeper?.beginEnd()
        // A successor waits for its workers just as long.
        let deadline = Deadline.after(pool.options.grace + .seconds(1))
        var left = Set(successors.map(\.pid))
        while !own.isEmpty || !left.isEmpty, !deadline.hasPassed {
            while let (pid, termination) = Child.reap() {
                note(pid, termination, in: &left)
            }
            own.remind()
            if !own.isEmpty || !left.isEmpty { usleep(5_000) }
        }
        own.signal(SIGKILL)
        for pid in left { _ = kill(pid, SIGKILL) }
        while !own.isEmpty || !left.isEmpty, let (pid, termination) = Child.reapNext() {
            note(pid, termination, in: &left)
        }
        pool.keeper?.finishEnd()
    }

    private func note(_ pid: pid_t, _ termination: Termination, in left: inout Set<pid_t>) {
        if own.take(pid, termination) || pool.keeper?.take(pid, termination) == true { return }
        left.remove(pid)
    }

    /// The new generation serves: the old one ends.
    private mutating func takeOver() {
        guard let new = next else { return }
        if let old = serving {
            _ = kill(old.pid, SIGUSR1)
            retired.append(old)
        }
        if ownServes {
            ownServes = false
            own.retire()
        }
        serving = new
        next = nil
        count += 1
        failures = 0
        pool.log.event("reloaded", ["generation": "\(count)"])
        renewAgain()
    }

    /// The one that loaded has ended. Why it could not load it has said itself.
    private mutating func giveUp(_ termination: Termination) {
        // Also when it has just said that it serves: the old ones do it still.
        if let next { orphaned.append(next) }
        next = nil
        if case .killed = termination {
            let kept = isServed ? "the old generation" : nil
            pool.log.event("reload-failed", ["error": "\(termination)", "kept": kept])
        }
        failed()
        renewAgain()
    }

    private var isServed: Bool { ownServes || serving != nil }

    /// While nobody serves it is tried again, less and less often.
    private mutating func failed() {
        guard !isServed else { return }
        failures = min(failures + 1, 10)
        retryAt = .after(.milliseconds(min(10_000, 50 << failures)))
    }

    private mutating func renewAgain() {
        guard isAskedAgain else { return }
        isAskedAgain = false
        renew()
    }
}
