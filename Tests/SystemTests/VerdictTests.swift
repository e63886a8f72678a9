import MailModel
import TestSupport
import Testing

/// One server for the tests that only send messages to it.
private let shared = Result {
    let server = try TestServer()
    try server.edit("10-throttle") { $0.replacing("100/1m", with: "100000/1m") }
    try server.start()
    return server
}

private let eicar = [
    "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EIC", "AR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*",
].joined()

@Suite struct VerdictTests {
    private let server: TestServer

    init() throws { server = try shared.get() }

    private func send(
        from sender: String = "someone@pass.test", to recipients: [String], _ message: String
    ) throws -> String {
        try server.connect().send(from: sender, to: recipients, message)
    }

    /// The messages in a mailbox that hold a word, when there is at least one.
    private func awaitMessage(in mailbox: String, with word: String) throws -> String {
        var found: [String] = []
        let isThere = eventually {
            found = server.messages(of: mailbox).map { String(decoding: $0, as: UTF8.self) }
                .filter { $0.contains(word) }
            return !found.isEmpty
        }
        #expect(isThere, "no message with \(word); the log:\n\(server.log)")
        #expect(found.count <= 1)
        return found.first ?? ""
    }

    @Test func `a clean message arrives with its trace fields and an identical body`() throws {
        let body = "One line.\n.dot\n\n  blanks \t\n8 bit: \u{E4}\nend\n"
        let reply = try send(to: ["alice@example.test"], "Subject: clean-1\n\n\(body)")
        #expect(reply.hasPrefix("250 2.0.0 "), "\(reply)\n\(server.log)")
        let message = try awaitMessage(in: "alice", with: "clean-1")
        let parts = message.split(separator: "\n\n", maxSplits: 1)
        let header = String(try #require(parts.first))
        #expect(parts.last.map(String.init) == body)
        let names = header.split(separator: "\n").filter {
            !$0.hasPrefix("\t") && !$0.hasPrefix(" ")
        }
        .map { String($0.prefix { $0 != ":" }) }
        #expect(names.first == "Return-Path")
        for name in ["Delivered-To", "Received", "Received-SPF", "Subject"] {
            #expect(names.contains(name), "\(name) is missing in:\n\(header)")
        }
        #expect(header.contains("Return-Path: <someone@pass.test>\n"))
        #expect(header.contains("Delivered-To: alice@example.test\n"))
        #expect(header.contains("\nReceived-SPF: pass "))
    }

    @Test func `the EICAR test file is refused after DATA`() throws {
        let message = """
            Subject: eicar
            MIME-Version: 1.0
            Content-Type: multipart/mixed; boundary=b

            --b
            Content-Type: text/plain

            see attachment
            --b
            Content-Type: application/octet-stream
            Content-Transfer-Encoding: 7bit
            Content-Disposition: attachment; filename=eicar.com

            \(eicar)
            --b--

            """
        let reply = try send(to: ["alice@example.test"], message)
        #expect(reply.hasPrefix("554 5.7.1 "), "\(reply)\n\(server.log)")
    }

    @Test func `an unknown recipient is refused alone`() throws {
        let client = try server.connect()
        #expect(try client.say("MAIL FROM:<someone@pass.test>").hasPrefix("250 "))
        #expect(try client.say("RCPT TO:<bob@example.test>").hasPrefix("250 "))
        #expect(try client.say("RCPT TO:<nobody@example.test>").hasPrefix("550 5.1.1 "))
        #expect(try client.say("RCPT TO:<carol@example.test>").hasPrefix("250 "))
        #expect(try client.say("DATA").hasPrefix("354 "))
        #expect(try client.sendData("Subject: two-of-three\n\nx\n").hasPrefix("250 2.0.0 "))
        _ = try awaitMessage(in: "bob", with: "two-of-three")
        _ = try awaitMessage(in: "carol", with: "two-of-three")
    }

    @Test func `a message that matches a rule is refused with the text of the rule`() throws {
        let reply = try send(to: ["alice@example.test"], "Subject: CHEAP pills here\n\nx\n")
        #expect(reply == "550 5.7.1 we do not buy pills")
    }

    @Test func `a rule may add a field`() throws {
        let reply = try send(to: ["alice@example.test"], "Subject: [test-tag] tagged-1\n\nx\n")
        #expect(reply.hasPrefix("250 "))
        #expect(
            try awaitMessage(in: "alice", with: "tagged-1").contains("\nX-Chainmail-Demo: tagged\n")
        )
    }

