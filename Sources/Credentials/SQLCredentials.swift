// sqlite FILE QUERY, postgresql CONNINFO QUERY: users in tables.
// auth-sources(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Passwords
import PostgreSQL
import SQL
import SQLite
import UnixIO

/// A database and the one query in it, of one process.
private final class PreparedDatabase {
    let database: any SQLDatabase
    let query: Int

    init(_ database: any SQLDatabase, query: Int) {
        self.database = database
        self.query = query
    }
}

/// Users that a query gives: the first column is the password as it is stored, the second, where there
/// is one, who that is.
final class SQLCredentials: StoredSource {
    /// Opens nothing that would not survive fork.
    fileprivate typealias Opening = () throws(SQLError) -> PreparedDatabase

    let label: String
    let secret: LoginSecret
    private let timeout: Duration
    private let hasClearText: Bool
    private let open: Opening
    private let connection = PerProcess<PreparedDatabase>()
    private(set) var decoy: StoredPassword?

    fileprivate init(
        _ label: String, _ line: CredentialLine, _ settings: CredentialSettings,
        open: @escaping Opening
    ) throws(ControlError) {
        self.label = label
        secret = settings.secret
        timeout = try line.timeout()
        hasClearText = try line.flag("clear")
        self.open = open
        // What is wrong with the query is found at start, as far as it can be.
        do throws(SQLError) { _ = try open() } catch {
            throw line.invalid("\(label): \(error)")
        }
    }

    var abilities: Abilities {
        hasClearText ? [.verify, .clearText, .scram, .cramMD5] : [.verify]
    }

    func account(_ login: [UInt8], _ context: LoginContext) -> Lookup<Account> {
        let login = login.asciiLowercased
        // What is no UTF-8 is in no database of text.
        guard String(validating: login, as: UTF8.self) != nil else { return .unknown }
        do throws(SQLError) {
            let prepared = try connection.get(open)
            let row = try prepared.database.row(
                prepared.query, for: SQLAddress(login: login),
                deadline: min(context.deadline, .after(timeout)))
            guard let row, let first = row.columns.first else { return .unknown }
            let second = row.columns.count > 1 ? row.columns[1].value.bytes ?? [] : []
            return found(first.value.bytes ?? [], user: second.isEmpty ? login : second)
        } catch {
            return .unavailable("\(label): \(error)")
        }
    }

    private func found(_ text: [UInt8], user: [UInt8]) -> Lookup<Account> {
        do throws(PasswordError) {
            let password = try StoredPassword(text)
            if password != .locked { decoy = password }
            return .found(Account(password: password), user: user)
        } catch {
            return .unavailable("\(label): \(error)")
        }
    }
}

extension CredentialKind {
    private static let options = ["timeout", "clear"]

    /// `sqlite [timeout=T] [clear=yes] FILE QUERY`.
    static let sqlite = CredentialKind("sqlite", form: "sqlite FILE QUERY", options: options) {
        line, settings throws(ControlError) in
        guard let word = try line.word() else { throw line.invalid("FILE is missing") }
        let path = try line.absolute(word, "FILE")
        let query = line.remainder()
        guard !query.isEmpty else { throw line.invalid("QUERY is missing") }
        return try SQLCredentials("sqlite:\(path)", line, settings) { () throws(SQLError) in
            let file = SQLiteFile(path)
            return PreparedDatabase(file, query: try file.add(query))
        }
    }

    /// `postgresql [timeout=T] [clear=yes] CONNINFO QUERY`.
    static let postgresql = CredentialKind(
        "postgresql", form: "postgresql CONNINFO QUERY", options: options
    ) { line, settings throws(ControlError) in
        guard let connection = try line.word() else { throw line.invalid("CONNINFO is missing") }
        let query = line.remainder()
        guard !query.isEmpty else {
            throw line.invalid("QUERY is missing; a CONNINFO with blanks stands in quotes")
        }
        // `password=`, or a URI with a user and perhaps a password.
        if connection.contains("password") || connection.contains("://") && connection.contains("@")
        {
            try line.checkIsSecret()
        }
        let timeout = try line.timeout()
        let label: String
        do throws(SQLError) {
            label = try PostgreSQLServer(connection, timeout: timeout).label
        } catch { throw line.invalid("CONNINFO: \(error)") }
        return try SQLCredentials(
            "postgresql:\(label)", line, settings
        ) { () throws(SQLError) in
            let server = try PostgreSQLServer(connection, timeout: timeout)
            return PreparedDatabase(server, query: try server.add(query))
        }
    }
}
