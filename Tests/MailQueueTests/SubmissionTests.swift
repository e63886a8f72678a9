import MailModel
import Testing

@testable import MailQueue

@Suite struct SubmissionTests {
    @Test func `envelope edits are applied, header edits kept, notes dropped`() throws {
        let field = try #require(HeaderField("X-A", "b"))
        let other = try Mailbox(Array("other@y.test".utf8))
        let edits: [Edit] = [
            .note(name: "spf", value: [0x70]), .prepend(field), .addRecipient(other), .hold,
            .reversePath(.null), .remove(name: Array("Bcc".utf8)),
        ]
        let submission = Samples.submission(try Samples.envelope(to: "x@y.test"), edits)
        let message = QueuedMessage(submission, arrival: 1, submitter: "")
        #expect(message.envelope.reversePath == .null)
        #expect(message.envelope.recipients.count == 2)
        #expect(message.edits == [.prepend(field), .remove(name: Array("Bcc".utf8))])
        #expect(edits.hold)
    }

    @Test func `header edits before a replacement go with the old message`() throws {
        let field = try #require(HeaderField("X-A", "b"))
        let submission = Samples.submission(
            try Samples.envelope(to: "x@y.test"),
            [.prepend(field), .replaceMessage(offset: 3, length: 4), .remove(name: [0x41])])
        #expect(submission.headerEdits == [.remove(name: [0x41])])
        #expect(submission.messageRange == (3, 4))
    }

    @Test func `a submission is read as it was sent`() throws {
        var submission = Samples.submission(
            try Samples.envelope(to: "x@y.test"), [.hold, .remove(name: [0x41])])
        submission.facts[.helo] = Array("client.test".utf8)
        submission.isCopied = true
        submission.envelope.options.envid = EnvelopeID("x+2By".utf8)
        submission.envelope.append(
            try Mailbox(Array("z@y.test".utf8)), RecipientOptions(notify: .never))
        #expect(try Submission(submission.fields) == submission)
    }

    @Test(arguments: [
        "../../etc/passwd", "x", "", "0000000000000000000000-1", "000000000000000000000-01",
    ])
    func `an id that is none is refused`(id: String) throws {
        var fields = Fields()
        fields.append("id", id)
        fields.append(try Samples.envelope(to: "x@y.test"))
        fields.append("message-offset", 0)
        fields.append("message-length", 0)
        #expect(throws: FieldsError.badValue("id")) { try Submission(fields) }
    }

    @Test(arguments: [
        QueueRefusal.diskFull, .cannotWrite, .cannotRead, .unavailable, .timedOut,
        .badRequest("x"), .duplicate,
    ])
    func `refusals are read as they were sent, and are temporary`(refusal: QueueRefusal) {
        let outcome = QueueOutcome.refused(refusal)
        #expect(QueueOutcome(outcome.fields) == outcome)
        #expect(!refusal.exit.isPermanent)
        #expect((400..<500).contains(refusal.reply.code))
        #expect(refusal.reply.status.statusClass == 4)
    }

    @Test func `a full disk is 452 4 3 1 and exit 53`() {
        #expect(QueueRefusal.diskFull.reply.code == 452)
        #expect(QueueRefusal.diskFull.reply.status == EnhancedStatus(4, 3, 1))
        #expect(QueueRefusal.diskFull.exit == .cannotWrite)
    }
}
