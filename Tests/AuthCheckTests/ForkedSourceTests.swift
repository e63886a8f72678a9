// Tests of what a conversation in a process of its own does to the connections of its worker.
// SPDX-License-Identifier: MIT

import AuthProtocol
import TestSupport
import Testing

@Suite struct ForkedSourceTests {
    private static let anna = AuthReply.accepted(user: Array("anna".utf8), final: nil)

    /// A login in the worker, one in a process that was forked from it, and one in the worker again.
    private func logIn(_ check: TestAuthCheck, between: () throws -> Void) throws {
        #expect(try TestDialogue(check, "PLAIN", "\0anna\0pencil").answer() == Self.anna)
        try between()
        let login = try TestDialogue(check, "LOGIN", nil)
        _ = try login.answer()
        #expect(try login.say("anna") == .challenge(Array("Password:".utf8)))
        #expect(try login.say("pencil") == Self.anna)
        try between()
        #expect(try TestDialogue(check, "PLAIN", "\0anna\0pencil").answer() == Self.anna)
        #expect(try TestDialogue(check, "PLAIN", "\0anna\0pen").answer() != Self.anna)
    }

    @Test func `a worker keeps its connection to PostgreSQL, and its conversation has another`()
        throws
    {
        let cluster = try PostgreSQLCluster()
        try cluster.run("CREATE DATABASE m")
        try cluster.run(
            "CREATE TABLE users AS SELECT 'anna' AS login, '{PLAIN}pencil' AS password", in: "m")
        let check = try TestAuthCheck(
            auth: "postgresql timeout=20s '\(cluster.connection) dbname=m' "
                + "SELECT password FROM users WHERE login = :address",
            options: ["--workers", "1"])
        var servers: [String] = []
        try logIn(check) {
            // That of the conversation may not have ended yet.
            servers.append(
                try cluster.run(
                    "SELECT min(pid) FROM pg_stat_activity WHERE application_name = 'chainmail'"))
        }
        #expect(servers.count == 2 && servers[0] == servers[1] && servers[0] != "\n")
    }

    @Test func `a worker and its conversation read SQLite each for itself`() throws {
        let folder = try TestFolder()
        let program =
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2])"
        let table = "CREATE TABLE users AS SELECT 'anna' AS login, '{PLAIN}pencil' AS password;"
        let made = try Tool("/usr/bin/python3", ["-c", program, folder.file("db"), table]).run()
        #expect(made.code == 0, "\(made.errors)")
        let check = try TestAuthCheck(
            auth: "sqlite \(folder.file("db")) SELECT password FROM users WHERE login = :address",
            options: ["--workers", "1"])
        try logIn(check) {}
    }
}
