// Tests of a session whose commands go to a server behind.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct PassingTests {
    private func conversation(
        _ change: (inout SessionSettings) -> Void = { _ in }
    ) -> Conversation {
        Conversation {
            $0.passes = true
            change(&$0)
        }
    }

    @Test func `what it says is the reply, with a status of its class where it has none`() {
        var conversation = conversation()
        conversation.queue = { _ in .answered(SMTPReply(250, nil, "Ok: queued as 4711")) }
        let replies = conversation.run(Conversation.begun + ["DATA", "."])
        #expect(replies[2] == "250 2.0.0 behind")
        #expect(replies[3] == "250 2.0.0 behind")
        #expect(replies[5] == "250 2.0.0 Ok: queued as 4711")
        #expect(conversation.passed.count == 2)
    }

    @Test func `what it refuses has not happened`() {
        var conversation = conversation()
        conversation.behind = { command in
            if case .mail(let envelope) = command, envelope.reversePath.isNull {
                return SMTPReply(550, EnhancedStatus(5, 7, 1), "no bounces")
            }
            if case .recipients(let envelope) = command,
                envelope.recipients.first?.localPart.elementsEqual("bob".utf8) == true
            {
                return SMTPReply(450, EnhancedStatus(4, 2, 0), "busy")
            }
            return SMTPReply(250, EnhancedStatus(2, 1, 5), "fine")
        }
        let replies = conversation.run([
            "EHLO c.test", "MAIL FROM:<>", "RCPT TO:<alice@example.test>", "MAIL FROM:<a@b>",
            "RCPT TO:<bob@example.test>", "RCPT TO:<alice@example.test>", "DATA", ".",
        ])
        #expect(replies[2] == "550 5.7.1 no bounces")
        #expect(replies[3].hasPrefix("503"))
        #expect(replies[5] == "450 4.2.0 busy")
        #expect(replies[6] == "250 2.1.5 fine")
        let recipients = conversation.submissions.first?.envelope.recipients
        #expect(recipients?.map(\.description) == ["alice@example.test"])
    }

    @Test func `for Postfix in front, what it says to MAIL is the reply to RCPT`() {
        var conversation = conversation { $0.allowsXFORWARD = true }
        conversation.behind = { _ in SMTPReply(451, EnhancedStatus(4, 4, 1), "down") }
        let replies = conversation.run(Conversation.begun)
        #expect(replies[2].hasPrefix("250"))
        #expect(replies[3] == "451 4.4.1 down")
        #expect(conversation.passed.count == 1)
    }

    @Test func `421 ends the session`() {
        var conversation = conversation()
        conversation.behind = { _ in SMTPReply(421, EnhancedStatus(4, 3, 2), "bye") }
        #expect(conversation.run(["EHLO c", "MAIL FROM:<a@b>"])[2] == "421 4.3.2 bye")
        #expect(conversation.isClosed)
    }

    @Test func `it is told what the steps made of the envelope, and nothing they refuse`() throws {
        var conversation = conversation()
        let other = try Mailbox(Array("new@d.test".utf8))
        conversation.judge = { request in
            switch request.stage {
            case .mail: return .accept([.reversePath(.mailbox(other))])
            case .rcpt:
                guard let mailbox = request.envelope?.recipients.first else { return .discard }
                switch String(decoding: mailbox.localPart, as: UTF8.self) {
                case "no": return .reject(EnhancedStatus(5, 1, 1), "no")
                case "gone": return .discard
                default: return .accept([.removeRecipient(mailbox), .addRecipient(other)])
                }
            default: return .accept
            }
        }
        let names = ["no", "gone", "alice"].map { "RCPT TO:<\($0)@example.test>" }
        _ = conversation.run(["EHLO c.test", "MAIL FROM:<a@b> RET=HDRS"] + names)
        var mail = Envelope(reversePath: .mailbox(other))
        mail.options.ret = .headers
        #expect(conversation.passed.count == 2)
        #expect(conversation.passed.first == .mail(mail))
        guard case .recipients(let told)? = conversation.passed.last else { return }
        #expect(told.recipients == [other])
    }

    @Test func `what is thrown away is not told`() {
        var conversation = conversation()
        conversation.judge = { $0.stage == .mail ? .discard : .accept }
        let replies = conversation.run(Conversation.begun + ["DATA", "."])
        #expect(replies.last?.hasPrefix("250") == true)
        #expect(conversation.passed.isEmpty && conversation.submissions.isEmpty)
    }

    @Test func `only what it can do is offered and taken`() {
        var conversation = conversation { $0.messageSize = 1000 }
        conversation.session.narrow(
            to: ExtensionsBehind(
                eightBitMIME: false, smtputf8: false, dsn: false, messageSize: 500, recipients: 7))
        let replies = conversation.run([
            "EHLO c", "MAIL FROM:<a@b> BODY=8BITMIME", "MAIL FROM:<a@b> SMTPUTF8",
            "MAIL FROM:<a@b> RET=FULL", "MAIL FROM:<a@b> SIZE=501", "MAIL FROM:<a@b> SIZE=500",
            "RCPT TO:<alice@example.test> NOTIFY=NEVER",
        ])
        #expect(
            replies[1].split(separator: "|").dropFirst().map { $0.dropFirst(4) } == [
                "PIPELINING", "SIZE 500", "CHUNKING", "ENHANCEDSTATUSCODES", "PRDR",
                "LIMITS RCPTMAX=7", "HELP",
            ])
        let codes = replies.dropFirst(2).map { $0.prefix(3) }
        #expect(codes == ["555", "555", "555", "552", "250", "555"])
    }

    @Test func `with PRDR each recipient gets what it says`() {
        var conversation = conversation()
        conversation.queue = { _ in .answered(SMTPReply(552, EnhancedStatus(5, 2, 2), "full")) }
        let replies = conversation.run([
            "EHLO c", "MAIL FROM:<a@b> PRDR", "RCPT TO:<a@example.test>",
            "RCPT TO:<b@example.test>", "DATA", ".",
        ])
        #expect(replies.last?.split(separator: "|").count == 4)
        #expect(replies.last?.hasSuffix("552 5.2.2 full") == true)
    }
}
