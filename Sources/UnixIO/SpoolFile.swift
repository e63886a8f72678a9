// SpoolFile: the calls that a queue needs beyond opening and naming.
// open(2), O_TMPFILE; pwrite(2); mkfifo(3).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import SystemPackage

extension Files {
    /// A file without a name on the folder's file system, to write and to read; it is gone when
    /// closed unless it is linked.
    /// - Throws: `SystemError`, `EOPNOTSUPP` where the file system has no `O_TMPFILE` (older
    ///   kernels say `EISDIR` or `ENOENT`).
    public static func nameless(
        in folder: Descriptor, mode: UInt32 = 0o600
    ) throws(SystemError) -> OwnedDescriptor {
        try open(".", O_RDWR | cunix_O_TMPFILE, mode: mode, in: folder)
    }

    /// Gives a file that has a name another one.
    /// - Throws: `SystemError`, `EEXIST` when the name is taken.
    public static func link(
        _ name: String, in folder: Descriptor, as newName: String, in newFolder: Descriptor
    ) throws(SystemError) {
        _ = try retrying("linkat", newName) {
            linkat(folder.rawValue, name, newFolder.rawValue, newName, 0)
        }
    }

    /// Moves a name from one folder to another, replacing what has the new name.
    public static func rename(
        _ name: String, in folder: Descriptor, to newName: String, in newFolder: Descriptor
    ) throws(SystemError) {
        _ = try retrying("rename", "\(name) to \(newName)") {
            renameat(folder.rawValue, name, newFolder.rawValue, newName)
        }
    }

    /// Removes an empty folder.
    public static func removeFolder(
        _ path: String, in folder: Descriptor? = nil
    ) throws(SystemError) {
        _ = try retrying("rmdir", path) {
            unlinkat(folder?.rawValue ?? AT_FDCWD, path, AT_REMOVEDIR)
        }
    }

    /// Makes a FIFO; one that is there already is fine.
    /// - Throws: `SystemError`, `EEXIST` when something else has the name.
    public static func makeFIFO(
        _ path: String, mode: UInt32 = 0o600, in folder: Descriptor? = nil
    ) throws(SystemError) {
        do {
            _ = try retrying("mkfifo", path) {
                mkfifoat(folder?.rawValue ?? AT_FDCWD, path, mode)
            }
        } catch  where error.errno == .fileExists {
            guard let found = try status(path, in: folder), found.st_mode & S_IFMT == S_IFIFO
            else { throw error }
        }
    }
}

extension FileDescriptor {
    /// What a pipe or FIFO holds at most, in bytes.
    public func pipeCapacity(_ object: @autoclosure () -> String) throws(SystemError) -> Int {
        // F_GETPIPE_SZ, which glibc hides behind _GNU_SOURCE.
        Int(try retrying("fcntl", object()) { cunix_fcntl(rawValue, 1032, 0) })
    }
}
