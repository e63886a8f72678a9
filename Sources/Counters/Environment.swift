// Environment: one LMDB file, opened by this process.
// lmdb.h, LMDB 0.9.
// SPDX-License-Identifier: MIT

import CLMDB
import Glibc
import UnixIO

/// An open LMDB environment with one nameless database.
///
/// There are only write transactions: one at a time over all processes, behind a robust mutex of
/// the lock file, which LMDB repairs when its holder was killed. So no reader ever keeps old pages.
final class Environment {
    private let handle: OpaquePointer
    private let path: String
    private let process = getpid()
    private var database: MDB_dbi = 0

    /// Opens a file, or makes it. A private one, that no other process can know of, has no lock.
    init(_ path: String, mapSize: Int, isPrivate: Bool = false) throws(CounterError) {
        self.path = path
        if !isPrivate { try Environment.reserveLock("\(path)-lock") }
        var handle: OpaquePointer?
        let made = mdb_env_create(&handle)
        guard made == 0, let handle else { throw CounterError("mdb_env_create", path, code: made) }
        self.handle = handle
        // MDB_NOSYNC: a crash of the system may lose the counters, and the damage is found. Without
        // MDB_WRITEMAP a full disk is an error, with it a SIGBUS; MDB_NOTLS: no thread has a slot.
        let flags =
            UInt32(MDB_NOSUBDIR | MDB_NOSYNC | MDB_NOTLS) | (isPrivate ? UInt32(MDB_NOLOCK) : 0)
        try check("mdb_env_set_mapsize", mdb_env_set_mapsize(handle, mapSize))
        let opened = mdb_env_open(handle, path, flags, 0o600)
        if opened == ENOMEM, Environment.asksForTooMuch(path, mapSize) {
            throw .damaged("the size of its map")
        }
        try check("mdb_env_open", opened)
        let transaction = try Transaction(handle, database: nil)
        database = transaction.database
        try transaction.commit()
    }

    deinit {
        // What was inherited belongs to the parent.
        if process == getpid() { mdb_env_close(handle) }
    }

    /// True in the process that opened it.
    var isOurs: Bool { process == getpid() }

    /// Begins a transaction, waiting for the one of another process to end.
    func transaction() throws(CounterError) -> Transaction {
        try Transaction(handle, database: database)
    }

    /// LMDB maps its lock file before there is room for it, which on a full disk is a SIGBUS.
    private static func reserveLock(_ path: String) throws(CounterError) {
        do throws(SystemError) {
            let size = try Files.status(path)?.st_size ?? 0
            guard size < 8192 else { return }
            let file = try Files.open(path, O_RDWR | O_CREAT)
            let code = posix_fallocate(file.number, 0, 8192)
            guard code == 0 else {
                throw SystemError("posix_fallocate", path, .init(rawValue: code))
            }
        } catch {
            throw .system(error)
        }
    }

    /// True when a meta page wants a larger map than any store has: LMDB believes it.
    private static func asksForTooMuch(_ path: String, _ mapSize: Int) -> Bool {
        // After the 16 bytes of MDB_page comes MDB_meta: mm_mapsize at 16, mm_last_pg at 120.
        let limit = UInt64(max(mapSize, 1 << 30))
        let fields: [(offset: Int, limit: UInt64)] = [(32, limit), (136, limit / 4096)]
        guard let file = try? Files.open(path, O_RDONLY) else { return false }
        return fields.contains { field in
            [0, 4096].contains { page in
                let bytes = try? file.borrowed.bytes(at: page + field.offset, count: 8, path)
                return Record.number(bytes ?? []) > field.limit
            }
        }
    }

    private func check(_ call: String, _ code: Int32) throws(CounterError) {
        guard code == 0 else {
            throw CounterError(call, path, code: code)
        }
    }
}

/// A write transaction. It is undone unless it is committed.
struct Transaction: ~Copyable {
    private let handle: OpaquePointer
    let database: MDB_dbi

