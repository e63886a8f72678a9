// spam-check, with servers that answer as they are told.
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct SpamCheckTests {
    private static let message = """
        Received: from x (unknown [192.0.2.9])
        \tby mx.test; Thu, 1 Jan 2026 00:00:00 +0000
        Subject: hello
        From: a@b.test

        text

        """

    private func check(
        _ options: [String], message: String = message, recipients: [String] = ["r@mx.test"],
        facts: [String] = ["--client-ip", "192.0.2.1", "--helo", "h.test"]
    ) throws -> ToolResult {
        var tool = try Tool(
            "spam-check",
            options + facts + ["--sender", "s@x.test"]
                + recipients.flatMap { ["--recipient", $0] })
        tool.environment["CHAINMAIL_ROOT"] = "/nonexistent"
        tool.message = Array(message.utf8)
        return try tool.run()
    }

    private func verdict(of result: ToolResult) -> String {
        result.errors.split(separator: "\n").last.map { String($0.dropFirst(12)) } ?? ""
    }

    private static let thresholds: [(options: String, score: String, verdict: String)] = [
        ("", "4.9", "accept No"), ("", "5.0", "accept Yes"), ("", "99.0", "accept Yes"),
        ("--tag 3", "3.0", "accept Yes"), ("--tag 3", "2.9", "accept No"),
        ("--tag 9", "8.9", "accept No"), ("--reject 10", "10.0", "reject 554 5.7.1"),
        ("--reject 10", "9.9", "accept Yes"), ("--reject spam", "5.0", "reject 554 5.7.1"),
        ("--reject spam", "4.9", "accept No"), ("--defer 5 --reject 8", "5.1", "defer 451 4.7.1"),
        ("--defer 5 --reject 8", "8.0", "reject 554 5.7.1"), ("--discard 20", "20.0", "discard"),
        ("--reject spam --discard 20", "21.0", "discard"),
        ("--tag -2 --reject 8", "-2.0", "accept Yes"),
    ]

    @Test(arguments: thresholds)
    func `a score becomes a verdict`(
        _ row: (options: String, score: String, verdict: String)
    ) throws {
        let server = try FakeSpamServer(.reply(Answer.spamd(row.score, tests: "A")))
        let result = try check(
            ["--spamd", server.address] + row.options.split(separator: " ").map(String.init))
        let wanted = row.verdict.split(separator: " ")
        #expect(verdict(of: result).hasPrefix(wanted[0] == "accept" ? "accept" : row.verdict))
        if wanted[0] == "accept" {
            #expect(result.text.contains("X-Spam-Status: \(wanted[1]), score=\(row.score) "))
            #expect(result.text.contains("X-Spam-Flag: YES\n") == (wanted[1] == "Yes"))
        } else {
            #expect(result.text.isEmpty)
        }
    }

    private static let actions: [(action: String, options: String, verdict: String)] = [
        ("no action", "", "accept No"), ("greylist", "", "accept No"),
        ("add header", "", "accept Yes"), ("rewrite subject", "", "accept Yes"),
        ("soft reject", "", "defer 451 4.7.1"), ("reject", "", "reject 554 5.7.1"),
        ("discard", "", "discard"), ("quarantine", "", "defer 451 4.7.0"),
        // By scores alone: only what no score says.
        ("add header", "--tag 9", "accept No"), ("soft reject", "--tag 9", "defer 451 4.7.1"),
        ("reject", "--tag 9", "reject 554 5.7.1"), ("discard", "--tag 9", "discard"),
        ("no action", "--reject 7", "reject 554 5.7.1"),
        ("no action", "--actions rspamd --reject 7", "reject 554 5.7.1"),
        ("add header", "--actions rspamd --tag 9", "accept Yes"),
        ("add header", "--actions score", "accept Yes"),
    ]

    @Test(arguments: actions)
    func `an action of rspamd becomes a verdict`(
        _ row: (action: String, options: String, verdict: String)
    ) throws {
        let server = try FakeSpamServer(.reply(Answer.rspamd("7.5", row.action)))
        let result = try check(
            ["--rspamd", "http://\(server.address)"]
                + row.options.split(separator: " ").map(String.init))
        let wanted = row.verdict.split(separator: " ")
        #expect(verdict(of: result).hasPrefix(wanted[0] == "accept" ? "accept" : row.verdict))
        if wanted[0] == "accept" {
            #expect(result.text.contains("X-Spam-Status: \(wanted[1]), score=7.5 "))
        }
    }

    @Test func `a score over the threshold of rspamd rejects by score alone only where it is told`()
        throws
    {
        let server = try FakeSpamServer(.reply(Answer.rspamd("16.0", "reject")))
        let result = try check(["--rspamd", "http://\(server.address)", "--tag", "5"])
        #expect(verdict(of: result) == "accept")
    }

    @Test func `what servers say to a client is passed on as one line`() throws {
        let more = #","messages":{"smtp_message":"go\r\naway"}"#
        let server = try FakeSpamServer(.reply(Answer.rspamd("20", "reject", more)))
        let result = try check(["--rspamd", "http://\(server.address)"])
        #expect(verdict(of: result) == "reject 554 5.7.1 go??away")
    }

    @Test func `rspamd is told what is known`() throws {
        let server = try FakeSpamServer(.reply(Answer.rspamd("0", "no action")))
        let result = try check(
            ["--rspamd", "http://\(server.address)/scan"], recipients: ["r@mx.test", "t@mx.test"],
            facts: [
                "--client-ip", "2001:db8::1", "--client-name", "c.test", "--helo", "h.test",
                "--auth-user", "u",
            ])
        #expect(result.code == 0)
        let request = try #require(server.requests.first)
        #expect(request.hasPrefix("POST /scan HTTP/1.1\r\nHost: \(server.address)\r\n"))
        for line in [
            "IP: 2001:db8::1", "Hostname: c.test", "Helo: h.test", "User: u", "From: <s@x.test>",
            "Rcpt: <r@mx.test>", "Rcpt: <t@mx.test>",
        ] {
            #expect(request.contains("\r\n\(line)\r\n"), "\(line)")
        }
        #expect(!request.contains("Deliver-To"))
        #expect(request.hasSuffix("\r\n\r\n\(Self.message)"))
    }

    private static let users: [(options: String, recipients: [String], user: String?)] = [
        ("", ["r@mx.test"], nil), ("--user bob", ["r@mx.test"], "bob"),
        ("--user recipient", ["r@MX.test"], "r@mx.test"),
        ("--user local-part", ["R@mx.test"], "r"),
        ("--user recipient", ["r@mx.test", "t@mx.test"], nil),
        ("--user recipient --default-user all", ["r@mx.test", "t@mx.test"], "all"),
        ("--user local-part --default-user all", ["r@mx.test", "r@other.test"], "r"),
        ("--user recipient --default-user all", ["r@mx.test", "r@mx.test"], "r@mx.test"),
        ("--default-user all", ["r@mx.test"], "all"),
        ("--user local-part --default-user all", ["..@mx.test"], "all"),
    ]

    @Test(arguments: users)
    func `spamd is told whose settings to use`(
        _ row: (options: String, recipients: [String], user: String?)
    ) throws {
        let server = try FakeSpamServer(.reply(Answer.spamd("0.0")))
        _ = try check(
            ["--spamd", server.address] + row.options.split(separator: " ").map(String.init),
            recipients: row.recipients)
        let request = try #require(server.requests.first)
        if let user = row.user {
            #expect(request.contains("\r\nUser: \(user)\r\n"))
        } else {
            #expect(!request.contains("User:"))
        }
    }

    @Test func `fields that came along never stay`() throws {
        let server = try FakeSpamServer(.reply(Answer.spamd("0.0")))
        let forged = """
            x-spam-flag : NO
            X-Spam-Status: No, score=-100
             tests=FORGED
            X-Spamd-Result: forged
            X-Spam-Other: stays

            """
        for fields in ["all", "spam", "none"] {
            let result = try check(
                ["--spamd", server.address, "--fields", fields], message: forged + Self.message)
            #expect(!result.text.lowercased().contains("forged"))
            #expect(!result.text.contains("x-spam-flag"))
            #expect(result.text.contains("X-Spam-Other: stays\nReceived:"))
            #expect(result.text.contains("X-Spam-Status: No, score=0.0") == (fields == "all"))
        }
    }

    @Test func `a message without such fields passes byte for byte where none is added`() throws {
        let server = try FakeSpamServer(.reply(Answer.spamd("0.0")))
        let odd = "Subject: x\r\n\u{1}\r\n\r\nx\rx\n\u{0}\n\r\n"
        let result = try check(
            ["--spamd", server.address, "--fields", "none"], message: odd)
        #expect(result.output == Array(odd.utf8))
    }

    @Test func `spamd sees a Received field of the client where none of ours is on top`() throws {
        let server = try FakeSpamServer(.reply(Answer.spamd("0.0")))
        _ = try check(["--spamd", server.address])
        let own = "from c.test (HELO h.test) (192.0.2.1) by mx.test with SMTP; date"
        _ = try check(["--spamd", server.address], message: "Received: \(own)\n\(Self.message)")
        _ = try check(["--spamd", server.address, "--received", "never"])
        _ = try check(["--spamd", server.address], facts: [])
        let bodies = server.requests.compactMap { $0.split(separator: "\r\n\r\n").last }
        try #require(bodies.count == 4)
        #expect(bodies[0].hasPrefix("Received: from h.test (unknown [192.0.2.1])\n\tby "))
        #expect(bodies[0].hasSuffix(Self.message))
        #expect(bodies[1].hasPrefix("Received: \(own)\n"))
        #expect(bodies[2] == Self.message)
        #expect(bodies[3] == Self.message)
    }

    private static let large =
        "Subject: x\n\n" + String(repeating: "0123456789abcde\n", count: 8192) + "end\n"

    private static let oversize: [(options: String, code: Int32, status: String?)] = [
        ("", 0, "No, score=1.0 required=5.0 part=yes"), ("--on-oversize defer", 71, nil),
        ("--on-oversize reject", 31, nil), ("--on-oversize accept", 0, "Unknown, too large"),
        ("--tag 1", 0, "Yes, score=1.0 required=5.0 part=yes"),
    ]

    @Test(arguments: oversize)
    func `a large message is shown in part or is not known`(
        _ row: (options: String, code: Int32, status: String?)
    ) throws {
        let server = try FakeSpamServer(.reply(Answer.spamd("1.0")))
        let result = try check(
            ["--spamd", server.address, "--size-limit", "64K"]
                + row.options.split(separator: " ").map(String.init),
            message: Self.large)
        #expect(result.code == row.code)
        if let status = row.status {
            #expect(result.text.contains("X-Spam-Status: \(status)"))
            #expect(result.text.hasSuffix(Self.large))
        }
        if let request = server.requests.first {
            #expect(request.utf8.count < 66 << 10)
            #expect(request.contains("Subject: x\n\n0123456789abcde\n"))
        }
    }

    @Test func `a large message that cannot be shown in part is deferred`() throws {
        let server = try FakeSpamServer(.reply(Answer.spamd("1.0")))
        let parts = String(repeating: "--b\n\n\(Self.large)\n", count: 10)
        let result = try check(
            ["--spamd", server.address, "--size-limit", "64K"], message: Self.large + parts)
        #expect(result.code == 71)
        #expect(server.requests.isEmpty)
    }

    @Test func `what a server had no time for is not known unless it is bad enough`() throws {
        let tests = "A,TIME_LIMIT_EXCEEDED"
        let mild = try FakeSpamServer(.reply(Answer.spamd("1.0", tests: tests)))
        #expect(try check(["--spamd", mild.address]).code == 52)
        let bad = try FakeSpamServer(.reply(Answer.spamd("20.0", tests: tests)))
        #expect(try check(["--spamd", bad.address, "--reject", "10"]).code == 31)
    }

    @Test func `without an answer nothing passes`() throws {
        #expect(try check(["--spamd", "127.0.0.1:1"]).code == 56)
        let hanging = try FakeSpamServer(.hang)
        #expect(try check(["--spamd", hanging.address, "--timeout", "1s"]).code == 52)
        let lying = try FakeSpamServer(.reply("SPAMD/1.1 0 EX_OK\r\n\r\n"))
        let result = try check(["--spamd", lying.address])
        #expect(result.code == 56)
        #expect(result.text.isEmpty)
    }

    @Test func `the Subject of spam gets a prefix once`() throws {
        let server = try FakeSpamServer(.reply(Answer.spamd("9.0")))
        let options = ["--spamd", server.address, "--subject", "[SPAM]"]
        let once = try check(options)
        #expect(once.text.contains("Subject: [SPAM] hello\n"))
        #expect(!once.text.contains("Subject: hello"))
        let twice = try check(options, message: once.text)
        #expect(twice.text.contains("Subject: [SPAM] hello\n"))
        let clean = try FakeSpamServer(.reply(Answer.spamd("1.0")))
        let result = try check(["--spamd", clean.address, "--subject", "[SPAM]"])
        #expect(result.text.hasSuffix(Self.message))
    }

    @Test func `fields of rspamd are taken where they are wanted`() throws {
        let more = #"""
            ,"subject":"[R] hello","milter":{"add_headers":{"X-R":"yes"},
            "remove_headers":{"From":0}}
            """#
        let server = try FakeSpamServer(.reply(Answer.rspamd("9", "rewrite subject", more)))
        let options = ["--rspamd", "http://\(server.address)"]
        let with = try check(options + ["--rspamd-fields"])
        #expect(with.text.contains("X-R: yes\n"))
        #expect(with.text.contains("Subject: [R] hello\n"))
        #expect(!with.text.contains("From:"))
        #expect(try check(options).text.hasSuffix(Self.message))
    }

    @Test func `each rspamd is asked for its own path`() throws {
        let first = try FakeSpamServer(.reply(Answer.http("", status: "503 no")))
        let second = try FakeSpamServer(.reply(Answer.rspamd("0", "no action")))
        let result = try check([
            "--rspamd", "http://\(first.address)/a", "--rspamd", "http://\(second.address)/b?c=d",
        ])
        #expect(result.code == 0)
        #expect(
            first.requests.first?.hasPrefix("POST /a HTTP/1.1\r\nHost: \(first.address)") == true)
        #expect(
            second.requests.first?.hasPrefix("POST /b?c=d HTTP/1.1\r\nHost: \(second.address)")
                == true)
    }

    @Test func `a server's name is looked up`() throws {
        let folder = try TestFolder()
        let zone = try Service.zone(
            "spam.us.test. 60 IN A 127.0.0.1\nlost.us.test. 60 IN A 127.0.0.2\n", in: folder)
        let server = try FakeSpamServer(.reply(Answer.spamd("1.0")))
        let port = server.address.split(separator: ":").last ?? ""
        let options = ["--resolver", zone.ready, "--spamd"]
        let result = try check(options + ["spam.us.test:\(port)"])
        #expect(result.code == 0, "\(result.errors)")
        #expect(try check(options + ["nobody.us.test:\(port)"]).code == 56)
        #expect(try check(options + ["lost.us.test:1"]).code == 56)
    }

    @Test func `a threshold that no score reaches is not in the field`() throws {
        let reply = Answer.http(
            #"{"score":3.5,"required_score":null,"action":"no action","symbols":{}}"#)
        let server = try FakeSpamServer(.reply(reply))
        let result = try check(["--rspamd", "http://\(server.address)"])
        #expect(result.text.contains("X-Spam-Status: No, score=3.5\n\ttests=none\n"))
    }
}
