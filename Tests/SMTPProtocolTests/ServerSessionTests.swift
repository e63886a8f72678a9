// Tests of ServerSession: every command, in and out of order.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct ServerSessionTests {
    @Test func `a message goes through with one line per reply`() {
        var conversation = Conversation()
        let replies = conversation.run(
            Conversation.begun + ["DATA", "Subject: x", "", "y", ".", "QUIT"])
        let id = Conversation.id.message(1)
        #expect(
            replies == [
                "220 mx.example.test ESMTP",
                "250-mx.example.test Hello c.test [192.0.2.1]|250-PIPELINING|250-SIZE 0|"
                    + "250-8BITMIME|250-SMTPUTF8|250-CHUNKING|250-DSN|250-ENHANCEDSTATUSCODES|"
                    + "250-PRDR|250-LIMITS RCPTMAX=1000|250 HELP",
                "250 2.1.0 Reverse-path ok",
                "250 2.1.5 Recipient ok",
                "354 End the message with CRLF . CRLF",
                "250 2.0.0 Ok, queued as \(id)",
                "221 2.0.0 Bye",
            ])
        #expect(conversation.isClosed)
        #expect(conversation.requests.map(\.stage) == Stage.allCases)
        #expect(conversation.submissions.map(\.id) == [id])
    }

    /// Lines after which the code of the last one's reply and its status are expected.
    private static let orders: [([String], String)] = [
        (["MAIL FROM:<a@b>"], "503 5.5.1"),
        (["RCPT TO:<a@example.test>"], "503 5.5.1"),
        (["DATA"], "503 5.5.1"),
        (["NOOP"], "250 2.0.0"),
        (["NOOP anything"], "250 2.0.0"),
        (["RSET"], "250 2.0.0"),
        (["RSET x"], "501 5.5.4"),
        (["VRFY alice"], "252 2.0.0"),
        (["VRFY"], "501 5.5.4"),
        (["EXPN list"], "502 5.5.1"),
        (["HELP"], "214-2.0.0"),
        (["HELP MAIL"], "214-2.0.0"),
        (["QUIT x"], "501 5.5.4"),
        (["QUIT  "], "221 2.0.0"),
        ([""], "500 5.5.2"),
        ([" NOOP"], "500 5.5.2"),
        (["FROB"], "500 5.5.2"),
        (["NOO"], "500 5.5.2"),
        (["NOOPS"], "500 5.5.2"),
        (["NO\0OP"], "500 5.5.2"),
        (["\0NOOP"], "500 5.5.2"),
        (["\0\0\0\0NOOP"], "500 5.5.2"),
        (["NOOP\0"], "500 5.5.2"),
        (["NOOP \0"], "500 5.5.2"),
        (["NOOP a\rb"], "500 5.5.2"),
        (["NOOP " + String(repeating: "x", count: 505)], "250 2.0.0"),
        (["NOOP " + String(repeating: "x", count: 506)], "500 5.5.2"),
        (["STARTTLS"], "502 5.5.1"),
        (["EHLO c", "AUTH PLAIN"], "502 5.5.1"),
        (["HELO"], "501 An argument is missing"),
        (["EHLO"], "501 An argument is missing"),
        (["HELO a b"], "501 That is no domain"),
        (["HELO a..b"], "501 That is no domain"),
        (["HELO <a>"], "501 That is no domain"),
        (["HELO é"], "501 That is no domain"),
        (["HELO " + String(repeating: "x", count: 256)], "501 That is no domain"),
        (["HELO c.test"], "250 mx.example.test"),
        (["helo MY_PC"], "250 mx.example.test"),
        (["HELO c.test."], "250 mx.example.test"),
        (["HELO [192.0.2.1]"], "250 mx.example.test"),
        (["ehlo [IPv6:::1]"], "250-mx.example.test"),
        (["HELO c", "MAIL FROM:<>"], "250 2.1.0"),
        (["HELO c", "mail from:<a@b>"], "250 2.1.0"),
        (["HELO c", "MAIL FROM:<a@b> "], "250 2.1.0"),
        (["HELO c", "MAIL"], "501 5.5.4"),
        (["HELO c", "MAIL FROM"], "501 5.5.4"),
        (["HELO c", "MAIL TO:<a@b>"], "501 5.5.4"),
        (["HELO c", "MAIL FROM: <a@b>"], "501 5.1.7"),
        (["HELO c", "MAIL FROM :<a@b>"], "501 5.5.4"),
        (["HELO c", "MAIL FROM:a@b"], "501 5.1.7"),
        (["HELO c", "MAIL FROM:<a@b>x"], "501 5.5.4"),
        (["HELO c", "MAIL FROM:<\(String(repeating: "x", count: 65))@b>"], "501 5.1.7"),
        (["HELO c", "MAIL FROM:<a@b>", "MAIL FROM:<c@d>"], "503 5.5.1"),
        (["HELO c", "MAIL FROM:<a@b>", "DATA"], "503 5.5.1"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT TO:<x@elsewhere.test>"], "550 5.7.1"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT TO:<x@elsewhere.test>", "DATA"], "554 5.5.1"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT TO:<>"], "501 5.1.3"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT TO: <a@example.test>"], "501 5.1.3"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT FROM:<a@example.test>"], "501 5.5.4"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT TO:<alice>"], "501 5.1.3"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT TO:<Postmaster>"], "250 2.1.5"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT TO:<@x.y:bob@example.test>"], "250 2.1.5"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT TO:<a@example.test> X=1"], "555 5.5.4"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT TO:<a@example.test> "], "250 2.1.5"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT TO:<a@example.test>x"], "501 5.5.4"),
        (Conversation.begun + ["DATA x"], "501 5.5.4"),
        (Conversation.begun + ["RSET", "RCPT TO:<a@example.test>"], "503 5.5.1"),
        (Conversation.begun + ["RSET", "DATA"], "503 5.5.1"),
        (Conversation.begun + ["EHLO c", "DATA"], "503 5.5.1"),
        (Conversation.begun + ["HELO c", "MAIL FROM:<>"], "250 2.1.0"),
        (Conversation.begun + ["NOOP", "VRFY x", "HELP", "DATA"], "354 "),
        (Conversation.begun + ["HELO", "DATA"], "354 "),
        (Conversation.begun + ["DATA", ".", "DATA"], "503 5.5.1"),
        (Conversation.begun + ["DATA", ".", "MAIL FROM:<a@b>"], "250 2.1.0"),
        // Parameters. After HELO there are none.
        (["HELO c", "MAIL FROM:<a@b> SIZE=10"], "555 5.5.4"),
        (["EHLO c", "HELO c", "MAIL FROM:<a@b> SIZE=10"], "555 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b> SIZE=10"], "250 2.1.0"),
        (["EHLO c", "MAIL FROM:<a@b> size=10 body=8bitmime"], "250 2.1.0"),
        (["EHLO c", "MAIL FROM:<a@b> SIZE"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b> SIZE="], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b> SIZE=-1"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b> SIZE=99999999999999999999"], "250 2.1.0"),
        (["EHLO c", "MAIL FROM:<a@b> SIZE=999999999999999999999"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b> SIZE=1 SIZE=1"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b>  SIZE=1"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b>SIZE=1"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b> BODY=7BIT"], "250 2.1.0"),
        (["EHLO c", "MAIL FROM:<a@b> BODY"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b> BODY=BINARYMIME"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b> X-Y"], "555 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b> -X"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b> X=a=b"], "501 5.5.4"),
        (["EHLO c", "MAIL FROM:<a@b> X=é"], "501 5.5.4"),
    ]

    @Test(arguments: orders)
    func `each command gets its code and status`(_ lines: [String], _ expected: String) {
        var conversation = Conversation()
        let reply = conversation.run(lines).last ?? ""
        #expect(reply.hasPrefix(expected), "\(reply)")
        #expect(conversation.isClosed == expected.hasPrefix("221"))
    }

    @Test(arguments: ["\0RSET", "\0\0QUIT", "RSET\0", " RSET", "RS\0ET", "\0"])
    func `a verb with anything around it is none`(_ line: String) {
        var conversation = Conversation()
        #expect(conversation.run([line]).last == "500 5.5.2 Unknown command")
    }

    @Test func `lines that are no lines are errors`() {
        var conversation = Conversation()
        _ = conversation.open()
        #expect(conversation.session.take(.tooLong) == .reply(.lineTooLong))
        #expect(conversation.session.take(.bareLF) == .reply(.bareLineFeed))
        #expect(conversation.session.take(.badChunk) == .close(.lostChunk))
    }

    @Test func `too many errors end the session`() {
        var conversation = Conversation { $0.errors = 3 }
        let replies = conversation.run(["FROB", "NOOP", "FROB", "FROB"])
        #expect(replies.map { $0.prefix(3) } == ["220", "500", "250", "500", "421"])
        #expect(conversation.isClosed)
    }

    @Test(arguments: ["GET / HTTP/1.1", "POST /x HTTP/1.1", "connect x:1"])
    func `a browser is sent away at once`(_ line: String) {
        var conversation = Conversation()
        #expect(conversation.run([line]).last?.hasPrefix("421 ") == true)
        #expect(conversation.isClosed)
    }

    @Test func `a size over the limit is refused at MAIL`() {
        var conversation = Conversation { $0.messageSize = 1000 }
        let replies = conversation.run([
            "EHLO c", "MAIL FROM:<a@b> SIZE=1001", "MAIL FROM:<a@b> SIZE=99999999999999999999",
            "MAIL FROM:<a@b> SIZE=1000",
        ])
        #expect(replies[1].contains("|250-SIZE 1000|"))
        #expect(
            replies.dropFirst(2).map { $0.prefix(9) } == ["552 5.3.4", "552 5.3.4", "250 2.1.0"])
    }

    @Test func `recipients over the limit are put off, and the others stay`() {
        var conversation = Conversation { $0.recipients = 1 }
        let replies = conversation.run(
            Conversation.begun + ["RCPT TO:<bob@example.test>", "DATA", "."])
        #expect(replies[4].hasPrefix("452 4.5.3"))
        #expect(conversation.submissions.first?.envelope.recipients.count == 1)
    }

    @Test func `a client that may relay reaches everybody, with RELAYCLIENT appended`() {
        var conversation = Conversation(relay: ".fixme")
        let replies = conversation.run([
            "EHLO c", "MAIL FROM:<a@b>", "RCPT TO:<x@elsewhere.test>", "DATA", ".",
        ])
        #expect(replies.last?.hasPrefix("250 2.0.0") == true)
        let recipients = conversation.submissions.first?.envelope.recipients.map(\.description)
        #expect(recipients == ["x@elsewhere.test.fixme"])
    }

    @Test func `a message that cannot be queued is not accepted`() {
        var conversation = Conversation()
        conversation.queue = { _ in .refused(Reply(451, .init(4, 3, 0), "Disk full")) }
        let replies = conversation.run(Conversation.begun + ["DATA", ".", "DATA"])
        #expect(replies.suffix(2).first == "451 4.3.0 Disk full")
        #expect(replies.last?.hasPrefix("503") == true)
    }

    @Test func `ids count transactions, and the facts carry them`() {
        var conversation = Conversation()
        let transaction = Array(Conversation.begun.dropFirst()) + ["DATA", "."]
        _ = conversation.run(["EHLO c"] + transaction + transaction)
        let ids = conversation.submissions.map(\.id.description)
        #expect(ids == ["\(Conversation.id)-1", "\(Conversation.id)-2"])
        let facts = conversation.submissions.map { $0.facts[.message].map(\.printable) }
        #expect(facts == ids)
    }

    @Test func `an answer that nobody asked for changes nothing`() {
        var conversation = Conversation()
        _ = conversation.open()
        #expect(conversation.session.judged(.accept) == .reply(.outOfStep))
        #expect(conversation.session.received(.whole(edits: [])) == .reply(.outOfStep))
        #expect(conversation.session.queued(.queued) == .reply(.outOfStep))
        #expect(conversation.session.admitted(.notOurs) == .reply(.outOfStep))
        #expect(conversation.say("EHLO c")?.hasPrefix("250-") == true)
    }

    @Test func `no sequence of lines and verdicts makes the session trap`() {
        var generator = SystemRandomNumberGenerator()
        let words = [
            "EHLO c", "HELO", "MAIL FROM:<a@b>", "MAIL FROM:<> SIZE=5", "RCPT TO:<x@example.test>",
            "RCPT TO:<Postmaster>", "RCPT TO:<x@y>", "DATA", ".", "RSET", "VRFY x", "HELP",
            "QUIT", "FROB", "", "\0", "STARTTLS", "AUTH PLAIN", "AUTH PLAIN =", "*", "BDAT 3",
            "BDAT 0 LAST", "BDAT 9999999999999999999", "BDAT x", "MAIL FROM:<a@b> PRDR SMTPUTF8",
            "RCPT TO:<y@example.test> NOTIFY=NEVER", "XCLIENT ADDR=192.0.2.9", "EXPN x",
        ]
        for _ in 0..<300 {
            var conversation = Conversation {
                $0.offersTLS = true
                $0.mechanismsInClear = ["PLAIN"]
                $0.allowsXCLIENT = true
            }
            conversation.verify = { _ in
                [.challenge([]), .accepted(user: []), .accepted(user: [], final: [])]
                    .randomElement()
                    ?? .challenge([])
            }
            conversation.judge = { _ in
                [
                    .accept, .accept, .accept, .discard, .reject(.init(5, 7, 1), "no"),
                    .defer(.init(4, 7, 1), "later"),
                ].randomElement() ?? .accept
            }
            _ = conversation.open()
            for _ in 0..<40 where !conversation.isClosed {
                let reply = conversation.say(words.randomElement(using: &generator) ?? "")
                #expect(reply == nil || reply?.first?.isNumber == true, "\(reply ?? "")")
            }
        }
    }
}
