// RoomKeeper: a process that only holds connections which say nothing.
// chainmail(7), section PROCESSES.
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import UnixIO

/// Thousands of connections are a burden for a process that forks: each child would get them all.
/// So where many may wait, a process is forked that holds them and does nothing else. It stays
/// when a new generation is loaded, and is forked anew when it dies.
final class RoomKeeper {
    /// Room for what a process has open beside its guests.
    private static let spareDescriptors = 32

    private let room: WaitingRoom
    private let listeners: [Descriptor]
    private let name: String
    private let log: Log
    private var pid: pid_t?
    private var startAt = Deadline.after(.zero)
    private var isEnding = false

    /// A keeper that is not there yet.
    init(_ room: WaitingRoom, listeners: [Descriptor], name: String) {
        self.room = room
        self.listeners = listeners
        self.name = name
        log = Log(name)
    }

    // MARK: For the process that everybody knows

    /// When `start` has something to do.
    var deadline: Deadline { pid == nil ? startAt : .never }

    /// Forks it, unless it is there or died a moment ago.
    func start() {
        guard pid == nil, startAt.hasPassed, !isEnding else { return }
        let parent = getpid()
        let child = cunix_fork()
        if child == 0 { run(parent) }
        guard child > 0 else {
            log.event("fork-failed", ["error": "\(SystemError.last("fork", name))"])
            startAt = .after(.seconds(1))
            return
        }
        pid = child
    }

    /// Takes note of a process that ended.
    /// - Returns: false when it is another one.
    func take(_ other: pid_t, _ termination: Termination) -> Bool {
        guard other == pid else { return false }
        pid = nil
        startAt = .after(.milliseconds(100))
        if !isEnding { log.event("keeper-died", ["end": "\(termination)"]) }
        return true
    }

    /// Takes leave of all guests, and of those who still come.
    func beginEnd() {
        isEnding = true
        if let pid { _ = kill(pid, SIGTERM) }
    }

    /// Ends the process, when no worker hands in anybody any more.
    func finishEnd() {
        guard let pid else { return }
        _ = kill(pid, SIGUSR1)
        let deadline = Deadline.after(.seconds(1))
        var status: Int32 = 0
        while !deadline.hasPassed {
            if waitpid(pid, &status, WNOHANG) != 0 { return }
            usleep(2_000)
        }
        _ = kill(pid, SIGKILL)
        waitpid(pid, &status, 0)
    }

    // MARK: In the process itself

    /// Not declared `Never`, see `cunix_exit`.
    private func run(_ parent: pid_t) {
        Signals.reset()
        Signals.ignoreBrokenPipes()
        // They are for the process that forked us, wherever they were sent.
        signal(SIGINT, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        cunix_set_name("\(name.prefix(10))-hold")
        // A port must be free again when its server has ended, whoever still holds clients.
        for listener in listeners { close(listener.rawValue) }
        var code: Int32 = 1
        if cunix_die_with_parent(SIGKILL) == 0, getppid() == parent {
            do throws(SystemError) {
                try hold()
                code = 0
            } catch {
                log.event("keeper-failed", ["error": "\(error)"])
            }
        }
        cunix_exit(code)
    }

    /// Holds guests until SIGUSR1; after SIGTERM nobody stays.
    private func hold() throws(SystemError) {
        let wanted = room.capacity + RoomKeeper.spareDescriptors
        let allowed = Int(cunix_allow_open_files(Int64(wanted)))
        if allowed < wanted {
            log.event("few-descriptors", ["wanted": "\(wanted)", "allowed": "\(allowed)"])
            room.hold(atMost: allowed - RoomKeeper.spareDescriptors)
        }
        let signals = try SignalDescriptor([SIGTERM, SIGUSR1])
        try room.open()
        var (isEnding, isOver) = (false, false)
        while !isOver {
            try wait(signals.borrowed)
            while let signal = try signals.next() {
                isEnding = true
                isOver = isOver || signal == SIGUSR1
            }
            let closed = room.tend()
            if closed > 0 { log.event("silent-clients-closed", ["count": "\(closed)"]) }
            if isEnding { room.closeAll() }
        }
    }

    private func wait(_ signals: Descriptor) throws(SystemError) {
        var entries = room.entries
        entries.append(pollfd(fd: signals.rawValue, events: Int16(POLLIN), revents: 0))
        let count = nfds_t(entries.count)
        let until = room.deadline
        _ = try retrying("poll", "waiting room") { poll(&entries, count, until.pollTimeout) }
    }
}
