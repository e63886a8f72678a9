// spam-check and a spamd of somebody else: SpamAssassin's.
// spam-check(8).
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct SpamAssassinTests {
    static let gtube =
        "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n"

    static func message(_ subject: String, _ body: String, received: String = "") -> String {
        received + """
            From: Alice <alice@x.test>
            To: bob@us.test
            Subject: \(subject)
            Date: Fri, 27 Nov 2026 10:00:00 +0000
            Message-ID: <1@x.test>

            Hello Bob, shall we meet for lunch at the usual place tomorrow?
            \(body)
            """
    }

    private func check(
        _ options: [String], _ message: String, recipients: [String] = ["bob@us.test"],
        facts: [String] = [
            "--client-ip", "192.0.2.77", "--client-name", "c.test", "--helo", "h.test",
        ]
    ) throws -> ToolResult {
        var tool = try Tool(
            "spam-check",
            ["--spamd", try SpamAssassin.shared.get().socket, "--sender", "alice@x.test"] + facts
                + options + recipients.flatMap { ["--recipient", $0] })
        tool.message = Array(message.utf8)
        return try tool.run()
    }

    @Test func `mail that is none is accepted, and says so`() throws {
        let message = Self.message("lunch", "")
        let result = try check(["--reject", "spam"], message)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.text.contains("X-Spam-Status: No, score="))
        #expect(result.text.contains(" required=5.0\n\ttests="))
        #expect(result.text.hasSuffix(message))
        #expect(!result.text.contains("X-Spam-Flag"))
    }

    private static let verdicts: [(subject: String, body: String, options: [String], code: Int32)] =
        [
            ("spam", gtube, [], 0), ("spam", gtube, ["--reject", "spam"], 31),
            ("spam", gtube, ["--reject", "20", "--discard", "500"], 99),
            ("eight", "", ["--defer", "10", "--reject", "500"], 71),
            ("eight", "", ["--reject", "10", "--discard", "500"], 31),
            ("lunch", "", ["--defer", "10", "--reject", "20"], 0),
        ]

    @Test(arguments: verdicts)
    func `each verdict comes of a score`(
        _ row: (subject: String, body: String, options: [String], code: Int32)
    ) throws {
        let result = try check(row.options, Self.message(row.subject, row.body))
        #expect(result.code == row.code, "\(result.errors)")
        #expect(
            result.text.contains("X-Spam-Flag: YES\n") == (row.subject == "spam" && row.code == 0))
    }

    @Test func `each recipient has settings of its own, and several have those of everybody`()
        throws
    {
        let message = Self.message("lunch", "")
        let options = [
            "--reject", "spam", "--user", "recipient", "--default-user", "everybody",
        ]
        #expect(try check(options, message, recipients: ["strict@us.test"]).code == 31)
        let unknown = try check(options, message, recipients: ["bob@us.test"])
        #expect(unknown.text.contains(" required=5.0\n"))
        let both = try check(options, message, recipients: ["strict@us.test", "bob@us.test"])
        #expect(both.text.contains(" required=900.0\n"))
    }

    /// What puts a Received field on top: nobody, smtp-server, qmail-smtpd.
    private static let traces: [(field: String, facts: [String], reason: String)] = [
        (
            "", ["--client-ip", "192.0.2.77", "--client-name", "c.test", "--helo", "h.test"],
            "one of ours is shown"
        ),
        (
            """
            Received: from c.test (HELO h.test) (192.0.2.77)
              by mx.us.test with SMTP; 27 Nov 2026 02:00:00 -0000

            """, ["--client-ip", "192.0.2.77"], "qmail-smtpd's"
        ),
        (
            """
            Received: from h.test (c.test [192.0.2.77])
            \tby mx.us.test with ESMTPS (TLSv1.3) id 20261127.1
            \tfor <bob@us.test>
            \ttls TLS_AES_256_GCM_SHA384;
            \tFri, 27 Nov 2026 02:00:00 +0000

            """, [], "smtp-server's"
        ),
    ]

    @Test(arguments: traces)
    func `SpamAssassin learns who the client is`(
        _ row: (field: String, facts: [String], reason: String)
    ) throws {
        let message = Self.message("lunch", "", received: row.field)
        let result = try check(["--check", "--explain"], message, facts: row.facts)
        #expect(result.errors.contains("\"OUR_CLIENT\""), "\(row.reason): \(result.errors)")
        #expect(result.errors.contains("\"OUR_ONE_HOP\""), "and it is there once")
    }

    @Test func `a client that is authenticated is relayed, unless it says so itself`() throws {
        let facts = ["--client-ip", "192.0.2.77", "--client-name", "c.test", "--helo", "h.test"]
        let message = Self.message("lunch", "")
        let known = try check(
            ["--check", "--explain"], message, facts: facts + ["--auth-user", "alice"])
        #expect(!known.errors.contains("\"OUR_CLIENT\""), "\(known.errors)")
        let forged = """
            Received: from c.test (c.test [192.0.2.77])
            \tby mx.us.test with ESMTPSA id 1; Fri, 27 Nov 2026 02:00:00 +0000

            """
        let result = try check(["--check", "--explain"], forged + message, facts: facts)
        #expect(result.errors.contains("\"OUR_CLIENT\""), "\(result.errors)")
    }

    @Test func `spam between large images is found`() throws {
        let image = String(
            repeating: String(repeating: "QUJD", count: 19) + "\n", count: 10_000)
        let part = "--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\n\(image)\n"
        let message = Self.message("photos", "").replacing(
            "Subject:",
            with: "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\nSubject:")
        let text = "--b\nContent-Type: text/plain\n\n\(Self.gtube)\n"
        let result = try check(["--reject", "500"], message + part + text + part + "--b--\n")
        #expect(result.code == 31, "\(result.errors)")
        let clean = try check(["--reject", "500"], message + part + part + "--b--\n")
        #expect(clean.code == 0, "\(clean.errors)")
        #expect(clean.text.contains(" part=yes\n"))
    }
}
