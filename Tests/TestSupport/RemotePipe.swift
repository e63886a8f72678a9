// RemotePipe: a pipe to a process of its own, which keeps what comes.
// pipe(7).
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// A pipe whose other end no ancestor of a tool has, and no test.
public final class RemotePipe {
    private let pipe: PipeEnds
    private let file: OwnedDescriptor
    private let reader: Running

    /// A pipe, and `cat` at its other end.
    public init() throws {
        pipe = try PipeEnds()
        file = try Files.inMemory("pipe")
        var command = try Tool("/bin/cat").command
        command.descriptors = [0: pipe.reading.number, 1: file.number, 2: file.number]
        reader = Running(try Child(command))
        pipe.closeReading()
    }

    /// The end to write to; -1 once `close` was called.
    public var writing: Int32 { pipe.writing }

    /// Only those who were given the end to write to hold it from now on.
    public func close() { pipe.closeWriting() }

    /// What came, once nobody can write any more.
    /// - Throws: `TestFailure` when somebody keeps it open.
    public func contents(within limit: Duration = .seconds(20)) throws -> [UInt8] {
        close()
        try reader.wait(limit, "the reader of the pipe")
        let size = Int(try file.borrowed.status("pipe").st_size)
        return try file.borrowed.bytes(at: 0, count: size, "pipe")
    }
}
