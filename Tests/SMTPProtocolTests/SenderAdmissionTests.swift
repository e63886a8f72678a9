import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct SenderAdmissionTests {
    /// A conversation with a user who may use `<anna@example.test>` alone.
    private func conversation(limitsSenders: Bool = true) -> Conversation {
        var conversation = Conversation { settings in
            settings.mechanismsInClear = ["PLAIN"]
            settings.limitsSenders = limitsSenders
        }
        conversation.verify = { _ in .accepted(user: Array("anna".utf8)) }
        conversation.admitsSender = { path, user in
            user == Array("anna".utf8) && path.bytes == Array("anna@example.test".utf8)
        }
        return conversation
    }

    private static let login = ["EHLO c.test", "AUTH PLAIN AGFubmEAeA=="]

    @Test func `a user may use his own reverse-path, and another's no more than once asked`() {
        var conversation = conversation()
        let replies = conversation.run(
            Self.login + [
                "MAIL FROM:<otto@example.test>", "RCPT TO:<alice@example.test>",
                "MAIL FROM:<anna@example.test>", "RCPT TO:<alice@example.test>",
            ])
        #expect(
            replies.dropFirst(3) == [
                "553 5.7.1 This reverse-path is not yours", "503 5.5.1 Say MAIL first",
                "250 2.1.0 Reverse-path ok", "250 2.1.5 Recipient ok",
            ])
        // No step of the chain hears of a reverse-path that is not the user's.
        #expect(conversation.requests.filter { $0.stage == .mail }.count == 1)
    }

    @Test func `who did not log in is not asked, nor is anybody without the setting`() {
        var stranger = conversation()
        #expect(
            stranger.run(["EHLO c.test", "MAIL FROM:<otto@example.test>"]).last
                == "250 2.1.0 Reverse-path ok")
        var free = conversation(limitsSenders: false)
        #expect(
            free.run(Self.login + ["MAIL FROM:<otto@example.test>"]).last
                == "250 2.1.0 Reverse-path ok")
    }

    @Test func `an answer that was not asked for changes nothing`() {
        var session = conversation().session
        _ = session.start()
        #expect(session.senderAdmitted(true) == .reply(.outOfStep))
    }

    @Test func `what is offered may change between two EHLO`() {
        var conversation = Conversation()
        _ = conversation.open()
        #expect(conversation.say("EHLO c.test")?.contains("AUTH") == false)
        conversation.session.offer(underTLS: ["PLAIN"], inClear: ["CRAM-MD5"])
        #expect(conversation.say("EHLO c.test")?.contains("AUTH CRAM-MD5") == true)
        #expect(conversation.say("AUTH PLAIN")?.hasPrefix("538") == true)
    }
}
