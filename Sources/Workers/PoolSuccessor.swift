// PoolSuccessor: the life of a process that loads anew and becomes the parent of new workers.
// chainmail(7), section PROCESSES.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import UnixIO

/// Loads, forks workers, says that they serve, and has them until it is told to end.
struct PoolSuccessor<Loaded> {
    /// Written to the report when the workers can serve.
    static var readyWord: UInt8 { 0x52 }
    /// Written when what was loaded is out of date.
    static var staleWord: UInt8 { 0x53 }
    /// A generation that takes less than this is loaded without a look at what there is.
    private static var small: Int { 64 << 20 }

    let pool: Pool<Loaded>
    let report: Descriptor

    /// Ends the process. Not declared `Never`, see `cunix_exit`.
    /// - Parameters:
    ///   - old: our copy of the first generation.
    ///   - parent: the process that forked this one.
    ///   - holder: the process that holds what is loaded now.
    func run(in old: PoolParent<Loaded>, parent: pid_t, likes holder: pid_t) {
        Signals.reset()
        Signals.ignoreBrokenPipes()
        pool.room?.leave()
        var code: Int32 = 1
        if cunix_die_with_parent(SIGKILL) == 0, getppid() == parent {
            let taken = Memory.taken(by: holder) ?? 0
            // The copy of the old would stay in memory for as long as this process does.
            old.forget()
            do {
                try PoolSuccessor.checkRoom(for: taken)
                try serve(PoolParent(pool, try pool.load()))
                code = 0
            } catch {
                pool.log.event(
                    "reload-failed", ["error": "\(error)", "kept": "the old generation"])
            }
        }
        cunix_exit(code)
    }

    /// What is loaded now says what the new will take; loading it takes a quarter more.
    private static func checkRoom(for taken: Int) throws(PoolError) {
        let needed = taken + taken / 4
        guard taken >= small, let available = Memory.available, available < needed else { return }
        throw .noRoom(needed: needed >> 20, available: available >> 20)
    }

    /// Serves until SIGTERM or SIGINT; after SIGUSR1, until the workers have ended what they do,
    /// however long that takes.
    private func serve(_ parent: PoolParent<Loaded>) throws {
        let signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGCHLD])
        parent.fill()
        var isReady = false
        while true {
            try wait(parent, signals.borrowed)
            while let signal = try signals.next() {
                switch signal {
                case SIGTERM, SIGINT: return end(parent)
                case SIGUSR1: parent.retire()
                default: break
                }
            }
            while let (pid, termination) = Child.reap() { _ = parent.take(pid, termination) }
            if parent.isRetired, parent.isEmpty { return }
            if parent.isHopeless { throw PoolError.noWorker }
            if parent.tend() { say(PoolSuccessor.staleWord) }
            if !isReady, parent.serves {
                isReady = true
                say(PoolSuccessor.readyWord)
            }
        }
    }

    private func wait(_ parent: PoolParent<Loaded>, _ signals: Descriptor) throws(SystemError) {
        var entries = [signals, parent.awaited].map {
            pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0)
        }
        let until = parent.deadline
        _ = try retrying("poll", "pool") { poll(&entries, 2, until.pollTimeout) }
    }

    private func say(_ word: UInt8) {
        withUnsafePointer(to: word) { _ = Glibc.write(report.rawValue, $0, 1) }
    }

    private func end(_ parent: PoolParent<Loaded>) {
        parent.beginEnd()
        let deadline = Deadline.after(pool.options.grace)
        while !parent.isEmpty, !deadline.hasPassed {
            while let (pid, termination) = Child.reap() { _ = parent.take(pid, termination) }
            parent.remind()
            if !parent.isEmpty { usleep(5_000) }
        }
        parent.signal(SIGKILL)
    }
}

/// Why no new generation could be made, beside what loading threw.
enum PoolError: Error, CustomStringConvertible {
    /// Mebibytes that are needed and that there are.
    case noRoom(needed: Int, available: Int)
    /// All workers died before they served.
    case noWorker

    var description: String {
        switch self {
        case .noRoom(let needed, let available):
            "not enough memory for a second set: about \(needed) MiB are needed, "
                + "\(available) MiB can be had"
        case .noWorker: "no worker could begin"
        }
    }
}
