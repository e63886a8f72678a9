// Tests of what verdicts do to a session.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct VerdictTests {
    private static let message = Conversation.begun + ["DATA", ".", "NOOP"]
    private static let no = Verdict.reject(EnhancedStatus(5, 7, 1), "No")
    private static let later = Verdict.defer(EnhancedStatus(4, 7, 1), "Later")

    /// The replies to a whole message when one stage says something.
    private func replies(_ stage: Stage, _ verdict: Verdict) -> [String] {
        var conversation = Conversation()
        conversation.judge = { $0.stage == stage ? verdict : .accept }
        return conversation.run(VerdictTests.message)
    }

    private static let rejections: [(Stage, Verdict, [String])] = [
        (
            .connect, no,
            ["554 mx.example.test No", "503 5", "503 5", "503 5", "503 5", "503 5", "503 5"]
        ),
        (.helo, no, ["220 ", "550 No", "503 5", "503 5", "503 5", "500 5", "250 2"]),
        (.mail, no, ["220 ", "250-", "550 5.7.1 No", "503 5", "503 5", "500 5", "250 2"]),
        (.rcpt, no, ["220 ", "250-", "250 2", "550 5.7.1 No", "554 5.5.1", "500 5", "250 2"]),
        (.data, no, ["220 ", "250-", "250 2", "250 2", "550 5.7.1 No", "500 5", "250 2"]),
        (.message, no, ["220 ", "250-", "250 2", "250 2", "354 ", "550 5.7.1 No", "250 2"]),
        (.helo, later, ["220 ", "451 Later", "503 5", "503 5", "503 5", "500 5", "250 2"]),
        (.mail, later, ["220 ", "250-", "451 4.7.1 Later", "503 5", "503 5", "500 5", "250 2"]),
        (.rcpt, later, ["220 ", "250-", "250 2", "451 4.7.1", "554 5.5.1", "500 5", "250 2"]),
        (.data, later, ["220 ", "250-", "250 2", "250 2", "451 4.7.1", "500 5", "250 2"]),
        (.message, later, ["220 ", "250-", "250 2", "250 2", "354 ", "451 4.7.1", "250 2"]),
    ]

    @Test(arguments: rejections)
    func `a refusal is given at its moment`(
        _ stage: Stage, _ verdict: Verdict, _ expected: [String]
    ) {
        let found = replies(stage, verdict)
        #expect(found.count == expected.count)
        for (reply, prefix) in zip(found, expected) {
            #expect(reply.hasPrefix(prefix), "\(reply)")
        }
    }

    @Test func `a client that is put off at connect gets 421 and is closed`() {
        var conversation = Conversation()
        conversation.judge = { _ in VerdictTests.later }
        #expect(conversation.open() == "421 mx.example.test Later")
        #expect(conversation.isClosed)
    }

    @Test func `a reply of code 421 ends the session at any stage`() {
        var conversation = Conversation()
        let reply = Reply(421, EnhancedStatus(4, 7, 0), "Go")
        conversation.judge = { $0.stage == .rcpt ? .defer(reply) : .accept }
        #expect(conversation.run(Conversation.begun).last == "421 4.7.0 Go")
        #expect(conversation.isClosed)
    }

    @Test func `after a 554 greeting only QUIT is obeyed`() {
        var conversation = Conversation()
        conversation.judge = { _ in VerdictTests.no }
        #expect(conversation.run(["EHLO c", "QUIT"]).last == "221 2.0.0 Bye")
    }

    @Test(arguments: [Stage.connect, .helo, .mail, .rcpt, .data, .message])
    func `a discarded message looks accepted, and is not queued`(_ stage: Stage) {
        var conversation = Conversation()
        conversation.judge = { $0.stage == stage ? .discard : .accept }
        let replies = conversation.run(VerdictTests.message)
        #expect(replies.map { $0.first } == ["2", "2", "2", "2", "3", "2", "2"])
        #expect(conversation.submissions.isEmpty)
        #expect(conversation.requests.last?.stage == stage)
    }

    @Test func `a recipient that is discarded or refused leaves the others`() {
        var conversation = Conversation()
        conversation.judge = { request in
            switch request.envelope?.recipients.first?.localPart.printable {
            case _ where request.stage != .rcpt: .accept
            case "bob": .discard
            case "carol": VerdictTests.no
            default: .accept
            }
        }
        let replies = conversation.run(
            Conversation.begun + [
                "RCPT TO:<bob@example.test>", "RCPT TO:<carol@example.test>", "DATA", ".",
            ])
        #expect(replies[4].hasPrefix("250 2.1.5"))
        #expect(replies[5].hasPrefix("550 5.7.1"))
        let recipients = conversation.submissions.first?.envelope.recipients.map(\.description)
        #expect(recipients == ["alice@example.test"])
    }

    @Test func `notes and header edits go on to later stages, within their transaction`() {
        var conversation = Conversation()
        conversation.judge = { request in
            .accept([.note(name: request.stage.rawValue, value: [])])
        }
        _ = conversation.run(VerdictTests.message + ["MAIL FROM:<c@d>"])
        let names = conversation.requests.map { request in
            request.edits.map { edit -> String in
                if case .note(let name, _) = edit { name } else { "" }
            }
        }
        #expect(
            names == [
                [], ["connect"], ["connect", "helo"], ["connect", "helo", "mail"],
                ["connect", "helo", "mail", "rcpt"],
                ["connect", "helo", "mail", "rcpt", "data"],
                ["connect", "helo"],
            ])
        #expect(conversation.submissions.first?.edits.count == 6)
    }

    @Test func `EHLO again forgets what the first one's steps said`() {
        var conversation = Conversation()
        conversation.judge = { .accept([.note(name: $0.stage.rawValue, value: [])]) }
        _ = conversation.run(["EHLO a", "EHLO b", "MAIL FROM:<c@d>"])
        #expect(conversation.requests.last?.edits.count == 2)
        #expect(conversation.requests.last?.facts[.helo] == [0x62])
    }

    @Test func `a refused EHLO leaves the session as it was`() {
        var conversation = Conversation()
        conversation.judge = { request in
            request.facts[.helo] == [0x62] ? VerdictTests.no : .accept
        }
        let replies = conversation.run(["EHLO a", "MAIL FROM:<c@d>", "EHLO b", "RCPT TO:<x@y>"])
        #expect(replies.last?.hasPrefix("550 5.7.1 Relaying") == true)
        #expect(conversation.session.facts[.helo] == [0x61])
    }

    @Test func `a step may send one recipient elsewhere`() throws {
        var conversation = Conversation()
        let alice = try Mailbox(Array("alice@example.test".utf8))
        let other = try Mailbox(Array("other@example.test".utf8))
        conversation.judge = { request in
            guard request.stage == .rcpt, request.envelope?.recipients == [alice] else {
                return .accept
            }
            return .accept([.removeRecipient(alice), .addRecipient(other)])
        }
        _ = conversation.run(Conversation.begun + ["RCPT TO:<bob@example.test>", "DATA", "."])
        let submission = try #require(conversation.submissions.first)
        let names = submission.envelope.recipients.map(\.description)
        #expect(names == ["other@example.test", "bob@example.test"])
        #expect(submission.edits.isEmpty)
    }

    @Test func `a message without a recipient left is swallowed`() throws {
        var conversation = Conversation()
        let alice = try Mailbox(Array("alice@example.test".utf8))
        conversation.judge = { request in
            request.stage == .message ? .accept([.removeRecipient(alice)]) : .accept
        }
        let replies = conversation.run(VerdictTests.message)
        #expect(replies.suffix(2).first?.hasPrefix("250 2.0.0") == true)
        #expect(conversation.submissions.isEmpty)
    }

    @Test func `the server's own edits come before those of the chain`() throws {
        var conversation = Conversation()
        conversation.judge = { .accept([.note(name: $0.stage.rawValue, value: [])]) }
        _ = conversation.run(Conversation.begun + ["DATA"])
        let field = try #require(HeaderField("Received", "x"))
        guard
            case .judge(let request) = conversation.session.received(
                .whole(edits: [.prepend(field)]))
        else {
            Issue.record("no judgement")
            return
        }
        #expect(request.edits.first == .prepend(field))
        #expect(request.edits.count == 6)
    }

    @Test func `a delay that is over goes nowhere`() {
        var conversation = Conversation()
        conversation.judge = { _ in .accept([.delay(.seconds(3))]) }
        _ = conversation.run(VerdictTests.message)
        #expect(conversation.requests.allSatisfy { $0.edits.isEmpty })
        #expect(conversation.submissions.map(\.edits) == [[]])
    }

    @Test func `facts tell protocol, name, body and size`() {
        var conversation = Conversation()
        _ = conversation.run([
            "HELO a", "EHLO b", "MAIL FROM:<a@b> BODY=8bitmime SIZE=007",
            "RCPT TO:<x@example.test>", "RSET", "MAIL FROM:<a@b>",
        ])
        let requests = conversation.requests
        #expect(requests[1].facts[.protocolName] == Array("SMTP".utf8))
        #expect(requests[2].facts[.protocolName] == Array("ESMTP".utf8))
        #expect(requests[3].facts[.bodyType] == Array("8BITMIME".utf8))
        #expect(requests[4].facts[.declaredSize] == Array("7".utf8))
        #expect(requests[5].facts[.bodyType] == nil)
        #expect(requests[5].facts[.declaredSize] == nil)
    }
}
