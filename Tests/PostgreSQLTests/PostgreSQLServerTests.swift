// SPDX-License-Identifier: MIT

import PostgreSQL
import SQL
import TestSupport
import Testing
import UnixIO

/// One server for the tests that leave it as it is.
private let cluster = Result { () throws -> PostgreSQLCluster in
    let cluster = try PostgreSQLCluster()
    try cluster.run("CREATE DATABASE m")
    try cluster.run("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0")
    let table =
        "CREATE TABLE u(a varchar PRIMARY KEY, n int, q numeric, b bool, t text);"
        + "INSERT INTO u VALUES('bob@x.test', 5, 0.00, false, NULL), ('o''hara@x.test', 0, 1, true, 'x'),"
        + "('jürgen@x.test', 1, 1, true, 'x')"
    try cluster.run(table, in: "m")
    try cluster.run(table, in: "latin")
    try cluster.run(
        "CREATE FUNCTION forget() RETURNS int LANGUAGE plpgsql AS "
            + "$$BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 1; END$$", in: "m")
    return cluster
}

struct PostgreSQLServerTests {
    private let connection: String

    init() throws { connection = try cluster.get().connection }

    private func server(
        _ queries: String..., database: String = "m", timeout: Duration = .seconds(20)
    ) throws -> PostgreSQLServer {
        let server = try PostgreSQLServer("\(connection) dbname=\(database)", timeout: timeout)
        for query in queries { _ = try server.add(Array(query.utf8)) }
        return server
    }

    private func row(
        _ server: PostgreSQLServer, _ local: String, _ query: Int = 0,
        within limit: Duration = .seconds(20)
    ) throws -> SQLRow? {
        let address = SQLAddress(local: Array(local.utf8), domain: Array("x.test".utf8))
        return try server.row(query, for: address, deadline: .after(limit))
    }

    private static let byAddress = "SELECT n FROM u WHERE a = :address"

