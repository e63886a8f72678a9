// Processes: threads and processes that tests start or look for.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc

/// Runs a closure in a thread of its own.
func detachedThread(_ body: @escaping @Sendable () -> Void) {
    signal(SIGPIPE, SIG_IGN)
    Thread.detachNewThread(body)
}

/// A value that closures share.
final class Box<Value>: @unchecked Sendable {
    var value: Value

    init(_ value: Value) { self.value = value }
}

/// A lock that closures share.
final class Lock: @unchecked Sendable {
    private let lock = NSLock()

    func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
        try lock.withLock(body)
    }
}

/// The processes that a process started.
func children(of pid: pid_t) -> [pid_t] {
    let path = "/proc/\(pid)/task/\(pid)/children"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: " ").compactMap { pid_t($0) }
}