    fileprivate init(
        _ environment: OpaquePointer, database: MDB_dbi?
    ) throws(CounterError) {
        var handle: OpaquePointer?
        let begun = mdb_txn_begin(environment, nil, 0, &handle)
        guard begun == 0, let handle else {
            throw CounterError("mdb_txn_begin", "counters.mdb", code: begun)
        }
        var opened: MDB_dbi = database ?? 0
        let code = database == nil ? mdb_dbi_open(handle, nil, 0, &opened) : 0
        guard code == 0 else {
            mdb_txn_abort(handle)
            throw CounterError("mdb_dbi_open", "counters.mdb", code: code)
        }
        self.handle = handle
        self.database = opened
    }

    deinit { mdb_txn_abort(handle) }

    /// Makes all of it count.
    consuming func commit() throws(CounterError) {
        let handle = self.handle
        discard self
        let code = mdb_txn_commit(handle)
        guard code == 0 else { throw CounterError("mdb_txn_commit", "counters.mdb", code: code) }
    }

    /// Reads what is stored under a key, which the body is given with the value; nil when there is
    /// nothing. The bytes are valid during the call.
    func read<Result>(
        _ key: [UInt8],
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(CounterError) -> Result
    ) throws(CounterError) -> Result? {
        var value = MDB_val()
        let code = Transaction.with(key) { key in mdb_get(handle, database, &key, &value) }
        if code == MDB_NOTFOUND { return nil }
        guard code == 0 else { throw CounterError("mdb_get", "counters.mdb", code: code) }
        return try key.withUnsafeBytes { key in
            Swift.Result { () throws(CounterError) in try body(key, value.buffer) }
        }.get()
    }

    /// Stores a value, replacing what is there.
    func put(_ key: [UInt8], _ value: [UInt8], isLast: Bool = false) throws(CounterError) {
        let flags = isLast ? UInt32(MDB_APPEND) : 0
        let code = Transaction.with(key) { key in
            Transaction.with(value) { value in mdb_put(handle, database, &key, &value, flags) }
        }
        guard code == 0 else { throw CounterError("mdb_put", "counters.mdb", code: code) }
    }

    /// Removes a key that is there.
    func remove(_ key: [UInt8]) throws(CounterError) {
        let code = Transaction.with(key) { key in mdb_del(handle, database, &key, nil) }
        guard code == 0 || code == MDB_NOTFOUND else {
            throw CounterError("mdb_del", "counters.mdb", code: code)
        }
    }

    /// Calls with each key and value in order, from the first key that is not less than `start`,
    /// until the body returns false. The bytes are valid during the call.
    func each(
        from start: [UInt8],
        _ body: (UnsafeRawBufferPointer, UnsafeRawBufferPointer) throws(CounterError) -> Bool
    ) throws(CounterError) {
        var cursor: OpaquePointer?
        let opened = mdb_cursor_open(handle, database, &cursor)
        guard opened == 0, let cursor else {
            throw CounterError("mdb_cursor_open", "counters.mdb", code: opened)
        }
        defer { mdb_cursor_close(cursor) }
        var value = MDB_val()
        var found = MDB_val()
        var code = Transaction.with(start) { key in
            let code = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE)
            found = key
            return code
        }
        while code == 0, try body(found.buffer, value.buffer) {
            code = mdb_cursor_get(cursor, &found, &value, MDB_NEXT)
        }
        guard code == 0 || code == MDB_NOTFOUND else {
            throw CounterError("mdb_cursor_get", "counters.mdb", code: code)
        }
    }

    private static func with(_ bytes: [UInt8], _ body: (inout MDB_val) -> Int32) -> Int32 {
        bytes.withUnsafeBytes { buffer in
            // LMDB only reads through this pointer.
            var value = MDB_val(
                mv_size: buffer.count,
                mv_data: UnsafeMutableRawPointer(mutating: buffer.baseAddress))
            return body(&value)
        }
    }
}

extension MDB_val {
    fileprivate var buffer: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: mv_data, count: mv_size)
    }
}