    @Test func `of very many rows the first counts, and the next question has its answer`() throws {
        let server = try server(
            "SELECT g, repeat('x', 300) FROM generate_series(7, 500000) g", Self.byAddress)
        #expect(
            try row(server, "bob")?.columns.first?.value == .number(Array("7".utf8), isZero: false))
        #expect(try row(server, "bob", 1) != nil)
    }

    @Test func `a row has its types`() throws {
        let server = try server("SELECT n, q, b, t, a, count(*) OVER () FROM u WHERE a = :address")
        #expect(
            try row(server, "bob")?.columns.map(\.value) == [
                .number(Array("5".utf8), isZero: false), .number(Array("0.00".utf8), isZero: true),
                .number(Array("f".utf8), isZero: true), .null, .text(Array("bob@x.test".utf8)),
                .number(Array("1".utf8), isZero: false),
            ])
        #expect(try row(server, "nobody") == nil)
    }

    @Test(
        arguments: [
            "SELECT 1 FROM u WHERE a = $3", "SELECT 1 FROM u WHERE a = :local || '@' || :domain",
            "SELECT 1 FROM u WHERE a = lower(:address) AND :domain::text <> ':local'",
            "SELECT 1 FROM u WHERE a = any(string_to_array(:address, ' '))",
        ])
    func `parameters have names and numbers`(query: String) throws {
        let server = try server(query)
        #expect(try row(server, "bob") != nil)
        #expect(try row(server, "eve") == nil)
    }

    @Test(arguments: [
        "' OR 1=1 --", "bob@x.test' --", "'; DROP TABLE u; --", "%", "\\", "$1", "\u{1}",
    ])
    func `a local-part is never SQL`(local: String) throws {
        let server = try server(Self.byAddress)
        #expect(try row(server, local) == nil)
        #expect(try row(server, "bob") != nil)
    }

    @Test func `what the database's encoding does not have is in no row of it`() throws {
        let utf8 = try server(Self.byAddress)
        #expect(try row(utf8, "jürgen") != nil)
        let broken = SQLAddress(local: [0x62, 0xFF, 0xC0], domain: Array("x.test".utf8))
        #expect(try utf8.row(0, for: broken, deadline: .after(.seconds(20))) == nil)
        let latin = try server(Self.byAddress, database: "latin")
        #expect(try row(latin, "jürgen") != nil)
        #expect(try row(latin, "βob") == nil)
        #expect(try row(latin, "bob") != nil)
    }

    @Test func `NUL ends no address early`() throws {
        let server = try server("SELECT :address::text")
        let address = SQLAddress(local: Array("bob\0".utf8), domain: Array("x.test".utf8))
        let row = try? server.row(0, for: address, deadline: .after(.seconds(20)))
        #expect(row?.columns.first?.value != .text(Array("bob".utf8)))
    }

    @Test func `several queries share a connection, each prepared once`() throws {
        let server = try server(
            "SELECT pg_backend_pid()",
            "SELECT count(*) FROM pg_prepared_statements WHERE '' <> :local")
        let first = try row(server, "a")
        #expect(first != nil)
        for _ in 0..<3 {
            #expect(try row(server, "a") == first)
            #expect(try row(server, "a", 1)?.columns.first?.value == .number([0x32], isZero: false))
        }
    }

    @Test(arguments: ["SELEC 1", "SELECT 1 FROM nothing", "SELECT nothing FROM u"])
    func `bad SQL is no answer, and does not harm the connection`(query: String) throws {
        let server = try server(query, Self.byAddress)
        for _ in 0..<2 {
            do {
                _ = try row(server, "bob")
                Issue.record("an answer")
            } catch SQLError.invalid {}
            #expect(try row(server, "bob", 1) != nil)
        }
    }

    @Test func `nothing can be changed`() throws {
        let server = try server("INSERT INTO u(a) VALUES(:address) RETURNING 1", Self.byAddress)
        #expect(throws: SQLError.self) { try row(server, "new") }
        #expect(try row(server, "new", 1) == nil)
    }

    @Test(arguments: ["COPY u TO STDOUT", "LISTEN x"])
    func `what is no query is no answer`(query: String) throws {
        let server = try server(query, Self.byAddress)
        #expect(throws: SQLError.self) { try row(server, "bob") }
        #expect(try row(server, "bob", 1) != nil)
    }

    @Test func `a slow query ends at the deadline, and the server ends it too`() throws {
        let slow = try server(
            "SELECT pg_sleep(60)", Self.byAddress, timeout: .milliseconds(100))
        do {
            _ = try row(slow, "bob", within: .milliseconds(100))
            Issue.record("an answer")
        } catch SQLError.timedOut {}
        #expect(try row(slow, "bob", 1) != nil)
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
        let isOver = try eventually {
            try cluster.get().run(sleeping, in: "m") == "0\n"
        }
        #expect(isOver)
    }

    @Test func `a connection that was ended meanwhile is made anew, and the query prepared again`()
        throws
    {
        let server = try server("SELECT pg_backend_pid()", Self.byAddress)
        for _ in 0..<3 {
            let pid = try #require(try row(server, "bob")?.columns.first?.value.bytes)
            #expect(try row(server, "bob", 1) != nil)
            try cluster.get().run(
                "SELECT pg_terminate_backend(\(String(decoding: pid, as: UTF8.self)), 9999)")
            #expect(try row(server, "bob", 1) != nil)
        }
    }

    @Test func `a query that the server has forgotten is prepared again`() throws {
        let server = try server("SELECT forget()", Self.byAddress)
        #expect(try row(server, "bob", 1) != nil)
        #expect(try row(server, "bob") != nil)
        #expect(try row(server, "bob", 1) != nil)
    }

    @Test(arguments: ["nothing", "host", "dbname='x", "bad=option", "postgresql://[::1/x"])
    func `what is no connection string is refused`(text: String) {
        #expect(throws: SQLError.self) { try PostgreSQLServer(text, timeout: .seconds(1)) }
    }

    @Test func `a label says where it is, and no password`() throws {
        let server = try PostgreSQLServer(
            "postgresql://me:secret@db.test:5433/m?sslmode=require", timeout: .seconds(1))
        #expect(server.label == "dbname=m host=db.test port=5433")
    }

    @Test func `a refused login is no answer`() throws {
        let server = try PostgreSQLServer("\(connection) dbname=none", timeout: .seconds(20))
        _ = try server.add(Array("SELECT 1".utf8))
        #expect(throws: SQLError.self) { try row(server, "bob") }
    }
}
