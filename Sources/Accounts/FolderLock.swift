// FolderLock: of two who change files of a folder one waits.
// flock(2).
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// The lock of a folder, since the files in it are replaced; it is held until the value ends.
final class FolderLock {
    private let folder: OwnedDescriptor

    /// Locks the folders of these files, in their order and each once.
    /// - Throws: `UsersError.busy` when somebody has one of them for too long.
    static func all(
        of files: [String], _ patience: Duration
    ) throws(UsersError) -> [FolderLock] {
        let deadline = Deadline.after(patience)
        var locks: [FolderLock] = []
        var seen: Set<[UInt64]> = []
        for file in files {
            let path = ReplacementFile.folder(of: file)
            do throws(SystemError) {
                if let status = try Files.status(path),
                    !seen.insert([UInt64(status.st_dev), UInt64(status.st_ino)]).inserted
                {
                    continue
                }
            } catch { throw .control(.unreadable(error)) }
            locks.append(try FolderLock(path, file, deadline))
        }
        return locks
    }

    private init(_ path: String, _ file: String, _ deadline: Deadline) throws(UsersError) {
        let folder: OwnedDescriptor
        do throws(SystemError) { folder = try Files.openFolder(path) } catch {
            throw .control(.unreadable(error))
        }
        while try !FolderLock.tryLock(folder.borrowed, path) {
            guard !deadline.hasPassed else { throw .busy(file) }
            _ = poll(nil, 0, 20)
        }
        self.folder = folder
    }

    private static func tryLock(
        _ folder: Descriptor, _ path: String
    ) throws(UsersError) -> Bool {
        do throws(SystemError) { return try folder.tryLock(path) } catch {
            throw .control(.unreadable(error))
        }
    }
}
