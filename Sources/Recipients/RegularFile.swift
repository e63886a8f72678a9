// RegularFile: a file in a folder of a user, who may have put anything in its place.
// open(2).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// Files that their owners, not the administrator, put there.
enum RegularFile {
    /// The whole file; nil when it is a FIFO or something else that is no regular file, which is
    /// not waited for.
    /// - Throws: `SystemError`; `EFBIG` when it has more than `limit` bytes.
    static func contents(
        of path: String, limit: Int = 16 << 20
    ) throws(SystemError) -> [UInt8]? {
        let file = try open(Array(path.utf8))
        guard try file.borrowed.status(path).st_mode & S_IFMT == S_IFREG else { return nil }
        return try file.borrowed.readToEnd(path, limit: limit)
    }

    /// Opens a file whose name need not be text. A FIFO is not waited for.
    static func open(_ path: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        let name = path.map(CChar.init(bitPattern:)) + [0]
        let number = Glibc.open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard number >= 0 else { throw SystemError.last("open", path.printable) }
        return OwnedDescriptor(number)
    }
}
