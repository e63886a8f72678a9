// StoreGuard: the file that tells every process when the store was replaced.
// throttle(8), section THE STORE.
// SPDX-License-Identifier: MIT

import CLMDB
import Glibc
import UnixIO

/// An open guard file, with a lock of flock(2): shared for every decision, exclusive to replace
/// the store.
///
/// Its bytes: 0 to 7 the generation of the store, 8 a mark left by a process that crashed inside
/// LMDB, 16 to 23 a time until which the store is known to be full, 24 to 31 a time until which
/// somebody waits for the exclusive lock. A file that is shorter or damaged is as good as any
/// other: the generation only ever is compared, and times that make no sense are passed over.
struct StoreGuard: ~Copyable {
    private let descriptor: OwnedDescriptor
    private let path: String

    /// What the guard says.
    struct State: Equatable {
        var generation: UInt64 = 0
        var isMarked = false
        var isFullUntil: UInt64 = 0
        /// True while somebody waits for the exclusive lock.
        var isWanted = false
    }

    /// Opens the guard of a store's folder, making both where they are missing.
    init(folder: String) throws(SystemError) {
        path = "\(folder)/guard"
        descriptor = try StoreGuard.open(path, in: folder)
        clmdb_mark_crashes(descriptor.number, 8)
    }

    /// Waits for the shared lock and reads the state.
    func share() throws(SystemError) -> State {
        while true {
            try descriptor.borrowed.lockShared(path)
            let state = try state()
            guard state.isWanted else { return state }
            release()
            usleep(500)
        }
    }

    /// Waits for the exclusive lock and reads the state. The kernel gives shared locks to
    /// newcomers while somebody waits for the exclusive one, so we say that we wait.
    /// - Throws: `SystemError`; `ETIMEDOUT` when others keep it for two seconds.
    func exclude() throws(SystemError) -> State {
        let deadline = Deadline.after(.seconds(2))
        while try !descriptor.borrowed.tryLock(path) {
            guard !deadline.hasPassed else { throw .timedOut("flock", path) }
            let wanted = WallClock.microseconds &+ StoreGuard.longestWish
            try descriptor.borrowed.writeAll(Record.bytes(wanted), at: 24, path)
            usleep(500)
        }
        try descriptor.borrowed.writeAll(Record.bytes(0), at: 24, path)
        return try state()
    }

    /// How long a wish for the exclusive lock counts: whoever made it may be dead. Microseconds.
    private static let longestWish: UInt64 = 10_000

    /// Gives up the lock.
    func release() { _ = try? descriptor.borrowed.unlock(path) }

    /// Writes another generation, without mark. Only under the exclusive lock.
    func begin(after state: State, isFullUntil: UInt64 = 0) throws(SystemError) {
        let bytes =
            Record.bytes(state.generation &+ 1) + Record.bytes(0) + Record.bytes(isFullUntil)
        try descriptor.borrowed.writeAll(bytes, at: 0, path)
    }

    private static func open(
        _ path: String, in folder: String
    ) throws(SystemError) -> OwnedDescriptor {
        do {
            return try Files.open(path, O_RDWR | O_CREAT)
        } catch  where error.errno == .noSuchFileOrDirectory {
            try Files.makeFolders(folder)
            return try Files.open(path, O_RDWR | O_CREAT)
        }
    }

    private func state() throws(SystemError) -> State {
        var bytes = (UInt64(0), UInt64(0), UInt64(0), UInt64(0))
        _ = try withUnsafeMutableBytes(of: &bytes) { buffer throws(SystemError) in
            try descriptor.borrowed.readSome(into: buffer, at: 0, path)
        }
        let wanted = UInt64(littleEndian: bytes.3)
        let now = wanted == 0 ? 0 : WallClock.microseconds
        return State(
            generation: UInt64(littleEndian: bytes.0), isMarked: bytes.1 != 0,
            isFullUntil: UInt64(littleEndian: bytes.2),
            isWanted: wanted > now && wanted - now <= StoreGuard.longestWish)
    }
}
