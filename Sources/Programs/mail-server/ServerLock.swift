// ServerLock: one mail-server a root, and none of its services left over from the one before.
// mail-server(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// Another mail-server works on the root.
struct RunningAlready: Error, CustomStringConvertible {
    let folder: String
    let pid: String

    var description: String { "another mail-server works on \(folder): process \(pid)" }
}

/// Two locks: one that this process alone holds, and one that all its services inherit, so that
/// it lasts until the last of them has ended, whatever became of us.
struct ServerLock: ~Copyable {
    private let own: OwnedDescriptor
    private let inherited: OwnedDescriptor

    /// A little longer than the services of a server that was killed take to end.
    private static let patience = Duration.seconds(45)

    /// Takes both locks.
    /// - Throws: `RunningAlready`, or `SystemError` when the run folder cannot be used or services
    ///   from before do not end.
    init(_ root: Root) throws {
        try Files.makeFolders(root.run)
        let own = try ServerLock.takeOwn("\(root.run)/mail-server.lock", root)
        let inherited = try ServerLock.waitForOthers("\(root.run)/services.lock")
        self.own = own
        self.inherited = inherited
    }

    /// For the services to inherit.
    var descriptor: Int32 { inherited.number }

    private static func takeOwn(_ path: String, _ root: Root) throws -> OwnedDescriptor {
        let file = try Files.open(path, O_RDWR | O_CREAT)
        guard try file.borrowed.tryLock(path) else {
            let pid = try file.borrowed.bytes(at: 0, count: 20, path).trimmed
            throw RunningAlready(folder: root.run, pid: pid.printable)
        }
        try file.borrowed.truncate(to: 0, path)
        try file.borrowed.writeAll(Array("\(getpid())\n".utf8), path)
        return file
    }

    private static func waitForOthers(_ path: String) throws -> OwnedDescriptor {
        let file = try Files.open(path, O_RDWR | O_CREAT)
        let deadline = Deadline.after(patience)
        var isFirst = true
        while try !file.borrowed.tryLock(path) {
            if isFirst { Log("mail-server").event("waiting", ["for": "services from before"]) }
            isFirst = false
            guard !deadline.hasPassed else { throw SystemError.timedOut("flock", path) }
            usleep(50_000)
        }
        return file
    }
}
