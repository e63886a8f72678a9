// Tests of replies for each recipient, of limits told beforehand, and of recipients at our address.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct PRDRTests {
    private static let lines = [
        "EHLO c", "MAIL FROM:<a@b> PRDR", "RCPT TO:<alice@example.test>",
        "RCPT TO:<x@elsewhere.test>", "RCPT TO:<bob@example.test>",
    ]
    private static let no = Verdict.reject(EnhancedStatus(5, 7, 1), "No")

    @Test(arguments: [["DATA", "."], ["BDAT 5 LAST"]])
    func `each accepted recipient gets the reply, then all of them`(_ end: [String]) {
        var conversation = Conversation()
        let ok = "250 2.0.0 Ok, queued as \(Conversation.id.message(1))"
        #expect(
            conversation.run(PRDRTests.lines + end).last
                == "353 One reply for each recipient, then one for all|\(ok)|\(ok)|\(ok)")
        conversation = Conversation()
        conversation.judge = { $0.stage == .message ? PRDRTests.no : .accept }
        #expect(
            conversation.run(PRDRTests.lines + end).last?.hasSuffix(
                "|550 5.7.1 No|550 5.7.1 No|550 5.7.1 No") == true)
        #expect(conversation.say("NOOP")?.hasPrefix("250") == true)
    }

    @Test func `a message that cannot be queued is refused for each`() {
        var conversation = Conversation()
        conversation.queue = { _ in .refused(Reply(451, .init(4, 3, 0), "Full")) }
        #expect(
            conversation.run(PRDRTests.lines + ["DATA", "."]).last?.hasSuffix(
                "|451 4.3.0 Full|451 4.3.0 Full|451 4.3.0 Full") == true)
    }

    @Test func `a recipient that a step dropped gets what the others get`() {
        var conversation = Conversation()
        conversation.judge = { request in
            request.stage == .rcpt && request.envelope?.recipients.first?.bytes.first == 0x61
                ? .discard : .accept
        }
        let reply = conversation.run(PRDRTests.lines + ["DATA", "."]).last ?? ""
        #expect(reply.split(separator: "|").map { $0.prefix(3) } == ["353", "250", "250", "250"])
    }

    @Test func `without PRDR, or with one recipient, there is one reply`() {
        var conversation = Conversation()
        _ = conversation.run(["EHLO c", "MAIL FROM:<a@b> PRDR", "RCPT TO:<alice@example.test>"])
        _ = conversation.say("DATA")
        #expect(conversation.say(".")?.contains("|") == false)
        let two = PRDRTests.lines.map { $0.replacing(" PRDR", with: "") }
        for line in two + ["DATA"] { _ = conversation.say(line) }
        #expect(conversation.say(".")?.contains("|") == false)
    }

    @Test func `a verdict of 421 ends the session with one reply`() {
        var conversation = Conversation()
        conversation.judge = { request in
            request.stage == .message ? .defer(Reply(421, .init(4, 7, 0), "Go")) : .accept
        }
        #expect(conversation.run(PRDRTests.lines + ["DATA", "."]).last == "421 4.7.0 Go")
        #expect(conversation.isClosed)
    }

    @Test func `limits are told, and kept`() {
        var conversation = Conversation {
            $0.transactions = 2
            $0.recipients = 7
        }
        let mail = ["MAIL FROM:<a@b>", "RSET"]
        let replies = conversation.run(["EHLO c"] + mail + mail + mail)
        #expect(replies[1].contains("LIMITS MAILMAX=2 RCPTMAX=7"))
        #expect(replies[6].hasPrefix("421 4.7.0"))
        #expect(conversation.isClosed)
    }

    @Test(arguments: [
        ("<a@[192.0.2.2]>", "a@mail.test"), ("<Postmaster@[192.0.2.2]>", "Postmaster@mail.test"),
        ("<a@[192.0.2.3]>", nil), ("<a@[IPv6:::ffff:192.0.2.2]>", "a@mail.test"),
        ("<a@[IPv6:2001:db8::1]>", nil),
    ])
    func `a recipient at our own address is one at our name`(_ path: String, _ expected: String?) {
        var conversation = Conversation { $0.literalDomain = "mail.test" }
        var asked: [Mailbox] = []
        var facts = conversation.session.facts
        facts[.localIP] = Array("192.0.2.2".utf8)
        var session = ServerSession(
            settings: conversation.session.settings, facts: facts, id: Conversation.id)
        _ = session.start()
        _ = session.judged(.accept)
        for line in ["EHLO c", "MAIL FROM:<>"] {
            _ = session.take(.line(Array(line.utf8)))
            _ = session.judged(.accept)
        }
        if case .admit(let mailbox) = session.take(.line(Array("RCPT TO:\(path)".utf8))) {
            asked.append(mailbox)
        }
        let own = path.dropFirst().dropLast()
        #expect(asked.map(\.description) == [expected ?? String(own)])
        conversation.judge = { _ in .accept }
    }

    @Test func `HELP names what there is`() {
        var conversation = Conversation()
        #expect(
            conversation.run(["HELP"]).last?.hasPrefix(
                "214-2.0.0 Commands: HELO EHLO MAIL RCPT DATA RSET NOOP QUIT VRFY HELP BDAT|")
                == true)
        conversation = Conversation {
            $0.offersTLS = true
            $0.mechanismsUnderTLS = ["PLAIN"]
        }
        let replies = conversation.run(["HELP", "EHLO c", "STARTTLS", "HELP"])
        #expect(replies[1].contains("STARTTLS") && !replies[1].contains("AUTH"))
        #expect(!replies[4].contains("STARTTLS") && replies[4].contains("AUTH"))
    }
}
