// Tests of the trace field. RFC 7208, section 9.1.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SenderPolicy

struct ReceivedSPFTests {
    private func field(
        _ result: SPFResult, sender: String, client: String = "192.0.2.1", helo: String = "h.test",
        mechanism: String? = nil, problem: String? = nil
    ) throws -> String {
        let question = SPFQuestion(
            client: try #require(IPAddress(client)), helo: Array(helo.utf8),
            reversePath: try ReversePath(sender.utf8), identity: .mailfrom)
        let finding = SPFFinding(
            question: try #require(question), result: result, mechanism: mechanism,
            explanation: nil,
            problem: problem, lookups: 0, voidLookups: 0, queries: [], remembered: 0)
        let field = try #require(finding.field(receiver: Array("mx.test".utf8)))
        return String(decoding: field.bytes, as: UTF8.self)
    }

    @Test func `a pass with every key`() throws {
        #expect(
            try field(.pass, sender: "me@a.test", mechanism: "ip4:192.0.2.0/24") == """
                Received-SPF: pass (mx.test: domain of a.test designates 192.0.2.1 as permitted sender)
                \treceiver=mx.test;
                \tclient-ip=192.0.2.1;
                \tenvelope-from="me@a.test";
                \thelo=h.test;
                \tidentity=mailfrom;
                \tmechanism="ip4:192.0.2.0/24"

                """)
    }

    @Test func `an IPv6 address is quoted, since a colon is no atom text`() throws {
        let text = try field(.none, sender: "me@a.test", client: "2001:db8::1")
        #expect(text.contains("client-ip=\"2001:db8::1\";"))
    }

    @Test func `what a client wrote cannot leave its quotes or its comment`() throws {
        let text = try field(
            .permerror, sender: "a\"b\\c\u{7}@d)(e.test", helo: "x y;z", problem: "bad \"term\"")
        #expect(text.contains("envelope-from=\"a\\\"b\\\\c?@d)(e.test\";"))
        #expect(text.contains("the policy of d\\)\\(e.test cannot be understood)"))
        #expect(text.contains("helo=\"x y;z\";"))
        #expect(text.contains("problem=\"bad \\\"term\\\"\"\n"))
    }

    @Test func `no line is longer than RFC 5322 allows`() throws {
        let long = String(repeating: "\"", count: 990) + "@a.test"
        let text = try field(.fail, sender: long, problem: String(repeating: "(", count: 5000))
        #expect(text.split(separator: "\n").allSatisfy { $0.utf8.count <= 998 })
    }
}
