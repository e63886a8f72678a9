// Recall: makes an idle worker look for connections that a dead one was woken for.
// chainmail(7), section PROCESSES.
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// The kernel wakes one idle worker for a connection. When that one is killed before it accepts,
/// nobody else knows of the connection. So whoever finds a worker dead calls here, and one idle
/// worker wakes and looks everywhere.
final class Recall {
    private let readEnd: OwnedDescriptor
    private let writeEnd: OwnedDescriptor

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        // Not a pipe: each message wakes a reader here, also while an earlier one is unread.
        let type = SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue
        _ = try retrying("socketpair", "recall") { socketpair(AF_UNIX, Int32(type), 0, &ends) }
        readEnd = OwnedDescriptor(ends[0])
        writeEnd = OwnedDescriptor(ends[1])
    }

    /// What workers wait for beside their listeners.
    var awaited: Descriptor { readEnd.borrowed }

    /// Wakes one idle worker, or the next that becomes idle. Where no more calls fit in, enough
    /// workers will look.
    func call() {
        var byte: UInt8 = 0
        _ = send(writeEnd.number, &byte, 1, Int32(MSG_NOSIGNAL))
    }

    /// Takes one call, and leaves the others for others.
    func answer() {
        var byte: UInt8 = 0
        _ = recv(readEnd.number, &byte, 1, 0)
    }
}
