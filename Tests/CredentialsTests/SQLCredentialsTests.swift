import Credentials
import Glibc
import MailModel
import Passwords
import TestSupport
import Testing
import UnixIO

/// Tables of users in SQLite and PostgreSQL.
@Suite struct SQLCredentialsTests {
    private let place: Installation

    init() throws { place = try Installation() }

    private static let query =
        "SELECT password, name FROM users WHERE login = :address AND active"

    /// Users of all kinds.
    private static func table() throws -> String {
        let hash = try CryptHash.make(of: Array("geheim".utf8), .sha512, cost: 1000).printable
        let rows = [
            "('anna@x.test', '\(hash)', NULL, true)",
            "('bert', '{CRYPT}\(hash)', 'bert@y.test', true)",
            "('carl', '{PLAIN}geheim', '', true)", "('dora', NULL, NULL, true)",
            "('emil', '', NULL, true)", "('off', '\(hash)', NULL, false)",
            "('bad', '{NTLM}x', NULL, true)", "('o''hara', '\(hash)', NULL, true)",
        ]
        return "CREATE TABLE users(login text, password text, name text, active bool);"
            + "INSERT INTO users VALUES \(rows.joined(separator: ", "))"
    }

    private static let answers = [
        ("anna@x.test", "yes anna@x.test"), ("ANNA@X.test", "yes anna@x.test"),
        ("bert", "yes bert@y.test"), ("carl", "yes carl"), ("dora", "no"), ("emil", "no"),
        ("off", "no"), ("bad", "unavailable"), ("o'hara", "yes o'hara"), ("nobody", "no"),
        ("' OR '1'='1", "no"), ("\u{FFFD}", "no"),
    ]

    private func check(_ sources: CredentialSources) {
        for (login, word) in Self.answers {
            #expect(sources.word(login, "geheim") == word, "\(login)")
            #expect(sources.word(login, "falsch") == (word == "unavailable" ? word : "no"))
        }
        #expect(sources.verify([0x61, 0xFF], Array("geheim".utf8)).word == "no")
        #expect(sources.scram("carl") == "carl" && sources.scram("bert") == "refused")
        #expect(sources.scram("off") == "unknown")
    }

    private func run(_ statements: String, in database: String) throws {
        let program =
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.executescript(sys.argv[2]); c.commit()"
        let result = try Tool("/usr/bin/python3", ["-c", program, database, statements]).run()
        #expect(result.code == 0, "\(result.errors)")
    }

    @Test func `users of SQLite log in, and a change counts at once`() throws {
        let database = place.folder.file("users.db")
        try run(Self.table(), in: database)
        try place.write(auth: "sqlite clear=yes \(database) \(Self.query)\n")
        let sources = try place.sources()
        #expect(sources.abilities == [.verify, .clearText, .scram, .cramMD5])
        check(sources)
        try run("UPDATE users SET password = '{PLAIN}neu' WHERE login = 'bert'", in: database)
        #expect(sources.word("bert", "neu") == "yes bert@y.test")
        #expect(sources.word("bert", "geheim") == "no")
        rename(database, "\(database).away")
        #expect(sources.word("bert", "neu") == "unavailable")
        #expect(sources.word("nobody", "neu") == "unavailable")
        rename("\(database).away", database)
        #expect(sources.word("bert", "neu") == "yes bert@y.test")
    }

    @Test func `a bad query of SQLite is refused with its line`() throws {
        let database = place.folder.file("users.db")
        try run(Self.table(), in: database)
        for (query, words) in [
            ("SELECT absent FROM users", "no such column"), ("DELETE FROM users", "only reads"),
            ("SELECT 1; SELECT 2", "more than one statement"),
            ("SELECT password FROM users WHERE login = :login", "no parameter :login"),
        ] {
            try place.write(auth: "sqlite \(database) \(query)\n")
            #expect(place.complaint().contains("auth:1: "), "\(place.complaint())")
            #expect(place.complaint().contains(words), "\(place.complaint())")
        }
    }

    @Test func `users of PostgreSQL log in, and a server that is away is unavailable`() throws {
        let cluster = try PostgreSQLCluster()
        try cluster.run("CREATE DATABASE m")
        try cluster.run(Self.table(), in: "m")
        try place.write(
            auth:
                "postgresql timeout=20s clear=yes '\(cluster.connection) dbname=m' \(Self.query)\n")
        let sources = try place.sources()
        check(sources)
        try cluster.end(SIGINT)
        #expect(sources.word("bert", "geheim") == "unavailable")
        #expect(sources.word("nobody", "geheim") == "unavailable")
        #expect(sources.scram("carl") == "unavailable")
        // It need not be there at start.
        _ = try place.sources()
        try cluster.start()
        #expect(eventually { sources.word("bert", "geheim") == "yes bert@y.test" })
    }
}
