// PostgreSQLConnection: one connection to a server and the statements prepared on it.
// PostgreSQL's manual, sections 34.1 (PQconnectPoll), 34.3 and 34.4 (asynchronous commands).
// SPDX-License-Identifier: MIT

import CPostgreSQL
import Glibc
import MailModel
import SQL
import UnixIO

/// What went wrong, and whether the connection is still good.
struct PostgreSQLFailure: Error {
    let error: SQLError
    let isLost: Bool
    /// The server's own code, such as `42601`; empty where the server said nothing.
    var code = ""

    var isTimeOut: Bool { if case .timedOut = error { true } else { false } }
}

/// Closed when the value ends.
final class PostgreSQLConnection {
    /// The most bytes of a value that are read.
    private static let longestValue = 4096

    private let connection: OpaquePointer
    private var prepared: Set<Int> = []

    /// Connects. Nothing waits beyond the deadline but the look-up of a host's name, which libpq
    /// leaves to the system.
    init(
        _ settings: [(name: String, value: String)], timeout: Duration, deadline: Deadline
    ) throws(PostgreSQLFailure) {
        guard let connection = PostgreSQLConnection.start(settings) else {
            throw PostgreSQLFailure(error: .unavailable("out of memory"), isLost: true)
        }
        self.connection = connection
        var polling = PGRES_POLLING_WRITING
        guard PQstatus(connection) != CONNECTION_BAD else { throw lost() }
        while polling != PGRES_POLLING_OK {
            guard polling != PGRES_POLLING_FAILED else { throw lost() }
            try wait(polling == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline, "connect")
            polling = PQconnectPoll(connection)
        }
        guard PQsetnonblocking(connection, 1) == 0 else { throw lost() }
        // The server ends by itself what nobody waits for any more, and refuses to change anything.
        let milliseconds = max(1, Deadline.after(timeout).pollTimeout)
        let settings =
            "SET statement_timeout = \(milliseconds); SET default_transaction_read_only = on"
        guard PQsendQuery(connection, settings) == 1 else { throw lost() }
        _ = try result(deadline, PGRES_COMMAND_OK)
    }

    deinit { PQfinish(connection) }

    private static func start(_ settings: [(name: String, value: String)]) -> OpaquePointer? {
        let names = settings.map { strdup($0.name) }
        let values = settings.map { strdup($0.value) }
        defer { for pointer in names + values { free(pointer) } }
        return PQconnectStartParams(
            names.map { UnsafePointer($0) } + [nil], values.map { UnsafePointer($0) } + [nil], 0)
    }

    /// The first row of a query's result. The query is prepared first where it is not yet, or where
    /// somebody between us and the server has forgotten it.
    func row(
        _ number: Int, _ query: NumberedQuery, for address: SQLAddress, deadline: Deadline
    ) throws(PostgreSQLFailure) -> SQLRow? {
        let wasPrepared = prepared.contains(number)
        if !wasPrepared { try prepare(number, query, deadline) }
        do {
            return try execute(number, query, for: address, deadline)
        } catch {
            // 26000: invalid_sql_statement_name.
            guard error.code == "26000", wasPrepared else { throw error }
        }
        try prepare(number, query, deadline)
        return try execute(number, query, for: address, deadline)
    }

    private func prepare(
        _ number: Int, _ query: NumberedQuery, _ deadline: Deadline
    ) throws(PostgreSQLFailure) {
        let text = query.text.map(CChar.init(bitPattern:)) + [0]
        guard PQsendPrepare(connection, "q\(number)", text, 0, nil) == 1 else { throw lost() }
        _ = try result(deadline, PGRES_COMMAND_OK)
        prepared.insert(number)
    }

    private func execute(
        _ number: Int, _ query: NumberedQuery, for address: SQLAddress, _ deadline: Deadline
    ) throws(PostgreSQLFailure) -> SQLRow? {
        // No text of PostgreSQL holds NUL, so that no row of it can.
        guard !address.address.contains(0) else { return nil }
        let values = query.parameters.map { parameter in
            strdup(address[parameter].map(CChar.init(bitPattern:)) + [0])
        }
        defer { for value in values { free(value) } }
        let sent = PQsendQueryPrepared(
            connection, "q\(number)", Int32(values.count), values.map { UnsafePointer($0) }, nil,
            nil, 0)
        guard sent == 1 else { throw lost() }
        // Only the first row counts; those after it are not gathered in memory.
        guard PQsetSingleRowMode(connection) == 1 else { throw lost() }
        do {
            return try result(deadline, PGRES_TUPLES_OK)
        } catch {
            // 22021 and 22P05: the database's encoding does not have what the address holds, so
            // that no row of it can.
            guard ["22021", "22P05"].contains(error.code) else { throw error }
            return nil
        }
    }

