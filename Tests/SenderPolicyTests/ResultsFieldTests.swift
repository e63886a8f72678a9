// Tests of Authentication-Results: the field that is written, and the ones that claim to be ours.
// RFC 8601.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SenderPolicy

struct ResultsFieldTests {
    private func field(
        _ result: SPFResult, _ sender: String = "me@a.test", problem: String? = nil,
        identifier: String = "mx.test", isOfHelo: Bool = false, isLocal: Bool = false
    ) throws -> String {
        let question = SPFQuestion(
            client: try #require(IPAddress("192.0.2.1")), helo: Array("helo.test".utf8),
            reversePath: try ReversePath(sender.utf8), identity: .mailfrom)
        let finding = SPFFinding(
            question: try #require(question), result: result, mechanism: nil, explanation: nil,
            problem: problem, lookups: 0, voidLookups: 0, queries: [], remembered: 0,
            isLocal: isLocal)
        let field = finding.results(identifier: Array(identifier.utf8), isOfHelo: isOfHelo)
        return String(decoding: try #require(field).bytes, as: UTF8.self)
    }

    @Test func `the result and the domain it is about`() throws {
        #expect(
            try field(.pass)
                == "Authentication-Results: mx.test;\n\tspf=pass\n\tsmtp.mailfrom=a.test\n")
        #expect(
            try field(.fail, "", isOfHelo: true)
                == "Authentication-Results: mx.test;\n\tspf=fail\n\tsmtp.helo=helo.test\n")
        #expect(
            try field(.pass, isLocal: true)
                == "Authentication-Results: mx.test;\n\tspf=pass (local policy)\n\tsmtp.mailfrom=a.test\n"
        )
    }

    @Test func `what is no token is quoted, on one line of ASCII`() throws {
        #expect(
            try field(
                .permerror, "me@a;x\u{1}\u{E9}.test", problem: "a \"b\" \\ \n c", identifier: "m x")
                == "Authentication-Results: \"m x\";\n\tspf=permerror\n\treason=\"a \\\"b\\\" \\\\ ? c\""
                + "\n\tsmtp.mailfrom=\"a;x???.test\"\n")
    }

    @Test(arguments: [
        ("mx.test; spf=pass", true), ("MX.Test;spf=pass", true), ("mx.test 1; none", true),
        (" (a (b) \\) c) mx.test (d); x", true), ("\"mx.test\"; x", true),
        ("\"mx\\.test\"; x", true), ("mx.test(c); x", true), ("mx.test", true),
        ("mx.test.x; y", false),
        ("other.test; spf=pass (mx.test; )", false), ("(mx.test; ) other.test; x", false),
        ("", false), ("(mx.test", false), ("\"mx.test", true), ("\\", false), ("(\\", false),
    ])
    func `a field is ours when it says so first`(body: String, isOurs: Bool) {
        let claims = AuthenticationResults.claims(
            Array(body.utf8), identifier: Array("mx.test".utf8))
        #expect(claims == isOurs)
    }
}
