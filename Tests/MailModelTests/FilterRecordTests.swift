// Tests of FilterRequest, FilterReply and the edits on the wire.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

struct FilterRecordTests {
    private func everyEdit() throws -> [Edit] {
        [
            .prepend(try #require(HeaderField("Received", "from a\n\tby b"))),
            .remove(name: Array("X-Spam".utf8)),
            .addRecipient(try Mailbox(Array("a@b".utf8))),
            .removeRecipient(try Mailbox(Array("c@d".utf8))),
            .reversePath(.null), .replaceMessage(offset: 3, length: 7),
            .note(name: "spf", value: Array("pass".utf8)), .hold,
        ]
    }

    @Test func `a request reads back as it was written`() throws {
        var facts = Facts()
        facts[.clientIP] = Array("192.0.2.1".utf8)
        facts[.helo] = [0xFF, 0x00]
        facts[.relay] = []
        let request = FilterRequest(
            stage: .rcpt, facts: facts,
            envelope: Envelope(reversePath: .null, recipients: [try Mailbox(Array("a@b".utf8))]),
            edits: try everyEdit(), messageOffset: 17, messageLength: 4, isTrial: true)
        #expect(try FilterRequest(Fields(frame: request.fields.frame)) == request)
    }

    @Test func `a request before MAIL has no envelope`() throws {
        let request = FilterRequest(stage: .connect, facts: Facts())
        #expect(try FilterRequest(Fields(frame: request.fields.frame)).envelope == nil)
    }

    @Test func `every verdict reads back as it was written`() throws {
        let verdicts: [Verdict] = [
            .accept, .accept(try everyEdit()), .discard,
            .reject(EnhancedStatus(5, 7, 1), "no"),
            .defer(Reply(421, EnhancedStatus(4, 7, 1), "later", delay: .milliseconds(250))),
            .accept(try everyEdit() + [.delay(.milliseconds(1500))]),
        ]
        for verdict in verdicts {
            let reply = FilterReply(verdict, evidence: "because")
            #expect(try FilterReply(Fields(frame: reply.fields.frame)) == reply)
        }
    }

    @Test func `a request that only tells what became of it says so`() throws {
        var request = FilterRequest(stage: .rcpt, facts: Facts())
        for outcome in Outcome.allCases {
            request.outcome = outcome
            #expect(try FilterRequest(Fields(frame: request.fields.frame)).outcome == outcome)
        }
        request.outcome = nil
        var fields = request.fields
        fields.append("outcome", "praised")
        #expect(throws: FieldsError.badValue("outcome")) { try FilterRequest(fields) }
    }

    @Test func `a delay is no edit on the wire`() {
        let request = FilterRequest(
            stage: .mail, facts: Facts(), edits: [.hold, .delay(.seconds(1))])
        #expect(request.fields.all.map(\.name).filter { $0.hasPrefix("edit.") } == ["edit.hold"])
        #expect(!request.fields.all.contains { $0.name == "delay" })
    }

    @Test func `a verdict takes another delay, but nobody waits for a discard`() {
        let second = Duration.seconds(1)
        let edits: [Edit] = [.delay(second), .hold, .delay(.seconds(3))]
        #expect(Verdict.accept(edits).delay == .seconds(3))
        #expect(Verdict.accept(edits).delayed(by: second) == .accept([.hold, .delay(second)]))
        #expect(Verdict.accept(edits).delayed(by: .zero) == .accept([.hold]))
        let no = Verdict.reject(EnhancedStatus(5, 7, 1), "no")
        #expect(no.delayed(by: second).delay == second)
        #expect(no.delayed(by: second).delayed(by: .zero) == no)
        #expect(Verdict.discard.delayed(by: second).delay == .zero)
    }

    private func reply(_ pairs: [(String, String)]) throws -> FilterReply {
        var fields = Fields()
        for (name, value) in pairs { fields.append(name, value) }
        return try FilterReply(fields)
    }

    @Test(arguments: [
        [("verdict", "accept")],
        [("chainmail", "2"), ("verdict", "accept")],
        [("chainmail", "1")],
        [("chainmail", "1"), ("verdict", "Accept")],
        [("chainmail", "1"), ("verdict", "accept"), ("edit.unknown", "")],
        [("chainmail", "1"), ("verdict", "accept"), ("edit.prepend", "no colon")],
        [("chainmail", "1"), ("verdict", "accept"), ("edit.prepend", "A: b\nC: d")],
        [("chainmail", "1"), ("verdict", "reject")],
        [
            ("chainmail", "1"), ("verdict", "reject"), ("code", "451"), ("status", "5.7.1"),
            ("text", ""),
        ],
        [
            ("chainmail", "1"), ("verdict", "defer"), ("code", "451"), ("status", "5.7.1"),
            ("text", ""),
        ],
        [("chainmail", "1"), ("verdict", "reject"), ("code", "550"), ("status", "5.7.1")],
        [
            ("chainmail", "1"), ("verdict", "defer"), ("code", "451"), ("status", "4.7.1"),
            ("text", ""),
            ("delay", "99999999"),
        ],
        [("chainmail", "1"), ("verdict", "accept"), ("delay", "600001")],
        [("chainmail", "1"), ("verdict", "accept"), ("delay", "-1")],
    ])
    func `a reply with a part that is missing or wrong is no reply`(pairs: [(String, String)]) {
        #expect(throws: FieldsError.self) { try reply(pairs) }
    }

    @Test func `a text cannot break the line it is in`() {
        let reply = Reply(550, EnhancedStatus(5, 7, 1), "a\r\n250 ok\u{0}")
        #expect(reply.text == "a??250 ok?")
    }
}
