import Control
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// Who is told what, when and how often.
@Suite struct ReportTests {
    private let stage: QueueStage

    init() throws { stage = try QueueStage() }

    private var reports: [TestAgents.Delivered] { stage.agents.delivered(to: "alice@local.test") }

    /// A moment so many hours after the message came.
    private func run(atHour hour: Double) throws {
        stage.now = Samples.now + UInt64(hour * 3_600_000_000)
        try stage.run()
    }

    // MARK: NOTIFY=SUCCESS

    @Test(
        arguments: [
            ("bob@local.test", "delivered"), ("bob@remote.test", "relayed"),
            ("expanded@local.test", "expanded"), ("relayed@local.test", "relayed"),
            ("delivered@remote.test", "delivered"), ("passed@remote.test", nil),
        ] as [(String, String?)])
    func `a success is reported to who asks for it`(recipient: String, action: String?) throws {
        try stage.accept(
            [recipient, "carol@local.test"], notify: [[.success], [.failure]], ret: .full)
        try stage.run()
        #expect(stage.agents.delivered(to: recipient).count == 1)
        #expect(reports.count == (action == nil ? 0 : 1))
        #expect(stage.files.isEmpty)
        guard let action, let report = reports.first else { return }
        #expect(report.sender.isEmpty)
        #expect(report.text.contains("Final-Recipient: rfc822; \(recipient)\nAction: \(action)\n"))
        #expect(report.text.contains("Status: 2.0.0\n"))
        #expect(report.text.contains("\nLast-Attempt-Date: 23 Nov 2026 22:13:20 -0000\n"))
        #expect(!report.text.contains("carol@local.test"))
        // RFC 3461, section 4.3: RET is for failures.
        #expect(!report.text.contains("body"))
    }

    @Test func `successes of later attempts are reported in another report`() throws {
        try stage.accept(
            ["bob@local.test", "later@local.test"], notify: [[.success], [.success]])
        try stage.run()
        stage.agents.acceptLater()
        try run(atHour: 1)
        #expect(Set(reports.map(\.id)).count == 2)
        #expect(reports.last?.text.contains("rfc822; bob@local.test") == false)
        #expect(stage.files.isEmpty)
    }

    @Test func `a failure and a success are two reports`() throws {
        try stage.accept(
            ["bob@local.test", "fail@local.test"], notify: [[.success], [.success, .failure]])
        try stage.run()
        #expect(reports.count { $0.text.contains("Action: delivered\n") } == 1)
        #expect(reports.count { $0.text.contains("Action: failed\n") } == 1)
        #expect(stage.files.isEmpty)
    }

    @Test(arguments: ["", "#@[]"])
    func `nobody is told of a success of what has no sender`(sender: String) throws {
        try stage.accept(["bob@local.test"], from: sender, notify: [[.success]])
        try stage.run()
        #expect(stage.agents.delivered.map(\.recipient) == ["bob@local.test"])
        #expect(stage.files.isEmpty)
    }

    // MARK: delays

    @Test func `a delay is reported once, four hours after the message came`() throws {
        try stage.accept(["defer@remote.test", "bob@local.test"])
        try stage.run()
        try run(atHour: 3.99)
        #expect(reports.isEmpty)
        // No attempt is due then: the moment itself is kept.
        try run(atHour: 4.02)
        let text = try #require(reports.first?.text)
        #expect(text.contains("Final-Recipient: rfc822; defer@remote.test\nAction: delayed\n"))
        #expect(text.contains("Status: 4.1.1\n"))
        #expect(text.contains("\nWill-Retry-Until: 30 Nov 2026 22:13:20 -0000\n"))
        #expect(text.contains("\nLast-Attempt-Date: 24 Nov 2026 02:12:"))
        #expect(!text.contains("bob@local.test"))
        for hour in [5, 9, 30, 100] { try run(atHour: Double(hour)) }
        #expect(reports.count == 1)
        try run(atHour: 169)
        #expect(Set(reports.map(\.id)).count == 2, "the failure has another id")
        #expect(stage.files.isEmpty)
    }

    @Test(
        arguments: [
            ("alice@local.test", [.failure], nil, false),
            ("alice@local.test", [.delay], nil, true), ("alice@local.test", .never, nil, false),
            ("alice@local.test", nil, "0", false), ("alice@local.test", nil, "6", false),
            ("", nil, nil, false), ("#@[]", nil, nil, false), ("", [.delay], nil, false),
        ] as [(String, Notify?, String?, Bool)])
    func `who is told of a delay`(
        sender: String, notify: Notify?, hours: String?, isTold: Bool
    ) throws {
        if let hours { try stage.folder.write("etc/control/queuewarn", hours) }
        try stage.accept(["defer@remote.test"], from: sender, notify: [notify])
        try stage.run()
        try run(atHour: 5)
        #expect(stage.agents.delivered.count == (isTold ? 1 : 0))
    }

    // MARK: failures of what has no sender

