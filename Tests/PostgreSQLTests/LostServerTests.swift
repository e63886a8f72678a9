// SPDX-License-Identifier: MIT

import Glibc
import PostgreSQL
import SQL
import TestSupport
import Testing
import UnixIO

/// A server of their own, for the tests that harm it.
struct LostServerTests {
    private let bob = SQLAddress(local: Array("bob".utf8), domain: Array("x.test".utf8))

    /// What a server says, within a time that no good answer takes.
    private func answer(
        _ server: PostgreSQLServer, within limit: Duration = .seconds(20)
    ) throws -> Bool {
        try server.row(0, for: bob, deadline: .after(limit)) != nil
    }

    @Test func `a server that is killed, stopped and started is never a no, and comes back`() throws
    {
        let cluster = try PostgreSQLCluster()
        try cluster.run("CREATE DATABASE m")
        try cluster.run("CREATE TABLE u(a text); INSERT INTO u VALUES('bob@x.test')", in: "m")
        let server = try PostgreSQLServer("\(cluster.connection) dbname=m", timeout: .seconds(20))
        _ = try server.add(Array("SELECT 1 FROM u WHERE a = :address".utf8))
        #expect(try answer(server))

        try cluster.end(SIGKILL)
        #expect(throws: SQLError.self) { try answer(server) }
        // It is left alone for a moment, and then found again.
        #expect(throws: SQLError.self) { try answer(server) }
        try cluster.start()
        #expect(eventually { (try? answer(server)) == true })

        try cluster.signal(SIGSTOP)
        let start = Deadline.after(.seconds(10))
        do {
            _ = try answer(server, within: .milliseconds(200))
            Issue.record("an answer")
        } catch SQLError.timedOut {}
        #expect(throws: SQLError.self) { try answer(server, within: .milliseconds(200)) }
        #expect(!start.hasPassed)
        try cluster.signal(SIGCONT)
        #expect(eventually { (try? answer(server)) == true })

        try cluster.end(SIGINT)
        #expect(throws: SQLError.self) { try answer(server) }
        try cluster.start()
        #expect(eventually { (try? answer(server)) == true })
        try cluster.end(SIGINT)
    }
}
