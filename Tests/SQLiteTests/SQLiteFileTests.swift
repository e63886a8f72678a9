// SPDX-License-Identifier: MIT

import SQL
import SQLite
import TestSupport
import Testing
import UnixIO

struct SQLiteFileTests {
    private let folder: TestFolder
    private let path: String
    private static let table =
        "CREATE TABLE u(a TEXT PRIMARY KEY, n INTEGER, q TEXT); INSERT INTO u VALUES"
        + "('bob@x.test', 5, NULL), ('o''hara@x.test', 0, 'x');"

    init() throws {
        folder = try TestFolder()
        path = folder.file("m.db")
        try Writer.run(Self.table, in: path)
    }

    private func address(_ local: String, _ domain: String = "x.test") -> SQLAddress {
        SQLAddress(local: Array(local.utf8), domain: Array(domain.utf8))
    }

    private func row(
        _ query: String, _ local: String, within limit: Duration = .seconds(20)
    ) throws -> SQLRow? {
        let file = SQLiteFile(path)
        let number = try file.add(Array(query.utf8))
        return try file.row(number, for: address(local), deadline: .after(limit))
    }

    @Test(
        arguments: [
            "SELECT n FROM u WHERE a = :address", "SELECT n FROM u WHERE a = ?3",
            "SELECT n FROM u WHERE a = :local || '@' || :domain",
            "SELECT n FROM u WHERE a = ?1 || '@' || ?2 -- ?9",
            "SELECT n FROM u WHERE a = :address;",
        ])
    func `parameters have names and numbers`(query: String) throws {
        let row = try #require(try row(query, "bob"))
        #expect(row == SQLRow([("n", .number(Array("5".utf8), isZero: false))]))
        #expect(try self.row(query, "eve") == nil)
    }

