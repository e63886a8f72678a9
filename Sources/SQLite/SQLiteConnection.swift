// SQLiteConnection: one open database and its prepared statements.
// https://www.sqlite.org/cintro.html
// SPDX-License-Identifier: MIT

import CSQLite
import MailModel
import SQL
import UnixIO

/// Closed when the value ends.
final class SQLiteConnection {
    /// Steps of SQLite's machine between two looks at the clock.
    private static let stepsPerLook: Int32 = 1000
    /// The most bytes of a value that are read.
    private static let longestValue = 4096

    private let state: SQLiteFileState
    private var database: OpaquePointer?
    private var statements: [Int: OpaquePointer] = [:]
    /// Read by SQLite while a statement runs.
    private let limit = SQLiteLimit()

    /// Opens a database read-only. One at rest is read without locks, and without a look for a
    /// log. One in WAL mode that is in use is read through the `-shm` of whoever writes.
    init(_ path: String, _ state: SQLiteFileState, isAtRest: Bool) throws(SQLError) {
        self.state = state
        let name =
            SQLiteConnection.uri(path) + (isAtRest ? "?immutable=1" : "?mode=ro&readonly_shm=1")
        let flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX
        let result = sqlite3_open_v2(name, &database, flags, nil)
        guard result == SQLITE_OK, let database else { throw failure(result) }
        let context = Unmanaged.passUnretained(limit).toOpaque()
        sqlite3_progress_handler(
            database, SQLiteConnection.stepsPerLook,
            { context in
                guard let context else { return 0 }
                let limit = Unmanaged<SQLiteLimit>.fromOpaque(context).takeUnretainedValue()
                return limit.deadline.hasPassed ? 1 : 0
            }, context)
        // Sorting needs no file; what a schema calls may do nothing but compute.
        let settings = "PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF"
        let done = sqlite3_exec(database, settings, nil, nil, nil)
        guard done == SQLITE_OK else { throw failure(done) }
    }

    deinit {
        for statement in statements.values { sqlite3_finalize(statement) }
        sqlite3_close_v2(database)
    }

    /// True while the file under the path is the one that was opened.
    func isOf(_ other: SQLiteFileState) -> Bool {
        state.device == other.device && state.inode == other.inode
    }

    /// Prepares a query, and keeps it under a number unless that is nil or has one already.
    func prepare(_ query: [UInt8], as number: Int?, deadline: Deadline) throws(SQLError) {
        if let number, statements[number] != nil { return }
        setLimit(deadline)
        var statement: OpaquePointer?
        var end: Int?
        let result = query.withUnsafeBufferPointer { buffer in
            buffer.withMemoryRebound(to: CChar.self) { text in
                var tail: UnsafePointer<CChar>?
                let result = sqlite3_prepare_v3(
                    database, text.baseAddress, Int32(clamping: text.count),
                    UInt32(SQLITE_PREPARE_PERSISTENT), &statement, &tail)
                end = tail.flatMap { tail in text.baseAddress.map { tail - $0 } }
                return result
            }
        }
        guard result == SQLITE_OK else { throw failure(result) }
        guard let statement else { throw .invalid("the query is empty") }
        do {
            try check(statement, tail: query.dropFirst(end ?? query.count))
        } catch {
            sqlite3_finalize(statement)
            throw error
        }
        if let number { statements[number] = statement } else { sqlite3_finalize(statement) }
    }

    /// Until when locks are waited for, and statements run.
    private func setLimit(_ deadline: Deadline) {
        limit.deadline = deadline
        sqlite3_busy_timeout(database, max(1, deadline.pollTimeout))
    }

    private func check(_ statement: OpaquePointer, tail: ArraySlice<UInt8>) throws(SQLError) {
        guard tail.trimmed.allSatisfy({ $0 == 0x3B }) else {
            throw .invalid("more than one statement")
        }
        guard sqlite3_stmt_readonly(statement) != 0, sqlite3_column_count(statement) > 0 else {
            throw .invalid("not a query that only reads")
        }
        for index in 1...max(1, sqlite3_bind_parameter_count(statement))
        where index <= sqlite3_bind_parameter_count(statement) {
            guard SQLiteConnection.parameter(index, of: statement) != nil else {
                let name = sqlite3_bind_parameter_name(statement, index).map(String.init(cString:))
                throw .invalid(
                    "no parameter \(name ?? "?\(index)"); there are \(SQLParameter.names), ?1 to ?3"
                )
            }
        }
    }

