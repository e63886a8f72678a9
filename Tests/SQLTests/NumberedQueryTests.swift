// SPDX-License-Identifier: MIT

import SQL
import Testing

struct NumberedQueryTests {
    private static let good: [(query: String, text: String, parameters: [SQLParameter])] = [
        ("SELECT 1 WHERE a = :address", "SELECT 1 WHERE a = $1", [.address]),
        ("SELECT :domain, :local, :domain", "SELECT $1, $2, $1", [.domain, .local]),
        ("SELECT $3, $1x", "SELECT $1, $2 x", [.address, .local]),
        (" SELECT 1 ; ", "SELECT 1 ", []),
        // What is PostgreSQL's own stays.
        (
            "SELECT x::text, a[1:2], a[:n1]".replacing("[:n1]", with: "[1 : 2]"),
            "SELECT x::text, a[1:2], a[1 : 2]", []
        ),
        ("SELECT ':local', \":local\"", "SELECT ':local', \":local\"", []),
        ("SELECT 'it''s :local' || :local", "SELECT 'it''s :local' || $1", [.local]),
        ("SELECT E'it\\'s :local' || :local", "SELECT E'it\\'s :local' || $1", [.local]),
        // In a plain string a backslash is nothing special.
        ("SELECT 'a\\' || :local", "SELECT 'a\\' || $1", [.local]),
        ("SELECT type'a\\' || :local", "SELECT type'a\\' || $1", [.local]),
        (
            "SELECT $$:local$$ || $x$ :local $$ $x$, :local",
            "SELECT $$:local$$ || $x$ :local $$ $x$, $1",
            [.local]
        ),
        ("SELECT 1 -- :local; \n, :local", "SELECT 1 -- :local; \n, $1", [.local]),
        ("SELECT /* :local /* ; */ ' */ :local", "SELECT /* :local /* ; */ ' */ $1", [.local]),
        ("SELECT a$1b, :local", "SELECT a$1b, $1", [.local]),
        ("SELECT 5 % 2, a ? 'b', c & 16 = 0", "SELECT 5 % 2, a ? 'b', c & 16 = 0", []),
    ]

    @Test(arguments: good)
    func `names become numbers`(
        row: (query: String, text: String, parameters: [SQLParameter])
    ) throws {
        let query = try NumberedQuery(Array(row.query.utf8))
        #expect(String(decoding: query.text, as: UTF8.self) == row.text)
        #expect(query.parameters == row.parameters)
    }

    @Test(
        arguments: [
            "", " ; ", "SELECT :adress", "SELECT :localx", "SELECT $4", "SELECT $0",
            "SELECT $99999999999999999999", "SELECT 'x", "SELECT \"x", "SELECT $$x",
            "SELECT $a$x$b$",
            "SELECT /* x", "SELECT /* /* */ x", "SELECT E'\\'", "SELECT 1; SELECT 2",
            "SELECT 1;;", "SELECT \0",
        ])
    func `what cannot be right is refused`(text: String) {
        #expect(throws: SQLError.self) { try NumberedQuery(Array(text.utf8)) }
    }
}