    /// Sends what is waiting, and reads all results of one command.
    private func result(
        _ deadline: Deadline, _ wanted: ExecStatusType
    ) throws(PostgreSQLFailure) -> SQLRow? {
        var flushing: Int32 = 1
        while flushing == 1 || PQisBusy(connection) == 1 {
            if flushing == 1 { flushing = PQflush(connection) }
            guard flushing >= 0 else { throw lost() }
            if flushing == 0, PQisBusy(connection) == 0 { break }
            try wait(flushing == 1 ? POLLIN | POLLOUT : POLLIN, deadline, "query")
            guard PQconsumeInput(connection) == 1 else { throw lost() }
        }
        var row: SQLRow?
        var failure: PostgreSQLFailure?
        while true {
            while PQisBusy(connection) == 1 {
                try wait(POLLIN, deadline, "query")
                guard PQconsumeInput(connection) == 1 else { throw lost() }
            }
            guard let result = PQgetResult(connection) else { break }
            defer { PQclear(result) }
            let status = PQresultStatus(result)
            // A COPY has results without end: nothing but the end of the connection ends it.
            if [PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH].contains(status) {
                throw PostgreSQLFailure(error: .invalid("not a query"), isLost: true)
            }
            if status == wanted || status == PGRES_SINGLE_TUPLE {
                if row == nil, PQntuples(result) > 0 { row = PostgreSQLConnection.row(of: result) }
            } else if failure == nil {
                failure = self.failure(of: result, status)
            }
        }
        if let failure { throw failure }
        return row
    }

    private func failure(
        of result: OpaquePointer, _ status: ExecStatusType
    ) -> PostgreSQLFailure {
        let field = PQresultErrorField(result, 0x43).map { String(cString: $0) } ?? ""
        let text = PostgreSQLConnection.line(PQresultErrorMessage(result), "unexpected result")
        let isLost = PQstatus(connection) == CONNECTION_BAD
        if [PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY].contains(status) {
            return PostgreSQLFailure(error: .invalid("not a query"), isLost: isLost)
        }
        // Class 42: syntax error or access rule violation. 57014: the statement's time is over.
        let error: SQLError =
            field.hasPrefix("42")
            ? .invalid(text) : field == "57014" ? .timedOut(text) : .unavailable(text)
        return PostgreSQLFailure(error: error, isLost: isLost, code: field)
    }

    private static func row(of result: OpaquePointer) -> SQLRow {
        SQLRow(
            (0..<PQnfields(result)).map { column in
                let name = PQfname(result, column).map { String(cString: $0) } ?? ""
                guard PQgetisnull(result, 0, column) == 0,
                    let start = PQgetvalue(result, 0, column)
                else { return (name, .null) }
                let count = min(Int(PQgetlength(result, 0, column)), longestValue)
                let bytes = [UInt8](UnsafeRawBufferPointer(start: start, count: count))
                return (name, value(bytes, type: PQftype(result, column)))
            })
    }

    /// The types are those of pg_type.dat: bool, the integers, oid, the floats, numeric.
    private static func value(_ bytes: [UInt8], type: Oid) -> SQLValue {
        switch type {
        case 16: .number(bytes, isZero: bytes == [0x66])
        case 20, 21, 23, 26, 700, 701, 1700:
            .number(bytes, isZero: bytes.allSatisfy { "-.0".utf8.contains($0) })
        default: .text(bytes)
        }
    }

    private func wait(
        _ events: Int32, _ deadline: Deadline, _ step: String
    ) throws(PostgreSQLFailure) {
        while true {
            var entry = pollfd(fd: PQsocket(connection), events: Int16(events), revents: 0)
            let count = poll(&entry, 1, deadline.pollTimeout)
            if count > 0 { return }
            guard count == 0 || errno == EINTR else { throw lost() }
            guard !deadline.hasPassed else {
                throw PostgreSQLFailure(error: .timedOut(step), isLost: true)
            }
        }
    }

    private func lost() -> PostgreSQLFailure {
        let text = PostgreSQLConnection.line(PQerrorMessage(connection), "connection lost")
        return PostgreSQLFailure(error: .unavailable(text), isLost: true)
    }

    /// Words of libpq or the server on one line; it ends them with line ends.
    static func line(_ words: UnsafePointer<CChar>?, _ otherwise: String) -> String {
        let text = words.map { String(cString: $0) } ?? ""
        let line = Array(text.utf8.split(separator: 0x0A).joined(separator: Array("; ".utf8)))
        return line.isEmpty ? otherwise : line.map { $0 == 0x09 ? 0x20 : $0 }.printable
    }
}
