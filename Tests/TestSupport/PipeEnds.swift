// PipeEnds: a pipe to a program, of which this process keeps one end.
// pipe(7).
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// Both ends of a blocking pipe, close-on-exec from the first moment: another thread may start a
/// program at any time.
final class PipeEnds {
    /// The end to read from; it is closed once `closeReading` was called.
    private(set) var reading: OwnedDescriptor
    private var writingEnd: OwnedDescriptor?

    init() throws {
        // The ends of an OwnedPipe do not block; those of the same pipe opened anew do.
        let pipe = try OwnedPipe()
        reading = try Files.open("/proc/self/fd/\(pipe.reading.rawValue)", O_RDONLY)
        writingEnd = try Files.open("/proc/self/fd/\(pipe.writing.rawValue)", O_WRONLY)
    }

    /// The number of the end to write to; -1 once it is closed or taken.
    var writing: Int32 {
        switch writingEnd {
        case .none: -1
        case .some(let end): end.number
        }
    }

    /// Gives the end to write to away.
    func takeWriting() -> Int32 {
        guard let end = writingEnd.take() else { return -1 }
        return end.take()
    }

    /// Only the program holds the end to write to from now on.
    func closeWriting() { writingEnd = nil }

    /// Only the program holds the end to read from now on: who writes is told when it is gone.
    func closeReading() {
        if let nothing = try? Files.open("/dev/null", O_RDONLY) { reading = nothing }
    }
}
