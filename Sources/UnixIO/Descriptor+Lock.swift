// Descriptor+Lock: the shared lock of flock(2), and writing at an offset.
// flock(2), pwrite(2).
// SPDX-License-Identifier: MIT

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