    /// What a parameter of a statement is: its name says, else its number.
    private static func parameter(_ index: Int32, of statement: OpaquePointer) -> SQLParameter? {
        guard let name = sqlite3_bind_parameter_name(statement, index).map(String.init(cString:))
        else { return SQLParameter(rawValue: Int(index)) }
        return name.hasPrefix("?")
            ? SQLParameter(rawValue: Int(index)) : SQLParameter(name: name)
    }

    /// The first row of a prepared query.
    func row(
        _ number: Int, for address: SQLAddress, deadline: Deadline
    ) throws(SQLError) -> SQLRow? {
        guard let statement = statements[number] else { throw .invalid("not prepared") }
        setLimit(deadline)
        // The read lock goes with the reset.
        defer { sqlite3_reset(statement) }
        for index in 0..<sqlite3_bind_parameter_count(statement) {
            guard let parameter = SQLiteConnection.parameter(index + 1, of: statement) else {
                continue
            }
            let value = address[parameter]
            let result = value.withUnsafeBytes { bytes in
                sqlite3_bind_text(
                    statement, index + 1, bytes.bindMemory(to: CChar.self).baseAddress,
                    Int32(clamping: bytes.count), csqlite_transient())
            }
            guard result == SQLITE_OK else { throw failure(result) }
        }
        switch sqlite3_step(statement) {
        case SQLITE_ROW: return SQLiteConnection.row(of: statement)
        case SQLITE_DONE: return nil
        case let code: throw failure(code)
        }
    }

    private static func row(of statement: OpaquePointer) -> SQLRow {
        SQLRow(
            (0..<sqlite3_column_count(statement)).map { column in
                let name = sqlite3_column_name(statement, column).map(String.init(cString:))
                return (name ?? "", value(column, of: statement))
            })
    }

    private static func value(_ column: Int32, of statement: OpaquePointer) -> SQLValue {
        let type = sqlite3_column_type(statement, column)
        guard type != SQLITE_NULL else { return .null }
        let isZero = sqlite3_column_double(statement, column) == 0
        let start = sqlite3_column_blob(statement, column)
        let count = min(Int(sqlite3_column_bytes(statement, column)), longestValue)
        let bytes = start.map { [UInt8](UnsafeRawBufferPointer(start: $0, count: count)) } ?? []
        let isNumber = type == SQLITE_INTEGER || type == SQLITE_FLOAT
        return isNumber ? .number(bytes, isZero: isZero) : .text(bytes)
    }

    private func failure(_ code: Int32) -> SQLError {
        let words = database.flatMap { sqlite3_errmsg($0) } ?? sqlite3_errstr(code)
        let text = words.map { String(cString: $0) } ?? "error \(code)"
        switch code & 0xFF {
        case SQLITE_INTERRUPT, SQLITE_BUSY: return .timedOut(text)
        case SQLITE_ERROR, SQLITE_NOTADB, SQLITE_RANGE, SQLITE_AUTH: return .invalid(text)
        default: return .unavailable(text)
        }
    }

    /// The path as a URI: everything but what is plain in a path is percent-encoded.
    private static func uri(_ path: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var text: [UInt8] = Array("file:".utf8)
        // Two slashes would begin the name of a host.
        let slashes = path.utf8.prefix { $0 == 0x2F }.count
        for byte in path.utf8.dropFirst(max(0, slashes - 1)) {
            if byte.isASCIILetter || byte.isASCIIDigit || "/-._~".utf8.contains(byte) {
                text.append(byte)
            } else {
                text += [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}

/// The deadline of the statement that runs.
private final class SQLiteLimit {
    var deadline = Deadline.never
}
