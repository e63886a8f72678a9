// Tests of HeaderScan and TraceField.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPServer

@Suite struct HeaderScanTests {
    private func scan(_ text: String, by count: Int = .max) -> HeaderScan {
        var scan = HeaderScan(name: Array("mx.example.test".utf8))
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            scan.take(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        scan.finish()
        return scan
    }

    private static let rows: [(String, Int, [String], String)] = [
        ("", 0, [], "nothing"),
        ("\nReceived: x\n", 0, [], "a body is no header"),
        ("Received: a\nreceived : b\nX: c\nDelivered-To: d\n\n", 3, [], "hops"),
        ("Received: a\n Received: b\n\n", 1, [], "a continuation is no field"),
        ("Received\nX: y", 0, [], "no colon"),
        (
            "Authentication-Results: mx.example.test; spf=pass\n\n", 0,
            ["authentication-results"], "our id"
        ),
        (
            "authentication-results:\n (x)\n\tMX.Example.Test 1; spf=pass\n\n", 0,
            ["authentication-results"], "our id after folds and comments"
        ),
        ("Authentication-Results: \"mx.example.test\"\n", 0, ["authentication-results"], "quoted"),
        ("Authentication-Results: other; x=mx.example.test\n\n", 0, [], "another's id"),
        (
            "X-Chainmail-A: 1\nx-chainmail-a : 2\nX-Chainmail-B: 3\n\n", 0,
            ["x-chainmail-a", "x-chainmail-b"], "our own fields"
        ),
        ("X-Chainmail: 1\n\n", 0, [], "not ours"),
    ]

    @Test(arguments: rows)
    func `hops and forged fields are found however the header arrives`(
        _ text: String, _ hops: Int, _ removed: [String], _ why: String
    ) {
        for count in [1, 2, 3, 1000] {
            let scan = scan(text, by: count)
            #expect(scan.hops == hops)
            #expect(scan.removals == removed.map { .remove(name: Array($0.utf8)) })
        }
    }

    @Test func `a line of any length is one line`() {
        let long = String(repeating: "x", count: 100_000)
        #expect(scan("X: \(long)\nReceived: \(long)\n\(long)\n", by: 4096).hops == 1)
    }

    private func trace(_ facts: Facts, to recipients: [String]) throws -> String {
        let trace = TraceField(
            facts: facts, name: "mx.example.test",
            id: SessionID(microseconds: 0, random: 0).message(7),
            recipients: try recipients.map { try Mailbox(Array($0.utf8)) }, time: 0)
        return String(decoding: try #require(trace.field).bytes, as: UTF8.self)
    }

    @Test func `a trace field names client, id and a single recipient`() throws {
        var facts = Facts()
        facts[.helo] = Array("c.test".utf8)
        facts[.clientIP] = Array("2001:db8::1".utf8)
        facts[.protocolName] = Array("ESMTP".utf8)
        #expect(
            try trace(facts, to: ["alice@example.test"]) == """
                Received: from c.test (unknown [IPv6:2001:db8::1])
                \tby mx.example.test with ESMTP id 000000000000000000000-7
                \tfor <alice@example.test>;
                \t1 Jan 1970 00:00:00 -0000

                """)
        #expect(try !trace(facts, to: ["a@b", "c@d"]).contains("for "))
    }

    @Test func `a client's name from the environment cannot break the field`() throws {
        var facts = Facts()
        facts[.clientName] = Array("evil\nX: y".utf8)
        let field = try trace(facts, to: [])
        #expect(field.hasPrefix("Received: from unknown (evil?X: y [unknown])\n\tby "))
    }
}