    @Test func `a failure of what has no sender goes to the postmaster`() throws {
        try stage.accept(["fail@local.test"], from: "")
        try stage.run()
        let double = try #require(stage.agents.delivered.first)
        #expect(stage.agents.delivered.count == 1)
        #expect(double.recipient == "postmaster@mail.test")
        #expect(double.sender == "#@[]")
        #expect(double.text.contains("Final-Recipient: rfc822; fail@local.test\n"))
        #expect(double.text.contains("Subject: hello\n\nbody\n"), "the whole of it")
        #expect(stage.files.isEmpty)
    }

    @Test func `a report that fails goes there too, and that one's failure nowhere`() throws {
        try stage.folder.write("etc/control/doublebounceto", "fail\n")
        try stage.folder.write("etc/control/doublebouncehost", "local.test\n")
        try stage.accept(["fail@local.test"], from: "fail-too@local.test")
        try stage.run()
        #expect(stage.agents.delivered.isEmpty)
        #expect(stage.files.isEmpty)
    }

    @Test(arguments: ["\n", " \npostmaster\n", ""])
    func `a blank first line discards it`(contents: String) throws {
        try stage.folder.write("etc/control/doublebounceto", contents)
        try stage.accept(["fail@local.test"], from: "")
        try stage.run()
        #expect(stage.agents.delivered.isEmpty)
        #expect(stage.files.isEmpty)
    }

    // MARK: words and marks

    @Test func `qmail's words`() throws {
        try stage.folder.write("etc/control/bounceformat", "qmail\n")
        try stage.folder.write("etc/control/bouncehost", "bounce.test\n")
        try stage.accept(["fail@remote.test"])
        try stage.run()
        let report = try #require(reports.first)
        #expect(
            report.text == """
                Date: 23 Nov 2026 22:13:20 -0000
                Message-ID: <\(report.id)@mail.test>
                From: MAILER-DAEMON@bounce.test
                To: alice@local.test
                Subject: failure notice

                Hi. This is the qmail-send program at bounce.test.
                I'm afraid I wasn't able to deliver your message to the following addresses.
                This is a permanent error; I've given up. Sorry it didn't work out.

                <fail@remote.test>:
                Remote host said: 550 5.1.1 no such user
                Giving up on mx.example.test.

                --- Below this line is a copy of the message.

                Return-Path: <alice@local.test>
                Subject: hello

                body

                """)
    }

    @Test func `qmail's words for a bounce that bounced`() throws {
        try stage.folder.write("etc/control/bounceformat", "qmail\n")
        try stage.accept(["fail@local.test"], from: "")
        try stage.run()
        let text = try #require(stage.agents.delivered.first?.text)
        #expect(
            text.contains(
                """
                Subject: failure notice

                Hi. This is the qmail-send program at mail.test.
                I tried to deliver a bounce message to this address, but the bounce bounced!

                <fail@local.test>:
                """))
        #expect(
            text.contains("\n--- Below this line is the original bounce.\n\nReturn-Path: <>\n"))
    }

    @Test func `a format that does not exist is refused`() throws {
        try stage.folder.write("etc/control/bounceformat", "sendmail\n")
        #expect(throws: ControlError.self) { try RunnerSettings(stage.root) }
    }

    @Test func `what was to go by TLS only does not come back without, nor as a whole`() throws {
        try stage.accept(["fail@local.test"], ret: .full, requireTLS: true)
        try stage.run()
        #expect(reports.first?.options.requireTLS == true)
        #expect(reports.first?.text.contains("body") == false)
    }

    @Test func `each recipient of a variable reverse-path has one of its own`() throws {
        try stage.accept(
            ["bob@local.test", "carol@Remote.test", "dave@remote.test", "fail@local.test"],
            from: "list-@local.test-@[]")
        try stage.run()
        #expect(
            Set(stage.agents.delivered.map { "\($0.recipient) \($0.sender)" }) == [
                "bob@local.test list-bob=local.test@local.test",
                "carol@Remote.test list-carol=Remote.test@local.test",
                "dave@remote.test list-dave=remote.test@local.test", "list-@local.test ",
            ])
        #expect(stage.files.isEmpty)
    }

    @Test(
        arguments: [
            ("list-@h.test-@[]", "u@d.test", "list-u=d.test@h.test"),
            ("list-@h.test-@[]", "u", "list-@h.test"), ("x-@[]", "u@d.test", "x-@[]"),
            ("-@[]", "u@d.test", "-@[]"), ("a@b.test", "u@d.test", "a@b.test"),
            ("", "u@d.test", ""), ("#@[]", "u@d.test", "#@[]"),
        ])
    func `how a variable reverse-path is expanded`(
        path: String, recipient: String, expanded: String
    ) throws {
        let path = try ReversePath(Array(path.utf8))
        let result = path.expanded(for: try Mailbox(Array(recipient.utf8)))
        #expect(result.bytes.printable == expanded)
    }

    @Test(
        arguments: [
            ("a@b.test", "a@b.test"), ("list-@b.test-@[]", "list-@b.test"), ("#@[]", nil),
            ("", nil),
        ] as [(String, String?)])
    func `where reports go`(reversePath: String, target: String?) throws {
        let submission = Samples.submission(try Samples.envelope(from: reversePath, to: "x@y.test"))
        let message = QueuedMessage(submission, arrival: 1, submitter: "")
        #expect(message.senderPath?.recipient.bytes == target.map { Array($0.utf8) })
    }
}
