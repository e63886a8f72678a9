// Crash: a spool whose calls fail from the n-th on, as if the process had been killed there.
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

@testable import MailQueue

/// Counts the calls that change the queue, and stops them all from one of them on.
final class Crash {
    private let fatal: Int
    private(set) var calls: [String] = []
    private(set) var happened = false

    /// A crash right before the call of this number, counted from 0; `.max` is none.
    init(before fatal: Int) { self.fatal = fatal }

    func probe(_ name: StaticString) throws(SystemError) {
        guard !happened, calls.count < fatal else {
            happened = true
            throw SystemError("crash", "\(name)", .ioError)
        }
        calls.append("\(name)")
    }
}