    @Test func `a sender whose policy fails is refused`() throws {
        let reply = try send(from: "x@fail.test", to: ["alice@example.test"], "Subject: x\n\nx\n")
        #expect(reply.hasPrefix("550 5.7.23 "), "\(reply)")
        #expect(reply.contains("127.0.0.1 may not send mail of fail.test."))
    }

    @Test(arguments: ["servfail.test", "silent.test"])
    func `a sender whose zone does not answer is deferred`(domain: String) throws {
        let reply = try send(from: "x@\(domain)", to: ["alice@example.test"], "Subject: x\n\nx\n")
        #expect(reply.hasPrefix("451 4."), "\(reply)")
    }

    @Test func `mail for a domain that is not ours is refused`() throws {
        let client = try server.connect()
        try client.say("MAIL FROM:<someone@pass.test>")
        let reply = try client.say("RCPT TO:<someone@elsewhere.test>")
        #expect(reply.hasPrefix("5"), "\(reply)")
        #expect(reply.contains(" 5.7.1 "), "\(reply)")
    }

    @Test func `curl delivers a message`() throws {
        let file = try server.folder.write("curl-message", "Subject: by-curl\r\n\r\nhello\r\n")
        let curl = try Tool(
            "/usr/bin/env",
            [
                "curl", "--silent", "--show-error", "--url",
                "smtp://127.0.0.1:\(server.port)/pass.test",
                "--mail-from", "you@pass.test", "--mail-rcpt", "alice@example.test",
                "--upload-file", file,
            ])
        let result = try curl.run()
        #expect(result.code == 0, "\(result.errors)")
        #expect(try awaitMessage(in: "alice", with: "by-curl").hasSuffix("\n\nhello\n"))
    }

    @Test func `Python's smtplib delivers a message`() throws {
        let script = """
            import smtplib, sys
            with smtplib.SMTP("127.0.0.1", int(sys.argv[1])) as server:
                server.sendmail("you@pass.test", ["bob@example.test"],
                                "Subject: by-smtplib\\r\\n\\r\\n.hello\\r\\n")
            """
        let python = try Tool("/usr/bin/env", ["python3", "-c", script, "\(server.port)"])
        let result = try python.run()
        #expect(result.code == 0, "\(result.errors)")
        #expect(try awaitMessage(in: "bob", with: "by-smtplib").hasSuffix("\n\n.hello\n"))
    }

    @Test func `one id leads through the log from connection to delivery`() throws {
        let reply = try send(to: ["carol@example.test"], "Subject: logged-1\n\nx\n")
        let id = try #require(
            reply.split(separator: " ").first { $0.contains("-") }.map(String.init))
        _ = try awaitMessage(in: "carol", with: "logged-1")
        let session = id.prefix { $0 != "-" }
        #expect(server.log.contains("session=\(session)"))
        let sees = eventually {
            let lines = server.log.split(separator: "\n").filter { $0.contains("message=\(id)") }
            return lines.contains { $0.hasPrefix("smtp-server: ") }
                && lines.contains { $0.hasPrefix("queue-manager: ") }
        }
        #expect(sees, "\(id):\n\(server.log)")
    }
}

@Suite struct ThrottleTests {
    @Test func `the client that exceeds its limit is deferred`() throws {
        let server = try TestServer()
        try server.keepSteps(["10-throttle"])
        try server.edit("10-throttle") { $0.replacing("100/1m", with: "2/1h") }
        try server.start()
        let client = try server.connect()
        var replies: [String] = []
        for number in 1...3 {
            replies.append(
                try client.send(
                    from: "a@pass.test", to: ["alice@example.test"], "Subject: \(number)\n\nx\n"))
        }
        #expect(replies.map { $0.prefix(3) } == ["250", "250", "451"], "\(replies)")
        #expect(replies.last?.hasPrefix("451 4.7.1 ") == true, "\(replies)")
    }
}
