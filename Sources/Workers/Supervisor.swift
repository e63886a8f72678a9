// Supervisor: starts programs in order, restarts what dies, ends all in reverse order.
// mail-server(8).
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// Why supervision could not begin or go on.
public enum SupervisorError: Error, CustomStringConvertible {
    /// A program could not be started, ended before it was ready or was not ready in time. What it
    /// had to say of it is in its own log.
    case notReady(String, String)
    /// A call of the supervisor itself failed.
    case system(SystemError)

    /// One line.
    public var description: String {
        switch self {
        case .notReady(let name, let reason): "\(name) did not start: \(reason)"
        case .system(let error): "\(error)"
        }
    }
}

/// Keeps programs running. The process that runs it must have one thread and no other children.
///
/// Programs come in groups: those of one are started together, and the next group when all of them
/// are ready. SIGTERM and SIGINT end all, the last group first; SIGHUP is passed on to every
/// program. All get SIGTERM when this process dies, by whatever cause. systemd is told when all is
/// ready, when a SIGHUP came and when every program has it, and when the end begins.
public struct Supervisor: ~Copyable {
    /// How long programs may take to end before they are killed. A pool waits 30 seconds for the
    /// requests that it serves.
    private static let grace = Duration.seconds(40)

    private let groups: [[SupervisorService]]
    private let log: Log
    private let announce: (_ name: String, _ text: String) -> Void
    private let signals: SignalDescriptor
    private let isOnTerminal: Bool
    private var failure: SupervisorError?
    private var stops = 0
    private var hasBegun = false
    private let notice = ServiceNotice()

    /// Takes over the signals of this process. `announce` is called once for each program, when
    /// it is ready for the first time, with its name and what its ready line says.
    /// - Throws: `SystemError` when signals cannot be waited for.
    public init(
        _ groups: [[SupervisedProgram]], log: Log,
        announce: @escaping (_ name: String, _ text: String) -> Void
    ) throws(SystemError) {
        self.groups = groups.map { $0.map(SupervisorService.init) }
        self.log = log
        self.announce = announce
        isOnTerminal = isatty(2) == 1
        signals = try SignalDescriptor([SIGTERM, SIGINT, SIGHUP, SIGCHLD])
    }

    /// Starts all programs, calls `ready`, and supervises until SIGTERM or SIGINT.
    /// - Throws: `SupervisorError` when a program does not start the first time; all others have
    ///   ended by then.
    public mutating func run(ready: () -> Void) throws(SupervisorError) {
        do {
            for group in groups { try begin(group) }
            hasBegun = true
            if !isEnding {
                ready()
                notice.ready()
            }
            while !isEnding { try step() }
            notice.stopping()
            try end()
        } catch {
            // What fails here is poll or the signal descriptor: nothing can be awaited any more.
            for service in services { service.signal(SIGKILL) }
            throw .system(error)
        }
        if let failure { throw failure }
    }

    private var isEnding: Bool { stops > 0 || failure != nil }

    private var services: [SupervisorService] { groups.flatMap(\.self) }

    private mutating func begin(_ group: [SupervisorService]) throws(SystemError) {
        for service in group where !isEnding { start(service) }
        // One that was ready once and died since is started again like any other; it is not to
        // keep the rest from its turn.
        while !isEnding, !group.allSatisfy({ $0.readyText != nil }) { try step() }
    }

    private mutating func start(_ service: SupervisorService) {
        do throws(SystemError) {
            try service.start()
        } catch {
            log.event("service-failed", ["service": service.name, "error": "\(error)"])
            failed(service, "\(error)")
        }
    }

    /// Before everything runs for the first time, a program that does not start ends it all: the
    /// administrator is there and should hear of it.
    private mutating func failed(_ service: SupervisorService, _ reason: String) {
        service.ended()
        guard !hasBegun, service.readyText == nil, failure == nil else { return }
        failure = .notReady(service.name, reason)
    }

    /// Waits for something to happen and does what is due.
    private mutating func step() throws(SystemError) {
        let allMayStart = hasBegun
        try wait(until: services.map { $0.due(allMayStart) }.min() ?? .never)
        try takeSignals()
        for service in services where service.awaited != nil { listen(to: service) }
        reap()
        guard !isEnding else { return }
        for service in services where service.due(allMayStart).hasPassed {
            switch service.state {
            case .waiting: start(service)
            case .starting: giveUp(service)
            case .running, .ended: break
            }
        }
    }

    private func wait(until deadline: Deadline) throws(SystemError) {
        var entries = ([signals.borrowed] + services.compactMap(\.awaited)).map {
            pollfd(fd: $0.rawValue, events: Int16(POLLIN), revents: 0)
        }
        let result = poll(&entries, nfds_t(entries.count), deadline.pollTimeout)
        guard result >= 0 || errno == EINTR else { throw .last("poll", "services") }
    }

    private mutating func takeSignals() throws(SystemError) {
        while let signal = try signals.next() {
            switch signal {
            case SIGCHLD: break
            // Who started us in a terminal and closes it wants no server that nobody sees.
            case SIGHUP where isOnTerminal && isatty(2) != 1: stops += 1
            case SIGHUP:
                log.event("reload")
                notice.reloading()
                for service in services where service.isRunning {
                    service.signal(service.program.reloadSignal)
                }
                // How each took it is in its own log: the old rules stay where the new are wrong.
                notice.ready()
            default: stops += 1
            }
        }
    }

    private mutating func listen(to service: SupervisorService) {
        let isFirst = service.readyText == nil
        guard service.listen() else { return }
        if isFirst {
            announce(service.name, service.readyText ?? "")
        } else {
            log.event("service-restarted", ["service": service.name])
        }
    }

    private mutating func reap() {
        while let (pid, termination) = Child.reap() {
            guard let service = services.first(where: { $0.pid == pid }) else { continue }
            if isEnding {
                service.retire()
                continue
            }
            log.event(
                "service-ended",
                ["service": service.name, "pid": "\(pid)", "end": "\(termination)"])
            failed(service, "\(termination)")
        }
    }

    private mutating func giveUp(_ service: SupervisorService) {
        let limit = service.program.readyLimit
        log.event("service-not-ready", ["service": service.name, "limit": "\(limit)"])
        guard let pid = service.pid else { return }
        service.signal(SIGKILL)
        var status: Int32 = 0
        _ = waitpid(pid, &status, 0)
        failed(service, "not ready within \(limit)")
    }

    /// Ends the last group first; a second signal, or the grace's end, kills.
    private mutating func end() throws(SystemError) {
        let deadline = Deadline.after(Self.grace)
        for group in groups.reversed() {
            for service in group { service.signal(SIGTERM) }
            while group.contains(where: { $0.pid != nil }) {
                let isHurried = stops > 1 || deadline.hasPassed
                if isHurried {
                    for service in services { service.signal(SIGKILL) }
                }
                try wait(until: isHurried ? .never : deadline)
                try takeSignals()
                reap()
            }
        }
    }
}
