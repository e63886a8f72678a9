// FolderNames: the names in a folder, one after the other.
// readdir(3).
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// Lists a folder without holding it in memory: a Maildir may have more names than fit.
final class FolderNames {
    private let stream: OpaquePointer
    private let path: String

    /// Begins with a folder; nil when it is not there.
    init?(_ path: String) throws(SystemError) {
        self.path = path
        let folder: OwnedDescriptor
        do throws(SystemError) {
            folder = try Files.openFolder(path)
        } catch {
            guard error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory else {
                throw error
            }
            return nil
        }
        guard let stream = fdopendir(folder.take()) else {
            throw SystemError.last("opendir", path)
        }
        self.stream = stream
    }

    deinit { closedir(stream) }

    /// The next name, `.` and `..` among them; nil at the end.
    func next() throws(SystemError) -> [UInt8]? {
        // The end and an error look alike but for errno.
        errno = 0
        guard let entry = readdir(stream) else {
            guard errno == 0 else { throw SystemError.last("readdir", path) }
            return nil
        }
        return withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            let start = UnsafeRawPointer(pointer)
            let length = strlen(start.assumingMemoryBound(to: CChar.self))
            return [UInt8](UnsafeRawBufferPointer(start: start, count: length))
        }
    }
}
