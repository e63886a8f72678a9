// Tests of XFORWARD.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct XFORWARDTests {
    private func conversation() -> Conversation {
        var conversation = Conversation { $0.allowsXFORWARD = true }
        conversation.relay = { $0[.clientIP] == Array("192.0.2.7".utf8) ? [] : nil }
        return conversation
    }

    private static let claim =
        "XFORWARD NAME=c.test ADDR=192.0.2.9 PORT=99 HELO=cl+2Eient PROTO=ESMTP IDENT=x SOURCE=REMOTE"

    @Test func `it is an unknown command to all others`() {
        var conversation = Conversation()
        let replies = conversation.run(["EHLO c", Self.claim])
        #expect(!replies[1].contains("XFORWARD"))
        #expect(replies[2].hasPrefix("500 5.5.2"))
    }

    @Test func `the steps are asked about whom it speaks for, the first of them at MAIL`() {
        var conversation = conversation()
        let replies = conversation.run([
            "EHLO proxy.test", Self.claim, "MAIL FROM:<a@b>", "RCPT TO:<x@elsewhere.test>",
        ])
        #expect(replies[1].contains("XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"))
        #expect(replies[2] == "250 2.0.0 Ok")
        // Who has us for a filter has accepted the recipient.
        #expect(replies[4].hasPrefix("250"))
        #expect(conversation.requests.map(\.stage) == [.connect, .helo, .mail, .rcpt])
        let expected: [FactName: String] = [
            .clientName: "c.test", .clientIP: "192.0.2.9", .clientPort: "99", .helo: "cl.ient",
            .protocolName: "ESMTP",
        ]
        for request in conversation.requests {
            for (name, value) in expected { #expect(request.facts[name] == Array(value.utf8)) }
            #expect(!request.facts.mayRelay)
        }
    }

    @Test func `it holds until the end of the transaction`() {
        var conversation = conversation()
        _ = conversation.run([
            "EHLO proxy.test", Self.claim, "MAIL FROM:<a@b>", "RCPT TO:<x@d.test>", "DATA", ".",
            "MAIL FROM:<a@b>",
        ])
        let last = conversation.requests.last
        #expect(last?.stage == .mail)
        #expect(last?.facts[.clientIP] == Array("192.0.2.1".utf8))
        #expect(last?.facts[.helo] == Array("proxy.test".utf8))
        #expect(conversation.submissions.first?.facts[.clientIP] == Array("192.0.2.9".utf8))
        #expect(conversation.submissions.first?.facts[.localIP] == nil)
    }

    @Test(arguments: ["RSET", "EHLO again", "HELO again"])
    func `it is forgotten with`(_ command: String) {
        var conversation = conversation()
        _ = conversation.run(["EHLO proxy.test", Self.claim, command, "MAIL FROM:<a@b>"])
        #expect(conversation.requests.last?.facts[.clientIP] == Array("192.0.2.1".utf8))
    }

    @Test func `several add up, and what is not known is no fact`() {
        var conversation = conversation()
        _ = conversation.run([
            "EHLO proxy.test", "XFORWARD NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1",
            "XFORWARD HELO=[unavailable] PROTO=SMTP", "MAIL FROM:<a@b>",
        ])
        let facts = conversation.requests.last?.facts
        #expect(facts?[.clientIP] == Array("2001:db8::1".utf8))
        #expect(facts?[.clientName] == nil)
        #expect(facts?[.helo] == nil)
        #expect(facts?[.protocolName] == Array("SMTP".utf8))
    }

    @Test func `what comes from nobody outside has no client`() {
        var conversation = conversation()
        _ = conversation.run([
            "EHLO proxy.test", "XFORWARD ADDR=[UNAVAILABLE] SOURCE=LOCAL", "MAIL FROM:<a@b>",
        ])
        #expect(conversation.requests.last?.facts.isLocal == true)
        // A client of the other host itself is one.
        var local = self.conversation()
        _ = local.run([
            "EHLO proxy.test", "XFORWARD ADDR=127.0.0.1", "XFORWARD SOURCE=LOCAL",
            "MAIL FROM:<a@b>",
        ])
        #expect(local.requests.last?.facts[.clientIP] == Array("127.0.0.1".utf8))
        // Who only does not know the address has one all the same.
        var other = self.conversation()
        _ = other.run([
            "EHLO proxy.test", "XFORWARD ADDR=[UNAVAILABLE] SOURCE=REMOTE", "MAIL FROM:<a@b>",
        ])
        #expect(other.requests.last?.facts[.clientIP] == Array("192.0.2.1".utf8))
    }

    @Test func `whether the client may relay is asked anew`() {
        var conversation = conversation()
        _ = conversation.run(["EHLO proxy.test", "XFORWARD ADDR=192.0.2.7", "MAIL FROM:<a@b>"])
        #expect(conversation.requests.last?.facts.mayRelay == true)
    }

    private static let bad = [
        "XFORWARD", "XFORWARD ADDR", "XFORWARD ADDR=", "XFORWARD ADDR=x", "XFORWARD PORT=65536",
        "XFORWARD  ADDR=192.0.2.9", "XFORWARD FROB=x", "XFORWARD NAME=a+0D", "XFORWARD =x",
        "XFORWARD NAME=[192.0.2.9]", "XFORWARD NAME=a NAME=b", "XFORWARD SOURCE=MARS",
        "XFORWARD HELO=" + String(repeating: "x", count: 256),
    ]

    @Test(arguments: bad)
    func `what is not right changes nothing`(_ command: String) {
        var conversation = conversation()
        let replies = conversation.run(["EHLO proxy.test", command, "MAIL FROM:<a@b>"])
        #expect(replies[2].hasPrefix("501 5.5.4"))
        #expect(conversation.requests.last?.facts[.clientIP] == Array("192.0.2.1".utf8))
    }

    @Test func `it has its place between HELO and MAIL`() {
        var conversation = conversation()
        let replies = conversation.run([Self.claim, "EHLO p", "MAIL FROM:<a@b>", Self.claim])
        #expect(replies[1].hasPrefix("503"))
        #expect(replies[4].hasPrefix("503"))
    }

    @Test(arguments: [Stage.connect, .helo, .mail])
    func `a refusal of the client is the reply to RCPT, and discard is kind`(_ stage: Stage) {
        for verdict in [Verdict.reject(EnhancedStatus(5, 7, 1), "no"), .discard] {
            var conversation = conversation()
            conversation.judge = { $0.stage == stage ? verdict : .accept }
            let lines = [
                "EHLO p", Self.claim, "MAIL FROM:<a@b>", "RCPT TO:<x@d.test>",
                "RCPT TO:<y@d.test>", "DATA", "RSET", "MAIL FROM:<a@b>",
            ]
            let replies = conversation.run(lines)
            #expect(replies[0].hasPrefix("220"))
            #expect(replies[1].hasPrefix("250"))
            // Postfix takes no other answer to MAIL.
            #expect(replies[3].hasPrefix("250"))
            for reply in replies[4...5] {
                #expect(reply.hasPrefix(verdict == .discard ? "250" : "550 5.7.1 no"))
            }
            if verdict == .discard { continue }
            #expect(replies[6].hasPrefix("554 5.5.1"))
            #expect(replies[8].hasPrefix("250"))
            #expect(Set(conversation.requests.compactMap { $0.facts[.message] }).count == 2)
        }
    }

    @Test func `edits made of the client go with the message`() throws {
        var conversation = conversation()
        let field = try #require(HeaderField(Array("X-Seen".utf8), Array("yes".utf8)))
        conversation.judge = { $0.stage <= .mail ? .accept([.prepend(field)]) : .accept }
        _ = conversation.run([
            "EHLO p", Self.claim, "MAIL FROM:<a@b>", "RCPT TO:<x@d.test>", "DATA", ".",
        ])
        #expect(conversation.requests.first { $0.stage == .mail }?.edits.count == 2)
        #expect(conversation.submissions.first?.edits.count == 3)
    }
}
