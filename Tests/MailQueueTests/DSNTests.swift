import Control
import MailModel
import TestSupport
import Testing

@testable import MailQueue

@Suite struct DSNTests {
    private static func dsn(on message: QueuedMessage) throws -> DSN {
        let folder = try TestFolder()
        try folder.write("control/me", "mail.test\n")
        let settings = try ReportSettings(ControlFolder("\(folder.path)/control"))
        let path = try #require(message.failurePath(nil))
        return DSN(.failure, on: message, to: path, by: Array("mail.test".utf8), settings)
    }

    private func report(
        to recipient: String = "bob@remote.test", _ result: DeliveryResult, header: String
    ) throws -> String {
        var submission = Samples.submission(
            try Samples.envelope(from: "alice@example.test", to: "ok@a.test", recipient))
        submission.edits = [.prepend(try #require(HeaderField("Received", "by us")))]
        let message = QueuedMessage(submission, arrival: Samples.now, submitter: "1 0")
        var dsn = try DSNTests.dsn(on: message)
        dsn.entries = [
            DSN.Entry(recipient: 1, result: result, lastAttempt: Samples.seconds + 30)
        ]
        dsn.content = Array(header.utf8)
        let bytes = dsn.bytes(id: Samples.id(5), now: Samples.seconds + 60)
        return String(decoding: bytes, as: UTF8.self)
    }

    @Test func `the whole report`() throws {
        let id = Samples.id()
        let dsn = Samples.id(5)
        let text = try report(
            Samples.result(550, "no such user"), header: "Subject: x\nTo: y\n\nbody\n")
        #expect(
            text == """
                From: Mail Delivery System <MAILER-DAEMON@mail.test>
                To: <alice@example.test>
                Subject: Undelivered mail: returned to sender
                Date: 23 Nov 2026 22:14:20 -0000
                Message-ID: <\(dsn)@mail.test>
                Auto-Submitted: auto-replied
                MIME-Version: 1.0
                Content-Type: multipart/report; report-type=delivery-status;
                \tboundary="=_\(dsn)"

                --=_\(dsn)
                Content-Type: text/plain; charset=utf-8
                Content-Transfer-Encoding: 8bit

                This is the mail system at mail.test.

                Your message could not be delivered to the recipients below.
                It will not be tried again for them.

                <bob@remote.test>:
                    mx.example.test said:
                    550 5.1.1 no such user

                --=_\(dsn)
                Content-Type: message/delivery-status

                Reporting-MTA: dns; mail.test
                X-Queue-ID: \(id)
                Arrival-Date: 23 Nov 2026 22:13:20 -0000

                Final-Recipient: rfc822; bob@remote.test
                Action: failed
                Status: 5.1.1
                Remote-MTA: dns; mx.example.test
                Diagnostic-Code: smtp; 550 5.1.1 no such user
                Last-Attempt-Date: 23 Nov 2026 22:13:50 -0000

                --=_\(dsn)
                Content-Type: text/rfc822-headers

                Received: by us
                Subject: x
                To: y
                --=_\(dsn)--

                """)
    }

    private func report(
        recipient: String = "bob@remote.test", _ options: RecipientOptions,
        _ change: (inout QueuedMessage) -> Void = { _ in }, text: String = "A: b\nBcc: c\n\nbody",
        isWhole: Bool = false
    ) throws -> String {
        var submission = Samples.submission(try Samples.envelope(from: "alice@example.test"))
        submission.envelope.append(try Mailbox(Array(recipient.utf8)), options)
        submission.edits = [.remove(name: Array("Bcc".utf8))]
        var message = QueuedMessage(submission, arrival: Samples.now, submitter: "1 0")
        change(&message)
        if isWhole { message.envelope.options.ret = .full }
        message.messageLength = text.utf8.count
        var dsn = try DSNTests.dsn(on: message)
        dsn.entries = [DSN.Entry(recipient: 0, result: Samples.result(550))]
        dsn.content = Array(text.utf8)
        return String(decoding: dsn.bytes(id: Samples.id(5), now: 0), as: UTF8.self)
    }

    @Test func `the sender's names for message and recipient are given back`() throws {
        let options = RecipientOptions(orcpt: OriginalRecipient("rfc822;Bob+2Bx@first.test".utf8))
        let text = try report(options) {
            $0.envelope.options.envid = EnvelopeID("QQ+3D1".utf8)
        }
        #expect(text.contains("\n\nOriginal-Envelope-Id: QQ=1\nReporting-MTA: dns; mail.test\n"))
        #expect(
            text.contains(
                "\n\nOriginal-Recipient: rfc822; Bob+x@first.test\n"
                    + "Final-Recipient: rfc822; bob@remote.test\n"))
    }

    @Test func `the header without what was removed is given back, or the whole message`() throws {
        let header = try report(RecipientOptions())
        #expect(header.contains("\nContent-Type: text/rfc822-headers\n\nA: b\n--=_"))
        let whole = try report(RecipientOptions(), isWhole: true)
        #expect(whole.contains("\nContent-Type: message/rfc822\n\nA: b\n\nbody\n--=_"))
    }

    @Test func `addresses in UTF-8 are ASCII in fields`() throws {
        let options = RecipientOptions(orcpt: OriginalRecipient("utf-8;é@first.test".utf8))
        let text = try report(
            recipient: "é+\u{1F600}@b.test", options, { $0.envelope.options.smtputf8 = true },
            text: "A: é\n\n")
        #expect(text.contains("\nOriginal-Recipient: utf-8; \\x{E9}@first.test\n"))
        #expect(text.contains("\nFinal-Recipient: utf-8; \\x{E9}\\x{2B}\\x{1F600}@b.test\n"))
        #expect(
            text.contains(
                "\nContent-Type: message/global-headers\nContent-Transfer-Encoding: 8bit\n\nA: é\n")
        )
    }

    @Test func `control characters of an address forge no line`() throws {
        let text = try report(
            to: "a\u{1B}b\tc@remote.test", Samples.result(550), header: "A: b\n\n")
        #expect(text.contains("Final-Recipient: rfc822; a?b?c@remote.test\n"))
    }

    @Test func `a header without an end is cut at a whole line`() throws {
        let long = "A: b\n" + String(repeating: "x", count: DSN.headerLimit)
        let text = try report(Samples.result(550), header: long)
        #expect(text.contains("\nA: b\n--=_"))
        #expect(text.utf8.count < 4096)
    }

    @Test func `a message without a header returns none`() throws {
        let text = try report(Samples.result(550), header: "\nbody\n")
        #expect(!text.contains("body"))
    }

    @Test func `ids follow from the message and the number of reports`() {
        let first = DSN.id(for: Samples.id(), .failure, number: 0)
        #expect(first == DSN.id(for: Samples.id(), .failure, number: 0))
        #expect(first != DSN.id(for: Samples.id(), .failure, number: 1))
        #expect(first != DSN.id(for: Samples.id(), .success, number: 0))
        #expect(first != DSN.id(for: Samples.id(2), .failure, number: 0))
        // The same in every version: a report of an older one must be recognised.
        #expect(first.description == "1k0z3kc7800gjr0wy2tnw-1")
    }
}
