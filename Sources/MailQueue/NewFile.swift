// NewFile: a file that will become a message file.
// queue(5), tmp.
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// A file without a name, or, where the file system has no `O_TMPFILE`, one in `tmp` with a lock
/// that whoever sweeps that folder must get before it removes a name.
struct NewFile: ~Copyable {
    let descriptor: OwnedDescriptor
    /// The path in the queue; nil for a nameless file.
    let temporaryName: String?
}

extension Spool {
    /// A new file to write and read.
    func newFile() throws(SystemError) -> NewFile {
        do {
            let descriptor = try step("open") { () throws(SystemError) in
                Descriptor(rawValue: try Files.nameless(in: root.borrowed).take())
            }
            return NewFile(descriptor: OwnedDescriptor(descriptor.rawValue), temporaryName: nil)
        } catch  where [.notSupported, .isDirectory, .noSuchFileOrDirectory].contains(error.errno) {
            return try newNamedFile()
        }
    }

    private func newNamedFile() throws(SystemError) -> NewFile {
        while true {
            let name = "tmp/\(String(Random.bits, radix: 16))"
            let file = try Files.open(name, O_RDWR | O_CREAT | O_EXCL, in: root.borrowed)
            // A sweeper that was faster than the lock has removed the name.
            guard try file.borrowed.tryLock(name), try file.borrowed.status(name).st_nlink == 1
            else { continue }
            return NewFile(descriptor: file, temporaryName: name)
        }
    }

    /// Removes the names in `tmp` that nobody writes to any more.
    /// - Returns: how many there were.
    @discardableResult
    public func sweepTemporaryFiles() throws(QueueError) -> Int {
        do throws(SystemError) {
            var swept = 0
            for name in try Files.names(in: "tmp", of: root.borrowed) {
                guard let file = try? open("tmp/\(name)"),
                    try file.borrowed.tryLock(name)
                else { continue }
                try step("unlink temporary") { () throws(SystemError) in
                    try Files.unlink("tmp/\(name)", in: root.borrowed)
                }
                swept += 1
            }
            return swept
        } catch {
            throw .system(error)
        }
    }
}
