// Tests of AUTH.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct AUTHTests {
    private func conversation(_ change: (inout SessionSettings) -> Void = { _ in }) -> Conversation
    {
        var conversation = Conversation {
            $0.mechanismsInClear = ["PLAIN", "LOGIN"]
            $0.mechanismsUnderTLS = ["PLAIN", "LOGIN", "EXTERNAL"]
            $0.offersTLS = true
            change(&$0)
        }
        conversation.verify = { request in
            switch (request.mechanism, request.response) {
            case ("PLAIN", Array("\0u\0p".utf8)): .accepted(user: Array("u".utf8))
            case ("PLAIN", nil), ("LOGIN", _): .challenge([])
            case ("EXTERNAL", _): .accepted(user: Array("e".utf8), final: Array("v=1".utf8))
            default: .refused(Reply(535, .init(5, 7, 8), "Authentication failed"))
            }
        }
        return conversation
    }

    private static let plain = "AUTH PLAIN AHUAcA=="

    private static let orders: [([String], String)] = [
        ([plain], "503 5.5.1 Say EHLO"),
        (["HELO c", plain], "503 5.5.1 Say EHLO"),
        (["EHLO c", "AUTH"], "501 5.5.4"),
        (["EHLO c", "AUTH P(AIN"], "501 5.5.4"),
        (["EHLO c", "AUTH FROB"], "504 5.5.4"),
        (["EHLO c", "AUTH EXTERNAL"], "538 5.7.11"),
        (["EHLO c", plain], "235 2.7.0"),
        (["EHLO c", "auth plain AHUAcA=="], "235 2.7.0"),
        (["EHLO c", "AUTH PLAIN AHUAcA"], "501 5.5.2"),
        (["EHLO c", "AUTH PLAIN  AHUAcA=="], "501 5.5.2"),
        (["EHLO c", "AUTH PLAIN AHUAcA== x"], "501 5.5.2"),
        (["EHLO c", "AUTH PLAIN AHUAcQ=="], "535 5.7.8"),
        (["EHLO c", "AUTH PLAIN ="], "535 5.7.8"),
        (["EHLO c", "AUTH PLAIN"], "334 "),
        (["EHLO c", "AUTH PLAIN", "AHUAcA=="], "235 2.7.0"),
        (["EHLO c", "AUTH PLAIN", "*"], "501 5.7.0"),
        (["EHLO c", "AUTH PLAIN", "*", "NOOP"], "250 2.0.0"),
        (["EHLO c", "AUTH PLAIN", "="], "501 5.5.2"),
        (["EHLO c", "AUTH PLAIN", ""], "535 5.7.8"),
        (["EHLO c", "AUTH PLAIN", "QUIT"], "535 5.7.8"),
        (["EHLO c", "AUTH PLAIN", "RSET x"], "501 5.5.2"),
        (["EHLO c", "AUTH PLAIN", String(repeating: "A", count: 12_284)], "535 5.7.8"),
        (["EHLO c", "AUTH PLAIN", String(repeating: "A", count: 12_288)], "500 5.5.6"),
        (["EHLO c", "AUTH PLAIN " + String(repeating: "A", count: 12_272)], "535 5.7.8"),
        (["EHLO c", "AUTH PLAIN " + String(repeating: "A", count: 12_276)], "500 5.5.2"),
        (["EHLO c", plain, plain], "503 5.5.1 Already"),
        (["EHLO c", plain, "EHLO c", plain], "503 5.5.1 Already"),
        (["EHLO c", "MAIL FROM:<a@b>", plain], "503 5.5.1 Not"),
        (["EHLO c", "STARTTLS", "EHLO c", "AUTH EXTERNAL ="], "334 dj0x"),
        (["EHLO c", "STARTTLS", "EHLO c", "AUTH EXTERNAL =", ""], "235 2.7.0"),
        (["EHLO c", "STARTTLS", "EHLO c", "AUTH EXTERNAL =", "AAAA"], "501 5.5.2"),
        (["EHLO c", "STARTTLS", "EHLO c", "AUTH EXTERNAL =", "*"], "501 5.7.0"),
        (["EHLO c", plain, "STARTTLS", "EHLO c", plain], "235 2.7.0"),
    ]

    @Test(arguments: orders)
    func `each line of an exchange gets its reply`(_ lines: [String], _ expected: String) {
        var conversation = conversation()
        let reply = conversation.run(lines).last ?? ""
        #expect(reply.hasPrefix(expected), "\(reply)")
    }

    @Test func `mechanisms are offered that can be used`() {
        var conversation = conversation()
        let replies = conversation.run(["EHLO c", "STARTTLS", "EHLO c"])
        #expect(replies[1].contains("AUTH PLAIN LOGIN|") || replies[1].hasSuffix("PLAIN LOGIN"))
        #expect(replies[3].contains("AUTH PLAIN LOGIN EXTERNAL"))
    }

    @Test func `a user is a fact, may relay, and is forgotten with STARTTLS`() {
        var conversation = conversation()
        _ = conversation.run(["EHLO c", AUTHTests.plain])
        #expect(conversation.session.facts[.authUser] == [0x75])
        #expect(conversation.session.facts.mayRelay)
        #expect(conversation.session.facts[.protocolName] == Array("ESMTPA".utf8))
        _ = conversation.say("MAIL FROM:<a@b>")
        #expect(conversation.say("RCPT TO:<x@elsewhere.test>")?.hasPrefix("250") == true)
        _ = conversation.say("STARTTLS")
        #expect(conversation.session.facts[.authUser] == nil)
        #expect(!conversation.session.facts.mayRelay)
        _ = conversation.say("EHLO c")
        _ = conversation.say(AUTHTests.plain)
        #expect(conversation.session.facts[.protocolName] == Array("ESMTPSA".utf8))
    }

    @Test func `RELAYCLIENT's value stays with a user`() {
        var conversation = Conversation({ $0.mechanismsInClear = ["PLAIN"] }, relay: ".x")
        conversation.verify = { _ in .accepted(user: [0x75]) }
        _ = conversation.run(["EHLO c", AUTHTests.plain])
        #expect(conversation.session.facts[.relay] == Array(".x".utf8))
    }

    @Test func `an initial response of nothing is not the same as none`() {
        var conversation = conversation()
        _ = conversation.run(["EHLO c", "AUTH LOGIN", "*", "AUTH LOGIN =", "YQ==", "*"])
        #expect(
            conversation.logins == [
                AuthRequest(mechanism: "LOGIN", response: nil, isFirst: true),
                AuthRequest(mechanism: "LOGIN", response: [], isFirst: true),
                AuthRequest(mechanism: "LOGIN", response: [0x61], isFirst: false),
            ])
    }

    @Test func `what cannot be told is no failure and no error`() {
        var conversation = conversation { $0.errors = 2 }
        conversation.verify = { _ in .unavailable(Reply(454, .init(4, 7, 0), "Later")) }
        for reply in conversation.run(["EHLO c"] + Array(repeating: AUTHTests.plain, count: 4))
            .dropFirst(2)
        {
            #expect(reply == "454 4.7.0 Later")
        }
    }

    @Test func `failures count as errors`() {
        var conversation = conversation { $0.errors = 3 }
        let wrong = "AUTH PLAIN AAAA"
        let replies = conversation.run(["EHLO c", wrong, wrong, wrong])
        #expect(replies.dropFirst(2).map { $0.prefix(3) } == ["535", "535", "421"])
        #expect(conversation.isClosed)
    }

    @Test func `a challenge may be longer than other replies, and not without end`() {
        var conversation = conversation()
        conversation.verify = { _ in .challenge([UInt8](repeating: 0, count: 9000)) }
        let replies = conversation.run(["EHLO c", AUTHTests.plain])
        #expect(replies.last?.utf8.count == 12_004)
        conversation.verify = { _ in .challenge([UInt8](repeating: 0, count: 9300)) }
        #expect(conversation.say("*")?.hasPrefix("501") == true)
        #expect(conversation.say(AUTHTests.plain)?.hasPrefix("454") == true)
        #expect(conversation.say("NOOP")?.hasPrefix("250") == true)
    }

    @Test func `where a user is required MAIL waits for him, or for a client that may relay`() {
        var conversation = conversation { $0.requiresAuth = true }
        let replies = conversation.run(Conversation.begun + ["DATA", "NOOP", "HELP", "RSET"])
        #expect(
            replies.dropFirst(2).map { $0.prefix(3) } == ["530", "503", "503", "250", "214", "250"])
        #expect(conversation.say(AUTHTests.plain)?.hasPrefix("235") == true)
        #expect(conversation.say("MAIL FROM:<a@b>")?.hasPrefix("250") == true)
        var relaying = Conversation({ $0.requiresAuth = true }, relay: "")
        #expect(relaying.run(Conversation.begun).last?.hasPrefix("250") == true)
    }

    @Test func `an answer that nobody asked for changes nothing`() {
        var conversation = conversation()
        _ = conversation.run(["EHLO c"])
        #expect(conversation.session.authenticated(.challenge([])) == .reply(.outOfStep))
        #expect(conversation.session.responded(.line([])) == .reply(.outOfStep))
        #expect(conversation.say("AUTH PLAIN")?.hasPrefix("334") == true)
        #expect(conversation.session.take(.line(Array("NOOP".utf8))) == .reply(.outOfStep))
        #expect(conversation.session.authenticated(.challenge([])) == .reply(.outOfStep))
        #expect(conversation.say("AHUAcA==")?.hasPrefix("235") == true)
    }

    @Test func `lines that are no lines end an exchange`() {
        for line in [CommandLine.tooLong, .bareLF] {
            var conversation = conversation()
            _ = conversation.run(["EHLO c", "AUTH PLAIN"])
            guard case .reply(let reply) = conversation.session.responded(line) else {
                Issue.record("no reply")
                return
            }
            #expect(reply.code == 500)
            #expect(conversation.session.take(.line(Array("NOOP".utf8))) == .reply(.ok))
        }
    }
}
