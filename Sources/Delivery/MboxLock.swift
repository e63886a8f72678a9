// MboxLock: the locks that keep others out of an mbox file.
// Debian Policy, section 11.6; fcntl(2), flock(2), lockfile_create(3).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SystemPackage
import UnixIO

/// An mbox file with all of its locks: fcntl(2), then flock(2), then the lock file, which is the
/// order of Debian and of Dovecot there. None is waited for while another is held, so that nobody
/// who takes them in another order and us can wait for each other for ever.
struct LockedMbox: ~Copyable {
    let file: OwnedDescriptor
    var lock: MboxLock
    /// The bytes that it had when it was locked.
    let size: Int
    /// True when it was made.
    let isNew: Bool

    /// Opens a file and locks it.
    /// - Throws: `SystemError`, `ETIMEDOUT` when it was locked by others until the deadline.
    static func open(_ path: String, _ deadline: Deadline) throws(SystemError) -> LockedMbox {
        var isNew = false
        while true {
            let file = try openFile(path, &isNew)
            if let lock = try MboxLock.take(file.borrowed, path) {
                let status = try file.borrowed.status(path)
                // Somebody may have put another file in its place while nobody had it locked.
                if try isSame(status, path) {
                    return LockedMbox(
                        file: file, lock: lock, size: Int(status.st_size), isNew: isNew)
                }
            }
            guard !deadline.hasPassed else { throw .timedOut("lock", path) }
            // Not all who wait at the same moment.
            let pause = min(deadline.pollTimeout, Int32(50 + Random.bits % 200))
            _ = poll(nil, 0, max(1, pause))
        }
    }

    private static func openFile(
        _ path: String, _ isNew: inout Bool
    ) throws(SystemError) -> OwnedDescriptor {
        // A FIFO is not waited for, and no terminal becomes ours.
        let flags = O_RDWR | O_APPEND | O_NONBLOCK | O_NOCTTY
        let file: OwnedDescriptor
        do throws(SystemError) {
            file = try Files.open(path, flags)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
            isNew = true
            file = try Files.open(path, flags | O_CREAT, mode: 0o600)
        }
        guard try file.borrowed.status(path).st_mode & S_IFMT == S_IFREG else {
            throw SystemError("open", path, .notPermitted)
        }
        return file
    }

    private static func isSame(
        _ status: Glibc.stat, _ path: String
    ) throws(SystemError) -> Bool {
        guard let now = try Files.status(path) else { return false }
        return now.st_ino == status.st_ino && now.st_dev == status.st_dev
    }
}

/// The lock file `NAME.lock` of an mbox. The other locks are the descriptor's, and end with it.
struct MboxLock: ~Copyable {
    /// A lock file that was not touched for so many seconds is nobody's: lockfile_create(3).
    private static let staleAfter = 300
    /// How often ours is touched.
    private static let touchedEvery = 60

    private let path: String
    /// True when the folder may not be written, so that there is none.
    let lacksFile: Bool
    private var touched = WallClock.seconds

    deinit { if !lacksFile { try? Files.unlink(path) } }

    /// Takes all locks; nil when somebody holds one. Then those that were taken end with the
    /// descriptor.
    static func take(_ file: Descriptor, _ path: String) throws(SystemError) -> MboxLock? {
        guard try file.tryRecordLock(path) else { return nil }
        // On NFS the two are one lock with two owners: we would keep ourselves out.
        if !file.isOnNFS, try !file.tryLock(path) { return nil }
        return try create("\(path).lock")
    }

    /// Keeps the lock file from looking like that of a process that is gone.
    mutating func keep() {
        let now = WallClock.seconds
        guard !lacksFile, abs(now - touched) >= MboxLock.touchedEvery else { return }
        touched = now
        _ = utimensat(AT_FDCWD, path, nil, 0)
    }

    private init(_ path: String, lacksFile: Bool) {
        self.path = path
        self.lacksFile = lacksFile
    }

    /// Makes the file under a name of its own and links it, which is safe on NFS, too.
    private static func create(_ path: String) throws(SystemError) -> MboxLock? {
        let own = "\(path).\(getpid()).\(String(Random.bits, radix: 16))"
        let new: OwnedDescriptor
        do throws(SystemError) {
            new = try Files.open(own, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        } catch {
            let isForbidden =
                error.errno == .permissionDenied || error.errno == .notPermitted
                || error.errno == .readOnlyFileSystem
            guard isForbidden else { throw error }
            return MboxLock(path, lacksFile: true)
        }
        defer { try? Files.unlink(own) }
        try new.borrowed.writeAll(Array("\(getpid()) \(host)\n".utf8), own)
        _ = link(own, path)
        // Whatever link(2) says over NFS, the number of names is the truth.
        let status = try new.borrowed.status(own)
        if status.st_nlink == 2 { return MboxLock(path, lacksFile: false) }
        try removeStale(path, now: status.st_mtim.tv_sec)
        return nil
    }

    /// Removes the lock file of somebody who is gone: one of us on this host, or whoever did not
    /// touch it for long. We hold the other locks, so that only one of us does it. The time is the
    /// file server's.
    private static func removeStale(_ path: String, now: Int) throws(SystemError) {
        guard let status = try Files.status(path) else { return }
        let (age, overflow) = now.subtractingReportingOverflow(status.st_mtim.tv_sec)
        if !overflow && age > staleAfter || isOfTheDead(path) { try? Files.unlink(path) }
    }

    /// True for a lock file of ours whose process is not there any more.
    private static func isOfTheDead(_ path: String) -> Bool {
        guard let text = try? Files.contents(of: path, limit: 1024) else { return false }
        let words = text.split(whereSeparator: { $0 <= 0x20 })
        guard words.count == 2, words[1].elementsEqual(host.utf8),
            let number = words[0].decimalValue, let pid = pid_t(exactly: number), pid > 1
        else { return false }
        return kill(pid, 0) != 0 && errno == ESRCH
    }

    private static var host: String {
        var name = [CChar](repeating: 0, count: 256)
        guard gethostname(&name, name.count - 1) == 0 else { return "localhost" }
        return name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)).printable
    }
}
