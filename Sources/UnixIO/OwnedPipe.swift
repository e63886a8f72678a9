// OwnedPipe: both ends of a pipe, non-blocking, for one process and its forks to wake each other.
// pipe(7).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc

/// A pipe whose two ends this process keeps.
public struct OwnedPipe: ~Copyable {
    private let readEnd: OwnedDescriptor
    private let writeEnd: OwnedDescriptor

    /// A new pipe, close-on-exec, both ends non-blocking.
    public init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        _ = try retrying("pipe2", "pipe") { cunix_pipe(&ends) }
        readEnd = OwnedDescriptor(ends[0])
        writeEnd = OwnedDescriptor(ends[1])
    }

    /// The end to read and to poll.
    public var reading: Descriptor { readEnd.borrowed }

    /// The end to write.
    public var writing: Descriptor { writeEnd.borrowed }

    /// Takes out whatever is in it.
    public func drain() {
        var chunk = [UInt8](repeating: 0, count: 512)
        while read(readEnd.number, &chunk, chunk.count) == chunk.count {}
    }
}
