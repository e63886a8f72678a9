// SPDX-License-Identifier: MIT

import Control
import MailModel
import Recipients
import SQL
import TestSupport
import Testing
import UnixIO

@testable import RecipientValidation

/// A database that answers from a table: query number and address to a row.
private final class Table: SQLDatabase {
    var rows: [String: SQLRow] = [:]
    var error: SQLError?
    private(set) var asked: [String] = []

    func row(
        _ query: Int, for address: SQLAddress, deadline: Deadline
    ) throws(SQLError) -> SQLRow? {
        let key = "\(query) \(String(decoding: address.address, as: UTF8.self))"
        asked.append(key)
        if let error { throw error }
        return rows[key]
    }
}

struct SQLSourceTests {
    private let folder: TestFolder
    private let table = Table()

    init() throws { folder = try TestFolder() }

    private func source(
        _ text: String, extensions: String = "", quota: Bool = true
    ) throws -> SQLSource {
        let kinds = [
            SourceKind("sql", form: "sql:X") { spec, _ throws(ControlError) in
                throw spec.invalid("")
            }
        ]
        let parameters = try SourceParameters(
            SourceSpec("sql:x?\(text)", kinds: kinds), names: SQLSource.parameters, last: "query")
        let settings = SourceSettings(
            Root(folder.path), separators: Array(extensions.utf8), examinesQuota: quota)
        var count = 0
        return try SQLSource("sql:x", table, parameters, settings, timeout: .seconds(1)) {
            _ throws(SQLError) in
            count += 1
            return count
        }
    }

    private func find(_ address: String, in source: SQLSource) throws -> Presence {
        var source = source
        return try source.find(Mailbox(Array(address.utf8)))
    }

    private func row(_ name: String, _ value: SQLValue) -> SQLRow { SQLRow([(name, value)]) }

    private static func text(_ text: String) -> SQLValue { .text(Array(text.utf8)) }

    private static let rows: [(name: String, value: SQLValue, presence: Presence)] = [
        ("x", .number([0x31], isZero: false), .exists(.elsewhere)),
        ("x", text("/var/mail/bob"), .exists(.elsewhere)),
        // A text is no number, and no status: a mailbox may be called so.
        ("x", text("0"), .exists(.elsewhere)), ("x", text("missing"), .exists(.elsewhere)),
        ("x", text(""), .exists(.elsewhere)),
        ("x", .null, .noSuchMailbox), ("x", .number([0x30], isZero: true), .noSuchMailbox),
        ("status", text("ok"), .exists(.elsewhere)), ("STATUS", text("ok"), .exists(.elsewhere)),
        ("status", text("missing"), .noSuchMailbox), ("status", text("disabled"), .refused),
        ("status", text("over-quota"), .overQuota(.elsewhere)),
        ("status", text("unknown-domain"), .unknownDomain),
    ]

    @Test(arguments: rows)
    func `a row means`(name: String, value: SQLValue, presence: Presence) throws {
        table.rows["1 bob@x.test"] = row(name, value)
        #expect(try find("Bob@X.test", in: source("query=q")) == presence)
        #expect(try find("eve@x.test", in: source("query=q")) == .noSuchMailbox)
    }

    @Test(arguments: [.null, text("OK"), text(""), text("okay"), .number([0x31], isZero: false)])
    func `a status that is none is no answer`(value: SQLValue) throws {
        table.rows["1 bob@x.test"] = row("status", value)
        #expect(throws: SourceError.self) { try find("bob@x.test", in: source("query=q")) }
    }

    @Test func `quotas are looked at when that is wanted`() throws {
        table.rows["1 bob@x.test"] = row("status", Self.text("over-quota"))
        let presence = try find("bob@x.test", in: source("query=q", quota: false))
        #expect(presence == .exists(.elsewhere))
    }

    @Test func `a query says which domains are the source's`() throws {
        let source = try source("domains=d&query=q")
        table.rows["1 bob@x.test"] = row("x", .number([0x31], isZero: false))
        table.rows["2 bob@x.test"] = row("x", .number([0x31], isZero: false))
        table.rows["2 bob@y.test"] = row("x", .null)
        #expect(try find("bob@x.test", in: source) == .exists(.elsewhere))
        #expect(try find("bob@y.test", in: source) == .unknownDomain)
        #expect(try find("bob@z.test", in: source) == .unknownDomain)
        #expect(try find("bob", in: source) == .unknownDomain)
    }

    @Test func `else the control files do, and without any all are`() throws {
        #expect(try find("eve@any.test", in: source("query=q")) == .noSuchMailbox)
        try folder.write("etc/control/me", "us.test\n")
        try folder.write("etc/control/rcpthosts", "x.test\n.y.test\n")
        let source = try source("query=q")
        #expect(try find("eve@x.test", in: source) == .noSuchMailbox)
        #expect(try find("eve@a.y.test", in: source) == .noSuchMailbox)
        #expect(try find("eve@any.test", in: source) == .unknownDomain)
        #expect(table.asked.count == 3)
    }

    @Test func `an error is no answer`() throws {
        for error in [SQLError.invalid("x"), .unavailable("x"), .timedOut("x")] {
            table.error = error
            #expect(throws: SourceError.self) { try find("bob@x.test", in: source("query=q")) }
            #expect(throws: SourceError.self) {
                try find("bob@x.test", in: source("domains=d&query=q"))
            }
        }
    }

    @Test func `an extension is tried without itself`() throws {
        let source = try source("query=q", extensions: "-+")
        table.rows["1 bob@x.test"] = row("x", .number([0x31], isZero: false))
        #expect(try find("bob-a+b@x.test", in: source) == .exists(.elsewhere))
        #expect(table.asked == ["1 bob-a+b@x.test", "1 bob-a@x.test", "1 bob@x.test"])
        #expect(try find("eve-a@x.test", in: source) == .noSuchMailbox)
    }

    @Test func `what is no UTF-8 is not asked for`() throws {
        var source = try source("domains=d&query=q")
        table.rows["2 @x.test"] = row("x", .number([0x31], isZero: false))
        let local = try Mailbox([0x62, 0xFF] + Array("@x.test".utf8))
        #expect(try source.find(local) == .noSuchMailbox)
        #expect(table.asked == ["2 @x.test"])
        let domain = try Mailbox(Array("bob@x".utf8) + [0xFF])
        #expect(try source.find(domain) == .unknownDomain)
        #expect(table.asked.count == 1)
    }

    @Test func `a query is needed`() {
        #expect(throws: ControlError.self) { try source("domains=d") }
    }
}
