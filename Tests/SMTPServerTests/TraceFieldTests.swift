// Tests of TraceField.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPServer

@Suite struct TraceFieldTests {
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
        #expect(field.hasPrefix("Received: from unknown (evil?X:?y [unknown])\n\tby "))
    }

    @Test func `names that a proxy passes on stay one word and one comment`() throws {
        var facts = Facts()
        facts[.helo] = Array("a (b [192.0.2.1]); by c\t\"\\é".utf8)
        facts[.clientName] = Array("d) (e <f@g>".utf8)
        facts[.clientIP] = Array("192.0.2.7".utf8)
        let first = try trace(facts, to: []).prefix { $0 != "\n" }
        #expect(
            first == "Received: from a??b?[192.0.2.1]???by?c????? (d???e??f?g? [192.0.2.7])")
        // What a client may say of itself stays as it is.
        for name in ["[IPv6:2001:db8::1]", "[192.0.2.1]", "a_b-c.test."] {
            facts[.helo] = Array(name.utf8)
            #expect(try trace(facts, to: []).hasPrefix("Received: from \(name) ("))
        }
    }
}
