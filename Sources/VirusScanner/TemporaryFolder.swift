// TemporaryFolder: where libclamav unpacks, for one process, gone with it.
// flock(2), mkdir(2).
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// A folder of this process alone below one of this user alone. What dead processes left there is
/// removed by the next one that comes: each holds a lock on its own folder.
struct TemporaryFolder: ~Copyable {
    /// Its path.
    let path: String
    private let lock: OwnedDescriptor

    /// Makes a folder below `base`.
    init(in base: String) throws(ScannerError) {
        let shared = "\(base)/chainmail-scan-\(geteuid())"
        do throws(SystemError) {
            try Files.makeFolder(shared, mode: 0o700)
            try TemporaryFolder.checkOwner(shared)
            TemporaryFolder.removeLeftovers(in: shared)
            let path = "\(shared)/\(getpid())-\(String(Random.bits, radix: 36))"
            let folder = try TemporaryFolder.locked(path)
            self.path = path
            lock = folder
        } catch {
            throw .temporaryFolder("\(error)")
        }
    }

    deinit { TemporaryFolder.remove(path) }

    /// Makes a folder and locks it. Until it is locked, another process that begins may take it for
    /// a leftover and remove it: then it is made again.
    private static func locked(_ path: String) throws(SystemError) -> OwnedDescriptor {
        for _ in 0..<100 {
            try Files.makeFolder(path, mode: 0o700)
            guard let folder = try? Files.openFolder(path), try folder.borrowed.tryLock(path)
            else { continue }
            let (mine, there) = (try folder.borrowed.status(path), try Files.status(path))
            if mine.st_ino == there?.st_ino { return folder }
        }
        throw SystemError("flock", path, .resourceTemporarilyUnavailable)
    }

    /// In a folder that others may write to, somebody else may have made it.
    private static func checkOwner(_ path: String) throws(SystemError) {
        var status = stat()
        _ = try retrying("lstat", path) { lstat(path, &status) }
        guard status.st_mode & S_IFMT == S_IFDIR, status.st_uid == geteuid(),
            status.st_mode & 0o077 == 0
        else { throw SystemError("lstat", path, .notPermitted) }
    }

    private static func removeLeftovers(in shared: String) {
        // What cannot be removed is left to the next process.
        for name in (try? Files.names(in: shared)) ?? [] {
            let path = "\(shared)/\(name)"
            guard let folder = try? Files.openFolder(path),
                (try? folder.borrowed.tryLock(path)) == true
            else { continue }
            remove(path)
            withExtendedLifetime(folder) {}
        }
    }

    private static func remove(_ path: String) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            unlink(path)
            return
        }
        for name in (try? Files.names(in: path)) ?? [] { remove("\(path)/\(name)") }
        rmdir(path)
    }
}
