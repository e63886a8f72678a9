// FolderScan: the ids in a folder of the queue, a few at a time.
// readdir(3).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// Lists a folder without holding it in memory. What is added or removed meanwhile may be met or
/// not.
final class FolderScan {
    private let stream: OpaquePointer

    /// Begins with a folder of the queue; nil when it is not there.
    init?(_ name: String, in spool: Spool) throws(SystemError) {
        let folder: OwnedDescriptor
        do throws(SystemError) {
            folder = try Files.openFolder(name, in: spool.root.borrowed)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            return nil
        }
        guard let stream = fdopendir(folder.take()) else {
            throw SystemError.last("opendir", name)
        }
        self.stream = stream
    }

    deinit { closedir(stream) }

    /// The next id; nil at the end. Names that are no ids are passed over.
    func next() -> QueueID? {
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                let start = UnsafeRawPointer(pointer)
                return [UInt8](
                    UnsafeRawBufferPointer(
                        start: start, count: strlen(start.assumingMemoryBound(to: CChar.self))))
            }
            if let id = QueueID(name) { return id }
        }
        return nil
    }
}
