// Descriptor+Lock: more locks than the exclusive one of flock(2), and writing at an offset.
// flock(2), fcntl(2), pwrite(2).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import SystemPackage

extension FileDescriptor {
    /// Takes the shared lock of flock(2); waits while somebody holds the exclusive one.
    public func lockShared(_ object: @autoclosure () -> String) throws(SystemError) {
        _ = try retrying("flock", object()) { flock(rawValue, LOCK_SH) }
    }

    /// Gives up the lock of flock(2).
    public func unlock(_ object: @autoclosure () -> String) throws(SystemError) {
        _ = try retrying("flock", object()) { flock(rawValue, LOCK_UN) }
    }

    /// Takes the exclusive lock of fcntl(2) on the whole file. It belongs to the open file
    /// (`F_OFD_SETLK`), and keeps out those who lock as a process, too. The file must be writable.
    /// - Returns: false when somebody else holds one.
    public func tryRecordLock(_ object: @autoclosure () -> String) throws(SystemError) -> Bool {
        do {
            _ = try retrying("fcntl", object()) { cunix_lock_open_file(rawValue) }
            return true
        } catch
            where error.errno == .resourceTemporarilyUnavailable
            || error.errno == .permissionDenied
        {
            return false
        }
    }

    /// True on NFS, where the two kinds of locks are one and exclude each other.
    public var isOnNFS: Bool { cunix_is_on_nfs(rawValue) }

    /// Writes all of the bytes at an offset, whatever the file's own offset is.
    public func writeAll(
        _ bytes: [UInt8], at offset: Int, _ object: @autoclosure () -> String
    ) throws(SystemError) {
        var written = 0
        while written < bytes.count {
            written += try retrying("pwrite", object()) {
                bytes.withUnsafeBytes { buffer in
                    Glibc.pwrite(
                        rawValue, buffer.baseAddress.map { $0 + written },
                        buffer.count - written, offset + written)
                }
            }
        }
    }
}
