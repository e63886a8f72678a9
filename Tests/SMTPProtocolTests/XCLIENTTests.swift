// Tests of XCLIENT.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct XCLIENTTests {
    private func conversation(relay: String? = nil) -> Conversation {
        var conversation = Conversation(
            {
                $0.allowsXCLIENT = true
                $0.offersTLS = true
            }, relay: relay)
        conversation.relay = { $0[.clientIP] == Array("192.0.2.7".utf8) ? [] : nil }
        return conversation
    }

    @Test func `it is an unknown command to all others`() {
        var conversation = Conversation()
        let replies = conversation.run(["EHLO c", "XCLIENT ADDR=192.0.2.9"])
        #expect(!replies[1].contains("XCLIENT"))
        #expect(replies[2].hasPrefix("500 5.5.2"))
    }

    @Test func `the session begins again with the client that it names`() {
        var conversation = conversation()
        let replies = conversation.run([
            "EHLO proxy.test",
            "XCLIENT NAME=c.test ADDR=192.0.2.9 PORT=99 HELO=cl+2Eient PROTO=SMTP "
                + "LOGIN=u+40d DESTADDR=IPV6:2001:db8::1 DESTPORT=25",
            "MAIL FROM:<a@b>", "EHLO proxy.test", "MAIL FROM:<a@b>",
        ])
        #expect(
            replies[1].contains("XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"))
        #expect(replies[2] == "220 mx.example.test ESMTP")
        #expect(replies[3].hasPrefix("503 5.5.1"))
        let stages: [Stage] = [.connect, .helo, .connect, .helo, .mail]
        #expect(conversation.requests.map(\.stage) == stages)
        let expected: [FactName: String] = [
            .clientName: "c.test", .clientIP: "192.0.2.9", .clientPort: "99",
            .authUser: "u@d", .localIP: "2001:db8::1", .localPort: "25",
        ]
        for request in conversation.requests.dropFirst(2) {
            for (name, value) in expected { #expect(request.facts[name] == Array(value.utf8)) }
        }
        #expect(conversation.requests[2].facts[.helo] == nil)
        #expect(conversation.requests[4].facts[.helo] == Array("cl.ient".utf8))
        #expect(conversation.requests[4].facts[.protocolName] == Array("SMTP".utf8))
        #expect(conversation.session.facts.mayRelay)
    }

    private static let bad = [
        "XCLIENT", "XCLIENT ADDR", "XCLIENT ADDR=", "XCLIENT ADDR=x", "XCLIENT ADDR=192.0.2.9 ",
        "XCLIENT  ADDR=192.0.2.9", "XCLIENT FROB=x", "XCLIENT PORT=65536", "XCLIENT PORT=-1",
        "XCLIENT NAME=a+0D", "XCLIENT NAME=a+0db",
        "XCLIENT NAME=a)+20by+20b", "XCLIENT NAME=[192.0.2.9]", "XCLIENT NAME=a..b",
        "XCLIENT PROTO=LMTP", "XCLIENT =x",
        "XCLIENT NAME=a NAME=b", "XCLIENT NAME=" + String(repeating: "x", count: 256),
    ]

    @Test(arguments: bad)
    func `attributes are taken by their grammar`(_ line: String) {
        var conversation = conversation()
        // Blanks at the end of a line are tolerated.
        let expected = line.hasSuffix(" ") ? "220" : "501"
        #expect(conversation.run(["EHLO c", line]).last?.hasPrefix(expected) == true)
    }

    @Test func `what is unavailable is no fact`() {
        var conversation = conversation()
        _ = conversation.run([
            "XCLIENT ADDR=192.0.2.9 NAME=[TEMPUNAVAIL] PORT=[unavailable] LOGIN=[UNAVAILABLE]"
        ])
        let facts = conversation.session.facts
        #expect(facts[.clientName] == nil)
        #expect(facts[.clientPort] == nil)
        #expect(facts[.authUser] == nil)
        #expect(facts[.clientIP] == Array("192.0.2.9".utf8))
    }

    @Test func `nobody is given what only the proxy may`() {
        var conversation = conversation(relay: "")
        #expect(conversation.session.facts.mayRelay == true)
        _ = conversation.run(["XCLIENT ADDR=192.0.2.9"])
        #expect(!conversation.session.facts.mayRelay)
        _ = conversation.say("XCLIENT ADDR=192.0.2.7")
        #expect(conversation.session.facts.mayRelay)
        // Not even when it is unknown who the client is; and it never counts as a user of this host.
        conversation.relay = { _ in [] }
        _ = conversation.say("XCLIENT ADDR=[UNAVAILABLE]")
        #expect(!conversation.session.facts.mayRelay)
        #expect(!conversation.session.facts.isLocal)
        // What is said later of a client that is unknown does not make it the proxy.
        for line in ["XCLIENT NAME=c.test", "XCLIENT PORT=1 HELO=c", "XCLIENT NAME=[UNAVAILABLE]"] {
            _ = conversation.say(line)
            #expect(!conversation.session.facts.mayRelay, "\(line)")
        }
        _ = conversation.say("XCLIENT ADDR=192.0.2.7")
        #expect(conversation.session.facts.mayRelay)
    }

    @Test func `attributes may come one by one, and those of another client go`() {
        var conversation = conversation()
        _ = conversation.run(["XCLIENT ADDR=192.0.2.9 NAME=c.test", "XCLIENT LOGIN=u", "EHLO c"])
        #expect(conversation.session.facts[.authUser] == [0x75])
        #expect(conversation.session.facts[.clientName] == Array("c.test".utf8))
        _ = conversation.say("XCLIENT ADDR=192.0.2.10")
        #expect(conversation.session.facts[.authUser] == nil)
        #expect(conversation.session.facts[.clientName] == nil)
        #expect(!conversation.session.facts.mayRelay)
    }

    @Test func `a proxy's own login is not its client's`() {
        var conversation = Conversation {
            $0.allowsXCLIENT = true
            $0.mechanismsInClear = ["PLAIN"]
        }
        conversation.verify = { _ in .accepted(user: Array("proxy".utf8)) }
        _ = conversation.run(["EHLO c", "AUTH PLAIN =", "XCLIENT ADDR=192.0.2.9"])
        #expect(conversation.session.facts[.authUser] == nil)
        #expect(!conversation.session.facts.mayRelay)
    }

    @Test func `there is no STARTTLS after it, but TLS before it stays`() {
        var conversation = conversation()
        let replies = conversation.run(["XCLIENT ADDR=192.0.2.9", "EHLO c", "STARTTLS"])
        #expect(!replies[2].contains("STARTTLS"))
        #expect(replies[3].hasPrefix("502"))
        conversation = self.conversation()
        _ = conversation.run(["EHLO c", "STARTTLS", "XCLIENT ADDR=192.0.2.9"])
        #expect(conversation.session.facts[.tlsVersion] == Array("TLSv1.3".utf8))
    }

    @Test func `the steps at connect judge the client that it names`() {
        var conversation = conversation()
        conversation.judge = { request in
            request.facts[.clientIP] == Array("192.0.2.9".utf8)
                ? .reject(EnhancedStatus(5, 7, 1), "No") : .accept
        }
        let replies = conversation.run(["EHLO c", "XCLIENT ADDR=192.0.2.9", "EHLO c"])
        #expect(replies[2] == "554 mx.example.test No")
        #expect(replies[3].hasPrefix("503 5.5.1 Only QUIT"))
    }

    @Test func `a client has nothing of the certificate that its proxy shows`() {
        var conversation = conversation()
        conversation.handshake = TLSFacts(
            version: Array("TLSv1.3".utf8), cipher: Array("AES".utf8),
            peerDigest: Array("ab".utf8), peerNames: [Array("proxy@mx.test".utf8)])
        _ = conversation.run(["EHLO proxy.test", "STARTTLS", "EHLO proxy.test"])
        #expect(conversation.session.peerNames == [Array("proxy@mx.test".utf8)])
        #expect(conversation.session.facts[.tlsPeer] != nil)
        _ = conversation.run(["XCLIENT ADDR=192.0.2.9", "EHLO c"])
        #expect(conversation.session.peerNames.isEmpty)
        #expect(conversation.session.facts[.tlsPeer] == nil)
        #expect(conversation.session.facts[.tlsVersion] != nil)
    }

    @Test func `an answer that nobody asked for changes nothing`() {
        var conversation = conversation()
        _ = conversation.run(["EHLO c"])
        #expect(conversation.session.identified(relay: []) == .reply(.outOfStep))
        #expect(!conversation.session.facts.mayRelay)
    }
}
