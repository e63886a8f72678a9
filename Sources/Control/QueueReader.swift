// QueueReader: who is at the other end of a pipe.
// proc_pid_fd(5).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// Who reads a pipe that we were given, among the processes that we descend from.
enum QueueReader {
    /// One of them holds the end to read from.
    case ancestor
    /// None does.
    case nobody
    /// None that we may look into does.
    case unknown

    /// Between a client and us there may be scripts, and qmail-qfilter.
    private static let longestDescent = 16

    /// Looks at the parent, its parent and so on.
    static func of(_ number: Int32, generations: Int = longestDescent) -> QueueReader {
        var pipe = stat()
        guard fstat(number, &pipe) == 0 else { return .nobody }
        var isWhole = true
        var process = getppid()
        for _ in 0..<generations where process > 1 {
            guard let reads = reads(process, pipe) else {
                isWhole = false
                process = parent(of: process)
                continue
            }
            if reads { return .ancestor }
            process = parent(of: process)
        }
        return isWhole ? .nobody : .unknown
    }

    /// Nil when the process's descriptors cannot be seen: it is gone, or another user's.
    private static func reads(_ process: pid_t, _ pipe: stat) -> Bool? {
        let folder = "/proc/\(process)/fd"
        guard let names = try? Files.names(in: folder) else { return nil }
        return names.contains { name in
            var link = stat()
            guard let theirs = try? Files.status("\(folder)/\(name)"),
                lstat("\(folder)/\(name)", &link) == 0
            else { return false }
            return theirs.st_ino == pipe.st_ino && theirs.st_dev == pipe.st_dev
                && link.st_mode & S_IRUSR != 0
        }
    }

    /// 0 when it cannot be told.
    private static func parent(of process: pid_t) -> pid_t {
        // The name in parentheses may hold blanks and parentheses.
        guard let status = try? Files.contents(of: "/proc/\(process)/stat"),
            let end = status.lastIndex(of: 0x29)
        else { return 0 }
        let fields = status[(end + 1)...].split(separator: 0x20)
        return fields.dropFirst().first?.decimalValue.flatMap(pid_t.init(exactly:)) ?? 0
    }
}
