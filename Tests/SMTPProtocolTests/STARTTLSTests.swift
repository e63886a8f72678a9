// Tests of STARTTLS.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct STARTTLSTests {
    private func conversation(_ change: (inout SessionSettings) -> Void = { _ in }) -> Conversation
    {
        Conversation {
            $0.offersTLS = true
            change(&$0)
        }
    }

    private static let orders: [([String], String)] = [
        (["STARTTLS"], "503 5.5.1"),
        (["HELO c", "STARTTLS"], "503 5.5.1"),
        (["EHLO c", "STARTTLS x"], "501 5.5.4"),
        (["EHLO c", "STARTTLS"], "220 2.0.0"),
        (["EHLO c", "starttls"], "220 2.0.0"),
        (["EHLO c", "STARTTLS", "STARTTLS"], "503 5.5.1"),
        (["EHLO c", "STARTTLS", "EHLO c", "STARTTLS"], "503 5.5.1 TLS is already"),
        (["EHLO c", "STARTTLS", "MAIL FROM:<a@b>"], "503 5.5.1"),
        (Conversation.begun + ["STARTTLS", "DATA"], "503 5.5.1"),
        (Conversation.begun + ["STARTTLS", "EHLO c", "DATA"], "503 5.5.1"),
    ]

    @Test(arguments: orders)
    func `STARTTLS has its place`(_ lines: [String], _ expected: String) {
        var conversation = conversation()
        let reply = conversation.run(lines).last ?? ""
        #expect(reply.hasPrefix(expected), "\(reply)")
    }

    @Test func `it is offered in the clear and not under TLS`() {
        var conversation = conversation()
        let replies = conversation.run(["EHLO c", "STARTTLS", "EHLO c"])
        #expect(replies[1].contains("STARTTLS"))
        #expect(!replies[3].contains("STARTTLS"))
    }

    @Test func `what was said before is forgotten, and what is known of TLS becomes facts`() {
        var conversation = conversation()
        conversation.handshake?.serverName = Array("mx.example.test".utf8)
        conversation.handshake?.peerDigest = Array("00ff".utf8)
        conversation.judge = { .accept([.note(name: $0.stage.rawValue, value: [])]) }
        _ = conversation.run(Conversation.begun + ["STARTTLS"])
        let facts = conversation.session.facts
        #expect(facts[.helo] == nil)
        #expect(facts[.protocolName] == nil)
        #expect(facts[.message] == nil)
        #expect(!conversation.session.isInTransaction)
        _ = conversation.say("EHLO d")
        let request = conversation.requests.last
        #expect(request?.edits == [.note(name: "connect", value: [])])
        let expected: [FactName: String] = [
            .helo: "d", .protocolName: "ESMTPS", .tlsVersion: "TLSv1.3",
            .tlsCipher: "TLS_AES_128_GCM_SHA256", .tlsServerName: "mx.example.test",
            .tlsPeer: "00ff",
        ]
        for (name, value) in expected { #expect(request?.facts[name] == Array(value.utf8)) }
    }

    @Test func `without TLS after all the session goes on as it was`() {
        var conversation = conversation()
        conversation.handshake = nil
        let replies = conversation.run(Conversation.begun + ["STARTTLS", "DATA"])
        #expect(replies.suffix(2).map { $0.prefix(9) } == ["454 4.7.0", "354 End t"])
    }

    @Test func `where TLS is required nothing is done before it`() {
        var conversation = conversation { $0.requiresTLS = true }
        let before = [
            "NOOP", "RSET", "HELP", "HELO c", "EHLO c", "MAIL FROM:<a@b>", "RCPT TO:<a@b>", "DATA",
            "VRFY x", "AUTH PLAIN", "FROB",
        ]
        let replies = conversation.run(before).dropFirst().map { $0.prefix(3) }
        #expect(
            replies == [
                "250", "250", "214", "250", "250", "530", "530", "530", "530", "530", "500",
            ])
        #expect(conversation.say("STARTTLS")?.hasPrefix("220") == true)
        #expect(conversation.say("EHLO c")?.hasPrefix("250") == true)
        #expect(conversation.say("MAIL FROM:<a@b>") == "250 2.1.0 Reverse-path ok")
    }

    @Test func `a session may begin with TLS`() throws {
        let plain = conversation()
        let tls = try #require(plain.handshake)
        var session = ServerSession(
            settings: plain.session.settings, facts: plain.session.facts, id: Conversation.id,
            tls: tls)
        guard case .judge(let request) = session.start() else {
            Issue.record("nothing is asked")
            return
        }
        #expect(request.facts[.tlsVersion] == tls.version)
        _ = session.judged(.accept)
        #expect(session.take(.line(Array("STARTTLS".utf8))) == .reply(.alreadyTLS))
    }

    @Test func `an answer that nobody asked for changes nothing`() throws {
        var conversation = conversation()
        let tls = try #require(conversation.handshake)
        _ = conversation.run(["EHLO c"])
        #expect(conversation.session.tlsStarted(tls) == .reply(.outOfStep))
        #expect(conversation.session.tlsUnavailable() == .reply(.outOfStep))
        #expect(conversation.say("MAIL FROM:<a@b>")?.hasPrefix("250") == true)
    }
}
