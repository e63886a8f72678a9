// Running: a process that a test started, and waiting for it with a limit.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import UnixIO

/// Runs a closure in a thread of its own.
func detach(_ body: @escaping @Sendable () -> Void) {
    signal(SIGPIPE, SIG_IGN)
    Thread.detachNewThread(body)
}

/// Looks again and again until something holds or the limit is over.
/// - Returns: false when it never held.
public func eventually(
    within limit: Duration = .seconds(30), _ condition: () throws -> Bool
) rethrows -> Bool {
    let deadline = Deadline.after(limit)
    while try !condition() {
        if deadline.hasPassed { return false }
        usleep(5_000)
    }
    return true
}

/// A process that is killed when the value ends.
public final class Running: @unchecked Sendable {
    /// Its process id.
    public let pid: pid_t
    private let lock = NSLock()
    private var ended: Termination?

    init(_ child: consuming Child) { pid = child.forget() }

    init(pid: pid_t) { self.pid = pid }

    deinit {
        guard ended == nil else { return }
        kill(pid, SIGKILL)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }

    /// How it ended; nil while it runs.
    public var termination: Termination? {
        lock.withLock {
            if let ended { return ended }
            var status: Int32 = 0
            guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
            ended = Termination(status: status)
            return ended
        }
    }

    /// Sends a signal, unless it has ended.
    public func signal(_ number: Int32) {
        guard termination == nil else { return }
        kill(pid, number)
    }

    /// Waits for its end; kills it when the limit is over.
    /// - Throws: `TestFailure` when the limit is over.
    @discardableResult
    public func wait(_ limit: Duration, _ name: String) throws -> Termination {
        var result: Termination?
        let isOver = eventually(within: limit) {
            result = termination
            return result != nil
        }
        guard isOver, let result else {
            kill(pid, SIGKILL)
            throw TestFailure("\(name) did not end within \(limit)")
        }
        return result
    }
}
