// Arrival: the message on descriptor 0 and the envelope, wherever they come from.
// qmail-queue(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import MailQueue
import UnixIO

/// A message that is there, whole, as a file that can be passed on read-only.
struct Arrival: ~Copyable {
    /// The file, opened anew where it was one already.
    let file: OwnedDescriptor
    /// Where in the file the message begins.
    let offset: Int
    /// How many bytes it has.
    let length: Int
    /// True when descriptor 0 itself is that file.
    let isDescriptor0: Bool

    /// Takes what is on descriptor 0, from its present offset on: a regular file as it is,
    /// anything else is read to its end.
    static func take() throws(SystemError) -> Arrival {
        let input = Descriptor(rawValue: 0)
        // Opened anew it could be read, but not by the next program.
        guard fcntl(0, F_GETFL) & O_ACCMODE != O_WRONLY else {
            throw SystemError("read", "message", .badFileDescriptor)
        }
        let status = try input.status("message")
        // A file that another user opened for us may not be opened again.
        if status.st_mode & S_IFMT == S_IFREG,
            let file = try? Files.open("/proc/self/fd/0", O_RDONLY)
        {
            let offset = try retrying("lseek", "message") { lseek(0, 0, SEEK_CUR) }
            return Arrival(
                file: file, offset: offset, length: max(0, Int(status.st_size) - offset),
                isDescriptor0: true)
        }
        let copy = try copied(input)
        let length = Int(try copy.borrowed.status("message").st_size)
        return Arrival(
            file: try copy.reopenedForReading(), offset: 0, length: length, isDescriptor0: false)
    }

    /// The first 16 KiB.
    func beginning() throws(SystemError) -> [UInt8] {
        try file.borrowed.bytes(at: offset, count: min(length, 16_384), "message")
    }

    /// In memory while it is small, on disk beyond.
    private static func copied(_ input: Descriptor) throws(SystemError) -> OwnedDescriptor {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        var disk: OwnedDescriptor?
        while true {
            let got = try chunk.withUnsafeMutableBytes { buffer in
                Result { () throws(SystemError) in try input.readSome(into: buffer, "message") }
            }.get()
            if got == 0 { break }
            bytes += chunk[..<got]
            if bytes.count > ViewFile.memoryLimit {
                if disk == nil { disk = try ViewFile.temporary(for: .max) }
                try Arrival.write(&bytes, to: disk)
            }
        }
        if disk == nil { disk = try Files.inMemory("message") }
        try Arrival.write(&bytes, to: disk)
        guard let file = disk.take() else {
            throw SystemError("write", "temporary file", .badFileDescriptor)
        }
        return file
    }

    /// Writes the bytes and empties the array.
    private static func write(
        _ bytes: inout [UInt8], to file: borrowing OwnedDescriptor?
    ) throws(SystemError) {
        switch file {
        case .some(let file): try file.borrowed.writeAll(bytes, "temporary file")
        case .none: throw SystemError("write", "temporary file", .badFileDescriptor)
        }
        bytes = []
    }

    /// A look at the header: what of it only we, who have this name, may write, and how often the
    /// message was passed on.
    /// - Throws: `Failure` when there is more of the former than can be taken out.
    func scan(for name: [UInt8]) throws -> HeaderScan {
        var scan = HeaderScan(name: name)
        var position = 0
        while !scan.isDone, position < length {
            let piece = try file.borrowed.bytes(
                at: offset + position, count: min(65_536, length - position), "message")
            guard !piece.isEmpty else { throw SystemError("pread", "message", .ioError) }
            scan.take(piece)
            position += piece.count
        }
        scan.finish()
        guard !scan.isHostile else { throw Failure(.reject, "too many X-Chainmail- fields") }
        return scan
    }

    /// True where descriptor 1 is somebody's screen, who cannot have meant an envelope.
    static var outputIsTerminal: Bool { isatty(1) == 1 }

    /// The envelope on descriptor 1.
    /// - Throws: `EnvelopeError`, `SystemError`, or `Failure` when descriptor 1 is for output.
    static func envelope() throws -> Envelope {
        guard fcntl(1, F_GETFL) & O_ACCMODE != O_WRONLY else {
            throw Failure(
                .cannotRead,
                "descriptor 1 holds no envelope; by hand, give --sender and --recipient")
        }
        let bytes = try Descriptor(rawValue: 1).readToEnd(
            "envelope", limit: QueueEntrance.envelopeLimit)
        return try Envelope(queueFormat: bytes).withOptionsOfEnvironment
    }

    /// The envelope of the options.
    static func envelope(_ options: Options) throws -> Envelope {
        do {
            var envelope = Envelope(reversePath: try ReversePath(options.bytes("sender") ?? []))
            for recipient in options.allBytes("recipient") {
                envelope.append(try Mailbox(recipient))
            }
            return envelope
        } catch {
            throw UsageError("an address of the envelope is empty, too long or not one")
        }
    }
}
