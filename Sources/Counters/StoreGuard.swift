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
/// LMDB, 16 to 23 a time until which the store is known to be full. A file that is shorter or
/// damaged is as good as any other: the generation only ever is compared.
struct StoreGuard: ~Copyable {
    private let descriptor: OwnedDescriptor
    private let path: String

    /// What the guard says.
    struct State: Equatable {
        var generation: UInt64 = 0
        var isMarked = false
        var isFullUntil: UInt64 = 0
    }

    /// Opens the guard of a store's folder, making both where they are missing.
    init(folder: String) throws(SystemError) {
        path = "\(folder)/guard"
        try Files.makeFolders(folder)
        descriptor = try Files.open(path, O_RDWR | O_CREAT)
        clmdb_mark_crashes(descriptor.number, 8)
    }

    /// Waits for the shared lock and reads the state.
    func share() throws(SystemError) -> State {
        try descriptor.borrowed.lockShared(path)
        return try state()
    }

    /// Waits for the exclusive lock and reads the state.
    /// - Throws: `SystemError`; `ETIMEDOUT` when others keep it for two seconds.
    func exclude() throws(SystemError) -> State {
        try descriptor.borrowed.lockExclusive(until: .after(.seconds(2)), path)
        return try state()
    }

    /// Gives up the lock.
    func release() { _ = try? descriptor.borrowed.unlock(path) }

    /// Writes another generation, without mark. Only under the exclusive lock.
    func begin(after state: State, isFullUntil: UInt64 = 0) throws(SystemError) {
        let bytes =
            Record.bytes(state.generation &+ 1) + Record.bytes(0) + Record.bytes(isFullUntil)
        try descriptor.borrowed.writeAll(bytes, at: 0, path)
    }

    private func state() throws(SystemError) -> State {
        var bytes = (UInt64(0), UInt64(0), UInt64(0))
        _ = try withUnsafeMutableBytes(of: &bytes) { buffer throws(SystemError) in
            try descriptor.borrowed.readSome(into: buffer, at: 0, path)
        }
        return State(
            generation: UInt64(littleEndian: bytes.0), isMarked: bytes.1 != 0,
            isFullUntil: UInt64(littleEndian: bytes.2))
    }
}