    @Test func `a row has its types`() throws {
        let row = try row("SELECT n, q, a, count(*), 0.0 FROM u WHERE a = :address", "o'hara")
        #expect(
            row?.columns.map(\.value) == [
                .number(Array("0".utf8), isZero: true), .text(Array("x".utf8)),
                .text(Array("o'hara@x.test".utf8)), .number(Array("1".utf8), isZero: false),
                .number(Array("0.0".utf8), isZero: true),
            ])
        let empty = try self.row("SELECT q FROM u WHERE a = :address", "bob")
        #expect(empty?.columns.map(\.value) == [.null])
    }

    @Test(arguments: ["' OR 1=1 --", "bob@x.test' --", "\"; DROP TABLE u; --", "%", "\\", "\u{1}"])
    func `a local-part is never SQL`(local: String) throws {
        #expect(try row("SELECT 1 FROM u WHERE a = :address", local) == nil)
        #expect(try row("SELECT 1 FROM u WHERE a = :address", "bob") != nil)
    }

    @Test func `what is no text is compared as bytes`() throws {
        let file = SQLiteFile(path)
        let number = try file.add(Array("SELECT 1 FROM u WHERE a = :address".utf8))
        let broken = SQLAddress(local: [0xFF, 0xC0, 0], domain: [0x80])
        #expect(try file.row(number, for: broken, deadline: .after(.seconds(20))) == nil)
    }

    @Test(
        arguments: [
            "SELEC 1", "SELECT 1 FROM nothing", "SELECT nothing FROM u", "", ";",
            "-- only a comment",
            "SELECT 1; SELECT 2", "DELETE FROM u", "INSERT INTO u VALUES('x', 1, 1) RETURNING a",
            "ATTACH 'x' AS y", "PRAGMA journal_mode = WAL", "SELECT :adress", "SELECT ?4",
            "SELECT @local",
        ])
    func `a bad query is refused before it is asked`(query: String) throws {
        #expect(throws: SQLError.self) { try SQLiteFile(path).add(Array(query.utf8)) }
        #expect(folder.names() == ["m.db"])
    }

    @Test func `what is no database is refused`() throws {
        let other = try folder.write("other", String(repeating: "no database", count: 1000))
        for path in [other, folder.file("missing"), folder.path] {
            #expect(throws: SQLError.self) {
                try SQLiteFile(path).add(Array("SELECT 1 FROM u".utf8))
            }
        }
        #expect(folder.names() == ["m.db", "other"])
    }

    @Test func `a path may hold what URIs may not`() throws {
        try Writer.run(Self.table, in: folder.file("a #%3f b.db"))
        let file = SQLiteFile(folder.file("a #%3f b.db"))
        let number = try file.add(Array("SELECT 1 FROM u WHERE a = :address".utf8))
        #expect(try file.row(number, for: address("bob"), deadline: .after(.seconds(20))) != nil)
    }

    @Test func `a query without an end ends at its deadline`() throws {
        let endless =
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c"
        #expect(throws: SQLError.timedOut("interrupted")) {
            try row(endless, "bob", within: .milliseconds(50))
        }
    }

    @Test(arguments: ["DELETE", "WAL"])
    func `nothing is created beside a database that nobody has open`(mode: String) throws {
        try Writer.run("PRAGMA journal_mode = \(mode)", in: path)
        #expect(folder.names() == ["m.db"])
        #expect(try row("SELECT 1 FROM u WHERE a = :address", "bob") != nil)
        #expect(folder.names() == ["m.db"])
    }

    @Test(arguments: ["DELETE", "WAL"])
    func `what is written later is seen by the same value`(mode: String) throws {
        try Writer.run("PRAGMA journal_mode = \(mode)", in: path)
        let file = SQLiteFile(path)
        let number = try file.add(Array("SELECT n FROM u WHERE a = :address".utf8))
        for turn in 0..<3 {
            let local = "new\(turn)"
            let deadline = Deadline.after(.seconds(20))
            #expect(try file.row(number, for: address(local), deadline: deadline) == nil)
            try Writer.run("INSERT INTO u VALUES('\(local)@x.test', 1, 1)", in: path)
            #expect(try file.row(number, for: address(local), deadline: deadline) != nil)
        }
        #expect(folder.names() == ["m.db"])
    }

    @Test func `the log of who writes is read, and left as it is`() throws {
        try Writer.run("PRAGMA journal_mode = WAL", in: path)
        let file = SQLiteFile(path)
        let number = try file.add(Array("SELECT n FROM u WHERE a = :address".utf8))
        let writer = try Writer("INSERT INTO u VALUES('new@x.test', 1, 1); COMMIT", path, folder)
        #expect(folder.names().contains("m.db-wal"))
        let before = try folder.read("m.db-wal")
        let deadline = Deadline.after(.seconds(20))
        #expect(try file.row(number, for: address("new"), deadline: deadline) != nil)
        #expect(try file.row(number, for: address("bob"), deadline: deadline) != nil)
        #expect(try folder.read("m.db-wal") == before)
        try writer.stop()
        #expect(try file.row(number, for: address("new"), deadline: deadline) != nil)
    }

    @Test func `a lock is waited for, and is no answer`() throws {
        let file = SQLiteFile(path)
        let number = try file.add(Array("SELECT n FROM u WHERE a = :address".utf8))
        let writer = try Writer("BEGIN EXCLUSIVE", path, folder)
        for local in ["bob", "nobody"] {
            #expect(throws: SQLError.timedOut("database is locked")) {
                try file.row(number, for: address(local), deadline: .after(.milliseconds(50)))
            }
        }
        // It may not be locked for ever: a source that is locked at the start is no bad source.
        #expect(try SQLiteFile(path).add(Array("SELECT 1".utf8)) == 0)
        try writer.stop()
        #expect(try file.row(number, for: address("bob"), deadline: .after(.seconds(20))) != nil)
    }

    @Test func `another file under the same path is noticed, and a missing one is no answer`()
        throws
    {
        let file = SQLiteFile(path)
        let number = try file.add(Array("SELECT n FROM u WHERE a = :address".utf8))
        let deadline = Deadline.after(.seconds(20))
        #expect(try file.row(number, for: address("bob"), deadline: deadline) != nil)
        try Writer.run("CREATE TABLE u(a, n)", in: folder.file("new.db"))
        try Writer.move(folder.file("new.db"), to: path)
        #expect(try file.row(number, for: address("bob"), deadline: deadline) == nil)
        try Writer.move(path, to: folder.file("gone.db"))
        #expect(throws: SQLError.unavailable("no such file")) {
            try file.row(number, for: address("bob"), deadline: deadline)
        }
        try folder.write("m.db", [UInt8](repeating: 0x53, count: 5000))
        #expect(throws: SQLError.self) {
            try file.row(number, for: address("bob"), deadline: deadline)
        }
    }
}
