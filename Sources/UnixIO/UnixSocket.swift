// UnixSocket: stream sockets between our processes, with frames and descriptors.
// unix(7); filter-protocol(7).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import SystemPackage

/// Listening and connecting by path. A path may be longer than `sun_path`: the folder is opened
/// and the socket is named through /proc/self/fd.
public enum UnixSocket {
    /// A listening socket under a path; a socket file that is in the way is replaced. One that was
    /// passed to this process, and has the last part of the path as its name, is taken instead:
    /// the folder may be one in which only root makes sockets.
    /// - Throws: `SystemError` with the path.
    public static func listen(
        at path: String, backlog: Int32 = 1024, mode: UInt32 = 0o600
    ) throws(SystemError) -> OwnedDescriptor {
        let (folder, name) = split(path)
        let passed = PassedSocket.all().first {
            $0.name == name && cunix_unix_listens($0.number)
        }
        if let passed { return OwnedDescriptor(passed.number) }
        let socket = try make()
        let directory = try Files.openFolder(folder)
        let number = socket.number
        do {
            try Files.unlink(name, in: directory.borrowed)
        } catch  where error.errno == .noSuchFileOrDirectory {}
        let short = "/proc/self/fd/\(directory.number)/\(name)"
        _ = try retrying("bind", path) { cunix_unix_bind(number, short) }
        _ = try retrying("chmod", path) { fchmodat(directory.number, name, mode, 0) }
        _ = try retrying("listen", path) { Glibc.listen(number, backlog) }
        return socket
    }

    /// A connection to the socket at a path, non-blocking.
    /// - Throws: `SystemError`; `ETIMEDOUT` when the backlog was full until the deadline.
    public static func connect(
        to path: String, deadline: Deadline
    ) throws(SystemError) -> Connection {
        let socket = try make(SOCK_NONBLOCK.rawValue)
        if try !connect(socket.number, path) {
            guard try wait(for: socket.borrowed, path, deadline) else {
                throw .timedOut("connect", path)
            }
        }
        return Connection(socket, path)
    }

    /// False when the backlog is full.
    private static func connect(_ socket: Int32, _ path: String) throws(SystemError) -> Bool {
        do {
            if path.utf8.count < 108 {
                _ = try retrying("connect", path) { cunix_unix_connect(socket, path) }
            } else {
                let (folder, name) = split(path)
                let directory = try Files.openFolder(folder)
                let short = "/proc/self/fd/\(directory.number)/\(name)"
                _ = try retrying("connect", path) { cunix_unix_connect(socket, short) }
            }
            return true
        } catch  where error.errno == .wouldBlock || error.errno == .resourceTemporarilyUnavailable
        {
            return false
        }
    }

    /// Connects where the backlog was full. Nothing tells when it is not any more, so the call
    /// itself must wait.
    private static func wait(
        for socket: Descriptor, _ path: String, _ deadline: Deadline
    ) throws(SystemError) -> Bool {
        var limit = timeval(deadline)
        _ = setsockopt(
            socket.rawValue, SOL_SOCKET, SO_SNDTIMEO, &limit,
            socklen_t(MemoryLayout<timeval>.size))
        try socket.setNonBlocking(false, path)
        guard try connect(socket.rawValue, path) else { return false }
        try socket.setNonBlocking(true, path)
        return true
    }

    /// The next connection of a listening socket; waits for one.
    public static func accept(_ listener: Descriptor, _ path: String) throws(SystemError)
        -> Connection
    {
        let number = try retrying("accept", path) {
            cunix_accept(listener.rawValue)
        }
        return Connection(OwnedDescriptor(number), path)
    }

    private static func make(_ flags: UInt32 = 0) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(
            try retrying("socket", "unix") {
                socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | flags), 0)
            })
    }

    static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }
}

extension timeval {
    /// What is left until a deadline, at least a microsecond: 0 would mean for ever.
    fileprivate init(_ deadline: Deadline) {
        let (seconds, attoseconds) = deadline.remaining.components
        let microseconds = Int(attoseconds / 1_000_000_000_000)
        let isZero = seconds == 0 && microseconds == 0
        self.init(tv_sec: Int(min(seconds, 1_000_000)), tv_usec: isZero ? 1 : microseconds)
    }
}
