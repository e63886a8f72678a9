// spam-check and an rspamd of somebody else.
// spam-check(8).
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct RspamdTests {
    private func check(
        _ options: [String], _ message: String, recipients: [String] = ["bob@us.test"]
    ) throws -> ToolResult {
        var tool = try Tool(
            "spam-check",
            options + [
                "--client-ip", "192.0.2.77", "--client-name", "c.test", "--helo", "h.test",
                "--auth-user", "carol", "--sender", "alice@x.test",
            ] + recipients.flatMap { ["--recipient", $0] })
        tool.message = Array(message.utf8)
        return try tool.run()
    }

    private func ask(
        _ options: [String], _ message: String, recipients: [String] = ["bob@us.test"]
    ) throws -> ToolResult {
        let socket = try Rspamd.shared.get().socket
        return try check(["--rspamd", socket] + options, message, recipients: recipients)
    }

    private static let actions: [(subject: String, code: Int32, said: String)] = [
        ("lunch", 0, "X-Spam-Status: No, score=0.0 required=15.0"),
        ("score=5", 0, "X-Spam-Status: No, score=5.0 required=15.0"),
        ("score=7", 0, "X-Spam-Flag: YES\nX-Spam-Status: Yes, score=7.0 required=15.0"),
        ("score=9", 0, "\nSubject: [R] score=9\n"),
        ("score=20", 31, "554 5.7.1 the message is taken for spam"),
        ("action=soft reject", 71, "451 4.7.1 as it was told"),
        ("action=reject", 31, "554 5.7.1 as it was told"),
    ]

    @Test(arguments: actions)
    func `each verdict comes of an action`(
        _ row: (subject: String, code: Int32, said: String)
    ) throws {
        let result = try ask(
            ["--rspamd-fields"], SpamAssassinTests.message(row.subject, ""))
        #expect(result.code == row.code, "\(result.errors)")
        #expect((result.text + result.errors).contains(row.said), "\(result.text)")
    }

    private static let scores: [(subject: String, options: [String], code: Int32)] = [
        ("score=20", ["--tag", "5", "--discard", "18"], 99), ("score=20", ["--tag", "5"], 0),
        ("score=9", ["--defer", "8"], 71), ("score=9", ["--reject", "8"], 31),
        ("action=reject", ["--tag", "5"], 31), ("action=soft reject", ["--tag", "5"], 71),
    ]

    @Test(arguments: scores)
    func `each verdict comes of a score`(
        _ row: (subject: String, options: [String], code: Int32)
    ) throws {
        let result = try ask(row.options, SpamAssassinTests.message(row.subject, ""))
        #expect(result.code == row.code, "\(result.errors)")
    }

    @Test func `the test message of all scanners is refused`() throws {
        let message = SpamAssassinTests.message("spam", SpamAssassinTests.gtube)
        #expect(try ask([], message).code == 31)
        #expect(try ask(["--reject", "15"], message).code == 31)
    }

    @Test func `rspamd learns who sends what to whom`() throws {
        let message = SpamAssassinTests.message("facts", "")
        let facts = "192.0.2.77 h.test c.test carol alice@x.test"
        let one = try ask([], message)
        #expect(one.errors.contains("554 5.7.1 \(facts) bob@us.test one\n"), "\(one.errors)")
        let two = try ask([], message, recipients: ["bob@us.test", "\"a, b\"@us.test"])
        #expect(two.errors.contains("several\n"), "\(two.errors)")
        #expect(two.errors.contains("bob@us.test+"))
        let many = try ask(
            [], SpamAssassinTests.message("lunch", ""),
            recipients: (0..<5000).map { "a.recipient.with.a.number.\($0)@us.test" })
        #expect(many.code == 0, "\(many.errors)")
    }

    @Test func `fields that rspamd wants are added and removed`() throws {
        let message = SpamAssassinTests.message("fields", "", received: "X-Gone: x\n")
        let with = try ask(["--rspamd-fields"], message)
        #expect(with.text.contains("X-One: a\n\tb\n"))
        #expect(with.text.contains("X-Two: c\n"))
        #expect(with.text.contains("X-Two: d\n"))
        #expect(!with.text.contains("X-Gone"))
        #expect(try ask([], message).text.hasSuffix(message))
    }

    @Test func `rspamd also answers as a spamd`() throws {
        let socket = try Rspamd.shared.get().socket
        let clean = try check(["--spamd", socket], SpamAssassinTests.message("score=5", ""))
        #expect(clean.text.contains("X-Spam-Status: No, score=5.0"), "\(clean.errors)")
        let spam = try check(
            ["--spamd", socket, "--reject", "spam"], SpamAssassinTests.message("score=20", ""))
        #expect(spam.code == 31, "\(spam.errors)")
    }
}
