// SQLiteFile: queries to a database file that belongs to somebody else.
// https://www.sqlite.org/c3ref/open.html, https://www.sqlite.org/wal.html
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
public import SQL
public import UnixIO

/// A database that is only read, and beside which nothing is created: neither a journal, nor the
/// `-wal` and `-shm` of a database in WAL mode.
///
/// A value serves one process, and there is one for a file in it: the locks of SQLite are the
/// process's, and go when any descriptor of the file is closed.
public final class SQLiteFile: SQLDatabase {
    /// A file that changed while it was read without locks is read again after so long.
    static let pause = Duration.milliseconds(5)

    private let path: String
    private var queries: [[UInt8]] = []
    private var connection: SQLiteConnection?

    /// A database by its path. Nothing is opened.
    public init(_ path: String) { self.path = path }

    /// Adds a query; its parameters are `:local`, `:domain`, `:address`, or `?1` to `?3`. Looks
    /// whether database and query are good, and closes the database again. What cannot be known
    /// now, since it is locked, counts as good.
    /// - Returns: its number.
    /// - Throws: `SQLError.invalid`, also for a file that is not there.
    public func add(_ query: some Collection<UInt8>) throws(SQLError) -> Int {
        let query = Array(query)
        defer { connection = nil }
        guard let state = try SQLiteFileState(path) else { throw .invalid("no such file") }
        guard state.isFile else { throw .invalid("not a file") }
        let deadline = Deadline.after(.seconds(1))
        do {
            try read(until: deadline) { connection throws(SQLError) in
                try connection.prepare(query, as: nil, deadline: deadline)
            }
        } catch {
            if case .invalid = error { throw error }
        }
        queries.append(query)
        return queries.count - 1
    }

    /// The first row of a query's result. `.unavailable` also while the file is missing.
    public func row(
        _ query: Int, for address: SQLAddress, deadline: Deadline
    ) throws(SQLError) -> SQLRow? {
        guard queries.indices.contains(query) else { throw .invalid("no query \(query)") }
        let text = queries[query]
        return try read(until: deadline) { connection throws(SQLError) in
            try connection.prepare(text, as: query, deadline: deadline)
            return try connection.row(query, for: address, deadline: deadline)
        }
    }

    /// Reads by a connection that fits the state of the file.
    private func read<Result>(
        until deadline: Deadline, _ body: (SQLiteConnection) throws(SQLError) -> Result
    ) throws(SQLError) -> Result {
        while true {
            guard let state = try SQLiteFileState(path) else {
                connection = nil
                throw .unavailable("no such file")
            }
            if let connection, connection.isOf(state) { return try using(connection, body) }
            connection = nil
            guard try state.isInLogMode(path), !SQLiteFileState.hasLog(path) else {
                let new = try SQLiteConnection(path, state, isAtRest: false)
                connection = new
                return try using(new, body)
            }
            // Nobody has it open: all of it is in the one file, which must stay as it is meanwhile.
            if state.isSettled {
                let new = try SQLiteConnection(path, state, isAtRest: true)
                let result = Swift.Result { () throws(SQLError) in try body(new) }
                let later = try SQLiteFileState(path)
                if later == state, !SQLiteFileState.hasLog(path) { return try result.get() }
            }
            guard !deadline.hasPassed else { throw .timedOut("it changes all the time") }
            _ = poll(nil, 0, Deadline.after(SQLiteFile.pause).pollTimeout)
        }
    }

    private func using<Result>(
        _ connection: SQLiteConnection, _ body: (SQLiteConnection) throws(SQLError) -> Result
    ) throws(SQLError) -> Result {
        do {
            return try body(connection)
        } catch {
            // Whatever is wrong with it, the next question begins anew.
            self.connection = nil
            throw error
        }
    }
}

/// What tells one version of a database file from another.
struct SQLiteFileState: Equatable {
    /// The clock of a file may stand still for some milliseconds.
    private static let leastAge = 20_000_000

    let device: UInt
    let inode: UInt
    /// False for a folder and the like.
    let isFile: Bool
    private let size: Int
    private let changed: Int

    /// Nil when there is no such file.
    init?(_ path: String) throws(SQLError) {
        let found: stat?
        do {
            found = try Files.status(path)
        } catch {
            throw .unavailable("\(error)")
        }
        guard let found else { return nil }
        device = UInt(found.st_dev)
        inode = UInt(found.st_ino)
        isFile = found.st_mode & S_IFMT == S_IFREG
        size = Int(found.st_size)
        changed = SQLiteFileState.nanoseconds(found.st_mtim)
    }

    /// True when a change from now on would show in the time of the last one.
    var isSettled: Bool {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let age = SQLiteFileState.nanoseconds(now).subtractingReportingOverflow(changed)
        return age.overflow || abs(age.partialValue) > SQLiteFileState.leastAge
    }

    /// True when the header says that changes are in a write-ahead log: bytes 18 and 19 are 2.
    /// https://www.sqlite.org/fileformat2.html#file_format_version_numbers
    func isInLogMode(_ path: String) throws(SQLError) -> Bool {
        do {
            let file = try Files.open(path, O_RDONLY | O_NONBLOCK)
            let header = try file.borrowed.bytes(at: 0, count: min(size, 20), path)
            return header.count == 20 && header[18...].contains(2)
        } catch {
            throw .unavailable("\(error)")
        }
    }

    static func hasLog(_ path: String) -> Bool { access("\(path)-wal", F_OK) == 0 }

    private static func nanoseconds(_ time: timespec) -> Int {
        let whole = Int(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        return whole.overflow ? Int.max : whole.partialValue &+ Int(time.tv_nsec)
    }
}
