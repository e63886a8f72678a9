// Files: opening, naming and syncing files and folders.
// open(2), fsync(2), linkat(2).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import SystemPackage

/// Calls on paths. A relative path is relative to the folder given, else to the current one.
public enum Files {
    /// Opens a file, close-on-exec.
    /// - Throws: `SystemError` with call `open` and the path.
    public static func open(
        _ path: String, _ flags: Int32, mode: UInt32 = 0o600, in folder: Descriptor? = nil
    ) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            try retrying("open", path) {
                cunix_openat(folder?.rawValue ?? AT_FDCWD, path, flags | O_CLOEXEC, mode)
            })
    }

    /// Opens a folder, for `in:` of the other calls and for `fsync`.
    public static func openFolder(
        _ path: String, in folder: Descriptor? = nil
    ) throws(SystemError) -> OwnedDescriptor {
        try open(path, O_RDONLY | O_DIRECTORY, in: folder)
    }

    /// A file without a name on the folder's file system, to write and to read; it is gone when
    /// closed unless it is linked.
    /// - Throws: `SystemError`, `EOPNOTSUPP` where the file system has no `O_TMPFILE`.
    public static func nameless(
        in path: String, mode: UInt32 = 0o600
    ) throws(SystemError) -> OwnedDescriptor {
        try open(path, O_RDWR | cunix_O_TMPFILE, mode: mode)
    }

    /// A nameless file in memory.
    public static func inMemory(_ label: String) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(try retrying("memfd_create", label) { cunix_memfd(label) })
    }

    /// Gives a nameless file its name in a folder.
    /// - Throws: `SystemError`, `EEXIST` when the name is taken: an existing file is never replaced.
    public static func link(
        _ file: Descriptor, as name: String, in folder: Descriptor
    ) throws(SystemError) {
        _ = try retrying("linkat", name) {
            cunix_link_nameless(file.rawValue, folder.rawValue, name)
        }
    }

    /// Removes a name.
    public static func unlink(_ path: String, in folder: Descriptor? = nil) throws(SystemError) {
        _ = try retrying("unlink", path) { unlinkat(folder?.rawValue ?? AT_FDCWD, path, 0) }
    }

    /// Moves a name, replacing what has the new name.
    public static func rename(
        _ path: String, to newPath: String, in folder: Descriptor? = nil
    ) throws(SystemError) {
        let at = folder?.rawValue ?? AT_FDCWD
        _ = try retrying("rename", "\(path) to \(newPath)") { renameat(at, path, at, newPath) }
    }

    /// Makes a folder; one that is there already is fine.
    /// - Returns: true when it was not there.
    @discardableResult
    public static func makeFolder(
        _ path: String, mode: UInt32 = 0o700, in folder: Descriptor? = nil
    ) throws(SystemError) -> Bool {
        do {
            _ = try retrying("mkdir", path) { mkdirat(folder?.rawValue ?? AT_FDCWD, path, mode) }
            return true
        } catch  where error.errno == .fileExists {
            return false
        }
    }

    /// Makes a folder and those above it that are missing. When this returns, the names of those
    /// that it made are on disk.
    public static func makeFolders(_ path: String, mode: UInt32 = 0o700) throws(SystemError) {
        var prefix = path.hasPrefix("/") ? "/" : "."
        for part in path.split(separator: "/") {
            let folder = prefix == "/" ? "/\(part)" : "\(prefix)/\(part)"
            if try makeFolder(folder, mode: mode) {
                let parent = try openFolder(prefix)
                try parent.borrowed.sync(prefix)
            }
            prefix = folder
        }
    }

    /// The names in a folder without `.` and `..`, in no order; no more than `most` of them.
    public static func names(
        in path: String, of folder: Descriptor? = nil, most: Int = .max
    ) throws(SystemError) -> [String] {
        let descriptor = try openFolder(path, in: folder)
        guard let stream = fdopendir(descriptor.take()) else {
            throw SystemError.last("opendir", path)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while names.count < most {
            // The end and an error look alike but for errno.
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw SystemError.last("readdir", path) }
                break
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) {
                    String(cString: $0)
                }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    /// What stat(2) says of a path; nil when there is nothing.
    public static func status(
        _ path: String, in folder: Descriptor? = nil
    ) throws(SystemError) -> Glibc.stat? {
        var result = Glibc.stat()
        do {
            _ = try retrying("stat", path) {
                fstatat(folder?.rawValue ?? AT_FDCWD, path, &result, 0)
            }
        } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory {
            return nil
        }
        return result
    }

    /// The whole file.
    /// - Throws: `SystemError`; `EFBIG` when it has more than `limit` bytes.
    public static func contents(
        of path: String, limit: Int = 16 << 20, in folder: Descriptor? = nil
    ) throws(SystemError) -> [UInt8] {
        let file = try open(path, O_RDONLY, in: folder)
        return try file.borrowed.readToEnd(path, limit: limit)
    }
}
