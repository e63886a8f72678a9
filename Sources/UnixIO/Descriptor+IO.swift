// Descriptor: reading, writing and syncing, retried where a signal interrupts.
// read(2), write(2), pread(2), fsync(2).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import SystemPackage

extension FileDescriptor {
    /// Reads at most as many bytes as the buffer takes; 0 at the end.
    @inlinable
    public func readSome(
        into buffer: UnsafeMutableRawBufferPointer, _ object: @autoclosure () -> String
    ) throws(SystemError) -> Int {
        try retrying("read", object()) { Glibc.read(rawValue, buffer.baseAddress, buffer.count) }
    }

    /// Reads at an offset, whatever the file's own offset is; 0 at or after the end.
    @inlinable
    public func readSome(
        into buffer: UnsafeMutableRawBufferPointer, at offset: Int,
        _ object: @autoclosure () -> String
    ) throws(SystemError) -> Int {
        try retrying("pread", object()) {
            Glibc.pread(rawValue, buffer.baseAddress, buffer.count, offset)
        }
    }

    /// At most `count` bytes from an offset; fewer only at the end of the file.
    public func bytes(
        at offset: Int, count: Int, _ object: @autoclosure () -> String
    ) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let result = [UInt8](unsafeUninitializedCapacity: max(0, count)) { buffer, filled in
            do throws(SystemError) {
                while filled < count {
                    let rest = UnsafeMutableRawBufferPointer(
                        rebasing: UnsafeMutableRawBufferPointer(buffer)[filled...])
                    let got = try readSome(into: rest, at: offset + filled, object())
                    if got == 0 { break }
                    filled += got
                }
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return result
    }

    /// Everything up to the end of file.
    /// - Throws: `SystemError`; `EFBIG` when more than `limit` bytes come.
    public func readToEnd(
        _ object: @autoclosure () -> String, limit: Int = .max
    ) throws(SystemError) -> [UInt8] {
        var all: [UInt8] = []
        while true {
            var failure: SystemError?
            // Not filled with zeros first: a start would pay for pages that nobody uses.
            let piece = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, filled in
                do throws(SystemError) {
                    filled = try readSome(into: UnsafeMutableRawBufferPointer(buffer), object())
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
            if piece.isEmpty { return all }
            guard all.count <= limit - piece.count else {
                throw SystemError("read", object(), .fileTooLarge)
            }
            if all.isEmpty { all = piece } else { all += piece }
        }
    }

    /// Writes all of the bytes.
    public func writeAll(
        _ bytes: UnsafeRawBufferPointer, _ object: @autoclosure () -> String
    ) throws(SystemError) {
        var rest = bytes
        while !rest.isEmpty {
            let written = try retrying("write", object()) {
                Glibc.write(rawValue, rest.baseAddress, rest.count)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[written...])
        }
    }

    /// Writes all of the bytes.
    public func writeAll(
        _ bytes: [UInt8], _ object: @autoclosure () -> String
    ) throws(SystemError) {
        try bytes.withUnsafeBytes { buffer in
            Result { () throws(SystemError) in try writeAll(buffer, object()) }
        }.get()
    }

    /// Waits until content and size are on disk.
    public func syncData(_ object: @autoclosure () -> String) throws(SystemError) {
        _ = try retrying("fdatasync", object()) { fdatasync(rawValue) }
    }

    /// Waits until all that anybody wrote to this file system is on disk.
    public func syncFileSystem(_ object: @autoclosure () -> String) throws(SystemError) {
        _ = try retrying("syncfs", object()) { cunix_sync_file_system(rawValue) }
    }

    /// Waits until the bytes that were written are on disk; not where they are, nor the size.
    public func writeOut(_ object: @autoclosure () -> String) throws(SystemError) {
        _ = try retrying("sync_file_range", object()) { cunix_write_out(rawValue) }
    }

    /// True on a file system where a name is never on disk before what its file got earlier,
    /// provided that its bytes are there (`writeOut`): then one commit of the journal makes both
    /// safe, where `syncData` before the name and `sync` of the folder after it need two.
    public var ordersNames: Bool { cunix_orders_names(rawValue) }

    /// Waits until everything of the file or folder is on disk.
    public func sync(_ object: @autoclosure () -> String) throws(SystemError) {
        _ = try retrying("fsync", object()) { fsync(rawValue) }
    }

    /// What fstat(2) says.
    public func status(_ object: @autoclosure () -> String) throws(SystemError) -> Glibc.stat {
        var result = Glibc.stat()
        _ = try retrying("fstat", object()) { fstat(rawValue, &result) }
        return result
    }

    /// Cuts or extends the file and sets its offset to the end of what stays.
    public func truncate(
        to length: Int, _ object: @autoclosure () -> String
    ) throws(SystemError) {
        _ = try retrying("ftruncate", object()) { ftruncate(rawValue, length) }
        _ = try retrying("lseek", object()) { Glibc.lseek(rawValue, length, SEEK_SET) }
    }

    /// Sets the offset.
    public func rewind(_ object: @autoclosure () -> String) throws(SystemError) {
        _ = try retrying("lseek", object()) { Glibc.lseek(rawValue, 0, SEEK_SET) }
    }

    /// Takes the exclusive lock of flock(2), which belongs to the open file and so to every
    /// process that inherits or is passed the descriptor.
    /// - Returns: false when somebody else holds it.
    public func tryLock(_ object: @autoclosure () -> String) throws(SystemError) -> Bool {
        do {
            _ = try retrying("flock", object()) { flock(rawValue, LOCK_EX | LOCK_NB) }
            return true
        } catch  where error.errno == .wouldBlock || error.errno == .resourceTemporarilyUnavailable
        {
            return false
        }
    }

    /// Makes reads and writes return at once, or wait.
    public func setNonBlocking(
        _ isNonBlocking: Bool, _ object: @autoclosure () -> String
    ) throws(SystemError) {
        let flags = try retrying("fcntl", object()) { cunix_fcntl(rawValue, F_GETFL, 0) }
        let wanted = isNonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK
        _ = try retrying("fcntl", object()) { cunix_fcntl(rawValue, F_SETFL, wanted) }
    }
}
