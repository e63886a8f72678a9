// MessageView+Copy: the message as a file of its own, for whom reads no other way.
// memfd_create(2).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
public import SystemPackage
public import UnixIO

extension MessageView {
    /// Writes the message with the pending edits made.
    /// - Throws: `FilterError` with exit 53 when it cannot be written, 54 when it cannot be read.
    public func write(to target: Descriptor, _ object: String) throws(FilterError) {
        try forEachChunk { chunk throws(FilterError) in
            do throws(SystemError) {
                try target.writeAll(chunk, object)
            } catch {
                throw FilterError(error, otherwise: .cannotWrite)
            }
        }
    }

    /// A nameless file that holds the message with the pending edits made and nothing else. It
    /// stands at its beginning. A small one is in memory, a large one in `TMPDIR`, else in /tmp.
    /// - Throws: as `write(to:_:)`.
    public func copy() throws(FilterError) -> OwnedDescriptor {
        let file = try temporaryFile()
        try write(to: file.borrowed, "temporary file")
        let number = file.borrowed
        try system(otherwise: .cannotWrite) { () throws(SystemError) in
            try number.rewind("temporary file")
        }
        return file
    }

    /// A nameless file for a message of about this size, in memory when it is small.
    func temporaryFile() throws(FilterError) -> OwnedDescriptor {
        do throws(SystemError) {
            return baseLength <= MessageInput.memoryLimit
                ? try Files.inMemory("message") : try TemporaryFile.make()
        } catch {
            throw FilterError(error, otherwise: .cannotWrite)
        }
    }

    /// The message without the pending edits, for passing on: a read-only descriptor and where
    /// in it the message is.
    /// - Throws: as `write(to:_:)`.
    public func baseDescriptor() throws(FilterError) -> BaseDescriptor {
        do throws(SystemError) {
            switch base {
            case .file(let file, let offset, let length):
                // A client may have sent a pipe, which nobody would ever open for writing.
                let reading = try OwnedDescriptor.reading(of: file.rawValue, O_NONBLOCK)
                return BaseDescriptor(descriptor: reading, offset: offset, length: length)
            case .memory(let bytes):
                let file = try Files.inMemory("message")
                try file.borrowed.writeAll(bytes, "message")
                return BaseDescriptor(
                    descriptor: try file.reopenedForReading(), offset: 0, length: bytes.count)
            }
        } catch {
            throw FilterError(error, otherwise: .cannotWrite)
        }
    }
}

/// A file that holds a message, and where in it the message is.
public struct BaseDescriptor: ~Copyable {
    /// Read-only.
    public let descriptor: OwnedDescriptor
    /// The first byte of the message.
    public let offset: Int
    /// How many bytes the message has.
    public let length: Int
}
