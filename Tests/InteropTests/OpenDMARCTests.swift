// milter-filter and opendmarc, alone and behind opendkim.
// opendmarc(8).
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct OpenDMARCTests {
    private static let shared = Result { try OpenDMARC() }
    private let dmarc: OpenDMARC

    init() throws { dmarc = try OpenDMARCTests.shared.get() }

    private func header(from domain: String) -> String {
        """
        From: a@\(domain)
        To: b@y.test
        Date: Fri, 27 Nov 2026 00:00:00 +0000
        Message-ID: <1@\(domain)>
        Subject: hi

        """
    }

    private func pass(
        _ message: String, from domain: String, client: String = "192.0.2.9"
    ) throws -> ToolResult {
        var tool = try Tool(
            "milter-filter",
            [
                "unix:\(dmarc.socket)", "--client-ip", client, "--helo", "mail.\(domain)",
                "--sender", "a@\(domain)", "--recipient", "b@y.test",
            ])
        tool.message = Array(message.utf8)
        return try tool.run()
    }

    /// What a message brings along, the client, what must come of it and what is said then.
    private static let cases:
        [(domain: String, results: String, client: String, code: Int32, text: String)] = [
            ("x.test", "", "192.0.2.9", 31, "550 5.7.1 rejected by DMARC policy for x.test"),
            ("x.test", "", "192.0.2.1", 0, "dmarc=pass (p=reject dis=none)"),
            ("x.test", "dkim=pass header.d=x.test", "192.0.2.9", 0, "dmarc=pass"),
            ("x.test", "dkim=pass header.d=z.example", "192.0.2.9", 31, "550 5.7.1 rejected"),
            ("q.test", "", "192.0.2.9", 71, "451 4.7.0 the message waits"),
            ("n.test", "", "192.0.2.9", 0, "dmarc=fail (p=none dis=none)"),
            ("none.test", "", "192.0.2.9", 0, "dmarc=none"),
        ]

    @Test(arguments: cases)
    func `a message gets the verdict of its domain's policy`(
        _ domain: String, _ results: String, _ client: String, _ code: Int32, _ text: String
    ) throws {
        let field = results.isEmpty ? "" : "Authentication-Results: mx.y.test; \(results)\n"
        let message = field + header(from: domain) + "\nhello\n"
        let result = try pass(message, from: domain, client: client)
        #expect(result.code == code, "\(result.errors)")
        #expect((result.text + result.errors).contains(text), "\(result.text)\(result.errors)")
        if code == 0 { #expect(result.text.hasSuffix(message)) }
    }

    @Test func `a message without what RFC 5322 requires is refused`() throws {
        let result = try pass("Subject: x\n\nhello\n", from: "n.test")
        #expect(result.code == 31)
        #expect(result.errors.contains("550 5.7.1"))
    }

    @Test func `what opendkim found is what opendmarc goes by`() throws {
        let dkim = try OpenDKIM()
        func judge(_ message: [UInt8], _ socket: String, _ client: String) throws -> ToolResult {
            var tool = try Tool(
                "milter-filter",
                [
                    "unix:\(socket)", "--client-ip", client, "--sender", "a@x.test",
                    "--recipient", "b@y.test",
                ])
            tool.message = message
            return try tool.run()
        }
        let message = Array((header(from: "x.test") + "\nhello\n").utf8)
        let signed = try judge(message, dkim.socket, "192.0.2.1").output
        let verified = try judge(signed, dkim.socket, "192.0.2.9")
        let passed = try judge(verified.output, dmarc.socket, "192.0.2.9")
        #expect(passed.code == 0, "\(passed.errors)")
        #expect(passed.text.contains("dmarc=pass"))

        var broken = signed
        broken[broken.count - 2] = 0x21
        let failed = try judge(broken, dkim.socket, "192.0.2.9")
        #expect(failed.text.contains("dkim=fail"))
        let refused = try judge(failed.output, dmarc.socket, "192.0.2.9")
        #expect(refused.code == 31, "\(refused.errors)")
    }
}
