// PostgreSQLServer: prepared queries to a server, with an end to every wait.
// PostgreSQL's manual, chapter 34 (libpq), sections 34.1 and 34.4.
// SPDX-License-Identifier: MIT

import CPostgreSQL
public import SQL
public import UnixIO

/// A server that is asked when it is needed, connected to again when the connection was lost, and
/// left alone for a moment when it cannot be reached.
///
/// A value serves one process: the connection is made at the first question, and so after a fork.
public final class PostgreSQLServer: SQLDatabase {
    /// A server that could not be reached is not tried again sooner: else every question would
    /// take its whole time while it is gone.
    public static let pause = Duration.seconds(1)

    private let settings: [(name: String, value: String)]
    private let timeout: Duration
    /// Where it is, for logs: without a password.
    public let label: String
    private var queries: [NumberedQuery] = []
    private var connection: PostgreSQLConnection?
    private var nextTry: Deadline?
    private var lastFailure = ""

    /// Reads a connection string, `name=value ...` or a URI. Nothing is connected to. The server
    /// itself ends a query that takes longer than the timeout.
    /// - Throws: `SQLError.invalid` when it is none.
    public init(_ connectionString: String, timeout: Duration) throws(SQLError) {
        self.timeout = timeout
        var error: UnsafeMutablePointer<CChar>?
        let parsed = PQconninfoParse(connectionString, &error)
        defer {
            PQconninfoFree(parsed)
            PQfreemem(error)
        }
        guard var option = parsed else {
            throw .invalid(PostgreSQLConnection.line(error, "not a connection string"))
        }
        var settings: [(name: String, value: String)] = []
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val, value.pointee != 0 {
                settings.append((String(cString: keyword), String(cString: value)))
            }
            option += 1
        }
        // What is not UTF-8 is no mailbox: see rcpt-validate(8).
        settings.removeAll { $0.name == "client_encoding" }
        settings.append(("client_encoding", "UTF8"))
        if !settings.contains(where: { $0.name == "fallback_application_name" }) {
            settings.append(("fallback_application_name", "chainmail"))
        }
        self.settings = settings
        let shown = ["host", "hostaddr", "port", "dbname", "service"]
        label = settings.filter { shown.contains($0.name) }.map { "\($0.name)=\($0.value)" }
            .joined(separator: " ")
    }

    /// Adds a query.
    /// - Returns: its number.
    /// - Throws: `SQLError.invalid` for what can be seen without a server.
    public func add(_ query: some Collection<UInt8>) throws(SQLError) -> Int {
        queries.append(try NumberedQuery(query))
        connection = nil
        return queries.count - 1
    }

    /// The first row of a query's result.
    public func row(
        _ query: Int, for address: SQLAddress, deadline: Deadline
    ) throws(SQLError) -> SQLRow? {
        guard queries.indices.contains(query) else { throw .invalid("no query \(query)") }
        // A connection may have been lost since it was last used: that is no news of the server.
        if let kept = connection {
            do throws(PostgreSQLFailure) {
                return try kept.row(query, queries[query], for: address, deadline: deadline)
            } catch {
                if error.isLost { connection = nil }
                guard error.isLost, !error.isTimeOut else { throw error.error }
            }
        }
        let new = try connect(deadline)
        do throws(PostgreSQLFailure) {
            let row = try new.row(query, queries[query], for: address, deadline: deadline)
            connection = new
            return row
        } catch {
            if !error.isLost { connection = new }
            throw error.error
        }
    }

    private func connect(_ deadline: Deadline) throws(SQLError) -> PostgreSQLConnection {
        if let nextTry, !nextTry.hasPassed {
            throw .unavailable("\(lastFailure) (not tried again yet)")
        }
        do throws(PostgreSQLFailure) {
            let new = try PostgreSQLConnection(
                settings, timeout: timeout, deadline: deadline)
            nextTry = nil
            return new
        } catch {
            nextTry = .after(PostgreSQLServer.pause)
            lastFailure = "\(error.error)"
            throw error.error
        }
    }
}
