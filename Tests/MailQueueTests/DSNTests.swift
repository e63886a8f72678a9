import MailModel
import Testing

@testable import MailQueue

@Suite struct DSNTests {
    private func report(
        to recipient: String = "bob@remote.test", _ result: DeliveryResult, header: String
    ) throws -> String {
        var submission = Samples.submission(
            try Samples.envelope(from: "alice@example.test", to: "ok@a.test", recipient))
        submission.edits = [.prepend(try #require(HeaderField("Received", "by us")))]
        let message = QueuedMessage(submission, arrival: Samples.now, submitter: "1 0")
        let dsn = DSN(
            message: message, failures: [(1, result)], header: Array(header.utf8),
            host: Array("mail.test".utf8), from: Array("MAILER-DAEMON@mail.test".utf8))
        let alice = try Mailbox(Array("alice@example.test".utf8))
        let bytes = dsn.bytes(
            id: Samples.id(5), to: alice, now: Samples.seconds + 60)
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
        let dsn = DSN(
            message: message, failures: [(0, Samples.result(550))], header: Array(text.utf8),
            host: Array("mail.test".utf8), from: Array("MAILER-DAEMON@mail.test".utf8),
            isWhole: isWhole)
        let bytes = dsn.bytes(
            id: Samples.id(5), to: try Mailbox(Array("alice@example.test".utf8)), now: 0)
        return String(decoding: bytes, as: UTF8.self)
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
        let first = DSN.id(for: Samples.id(), number: 0)
        #expect(first == DSN.id(for: Samples.id(), number: 0))
        #expect(first != DSN.id(for: Samples.id(), number: 1))
        #expect(first != DSN.id(for: Samples.id(2), number: 0))
        // The same in every version: a report of an older one must be recognised.
        #expect(first.description == "1k0z3kc7800gjr0wy2tnw-1")
    }

    @Test(
        arguments: [
            ("a@b.test", "a@b.test"), ("list-@b.test-@[]", "list-@b.test"), ("#@[]", nil),
            ("", nil),
        ] as [(String, String?)])
    func `where reports go`(reversePath: String, target: String?) throws {
        let submission = Samples.submission(try Samples.envelope(from: reversePath, to: "x@y.test"))
        let message = QueuedMessage(submission, arrival: 1, submitter: "")
        #expect(message.bouncePath?.bytes == target.map { Array($0.utf8) })
    }
}
