// What a client and a polite server say to each other.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPClient
import SMTPProtocol
import TestSupport
import Testing
import UnixIO

@Suite struct PoliteServerTests {
    @Test func `a message goes through, with dots doubled and CRLF`() throws {
        let server = try SMTPStub()
        let outcome = try talk(to: server, mail, ["Subject: x\n", "\n.dot\n..", "\nlast"])
        #expect(outcome.isDelivered)
        #expect(outcome.failure == nil)
        #expect(
            server.messages == [Array("Subject: x\r\n\r\n..dot\r\n...\r\nlast\r\n".utf8)])
        #expect(
            server.commands == [
                "EHLO client.test", "MAIL FROM:<a@x.test> SIZE=10", "RCPT TO:<b@y.test>",
                "RCPT TO:<c@y.test>", "DATA", "QUIT",
            ])
    }

    @Test func `a server that refuses EHLO gets HELO, and no extension is used`() throws {
        let server = try SMTPStub { step, _ in
            step.hasPrefix("EHLO") ? .reply("502 5.5.1 no") : nil
        }
        let outcome = try talk(to: server)
        #expect(outcome.isDelivered)
        #expect(server.commands.dropFirst().first == "HELO client.test")
        #expect(server.commands.contains("MAIL FROM:<a@x.test>"))
    }

    @Test func `eight bits are announced where the server takes them`() throws {
        var eight = mail
        eight.hasEightBit = true
        let server = try SMTPStub()
        #expect(try talk(to: server, eight).isDelivered)
        #expect(server.commands.contains("MAIL FROM:<a@x.test> SIZE=10 BODY=8BITMIME"))
        let old = try SMTPStub(offers: [])
        #expect(try talk(to: old, eight).isDelivered)
        #expect(old.commands.contains("MAIL FROM:<a@x.test>"))
    }

    @Test func `what was asked for goes on where the server takes it`() throws {
        var asked = mail
        asked.options.ret = .headers
        asked.options.envid = EnvelopeID("x+2By".utf8)
        asked.options.smtputf8 = true
        asked.recipientOptions = [
            RecipientOptions(
                notify: [.failure, .delay], orcpt: OriginalRecipient("rfc822;b@y.test".utf8))
        ]
        let server = try SMTPStub(offers: ["DSN", "SMTPUTF8"])
        #expect(try talk(to: server, asked).isDelivered)
        #expect(
            server.commands.dropFirst().prefix(3) == [
                "MAIL FROM:<a@x.test> SMTPUTF8 RET=HDRS ENVID=x+2By",
                "RCPT TO:<b@y.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;b@y.test",
                "RCPT TO:<c@y.test>",
            ])
        let old = try SMTPStub(offers: [])
        #expect(try talk(to: old, asked).isDelivered)
        #expect(old.commands.contains("MAIL FROM:<a@x.test>"))
        #expect(old.commands.contains("RCPT TO:<b@y.test>"))
    }

    @Test func `addresses in UTF-8, and bytes of a message with SMTPUTF8, need it`() {
        #expect(!mail.needsUTF8)
        var other = mail
        other.options.smtputf8 = true
        #expect(!other.needsUTF8)
        other.hasEightBit = true
        #expect(other.needsUTF8)
        other.options.smtputf8 = false
        #expect(!other.needsUTF8)
        other.forwardPaths.append(Array("<é@y.test>".utf8))
        #expect(other.needsUTF8)
    }

    @Test func `without PIPELINING each command waits for its reply`() throws {
        let server = try SMTPStub(offers: ["HELP"]) { step, _ in
            step.hasPrefix("MAIL") ? .reply("451 4.7.1 later") : nil
        }
        let outcome = try talk(to: server)
        #expect(outcome.result?.replies.map { $0?.code } == [451, 451])
        #expect(!server.commands.contains { $0.hasPrefix("RCPT") })
    }

    @Test func `a refused recipient does not keep the other from its mail`() throws {
        let server = try SMTPStub { step, _ in
            step == "RCPT TO:<b@y.test>" ? .reply("550 5.1.1 nobody") : nil
        }
        let result = try #require(try talk(to: server).result)
        #expect(result.replies.map { $0?.code } == [550, 250])
        #expect(result.replies[0]?.status?.description == "5.1.1")
    }

    @Test(
        arguments: [
            ("503 5.5.1 no recipients", 0, "it knows what DATA is for"),
            ("354 go on", 1, "RFC 2920, section 3.1: a single dot"),
        ])
    func `without an accepted recipient there is no message`(
        _ reply: String, _ messages: Int, _ reason: String
    ) throws {
        let server = try SMTPStub { step, _ in
            if step == "DATA", messages == 0 { return .reply(reply) }
            return step.hasPrefix("RCPT") ? .reply("450 4.2.0 later") : nil
        }
        let result = try #require(try talk(to: server).result)
        #expect(result.replies.map { $0?.code } == [450, 450])
        #expect(result.failure == nil)
        #expect(server.messages == Array(repeating: [], count: messages))
        #expect(server.commands.last == "QUIT")
    }

    @Test func `without PIPELINING and recipients there is no DATA`() throws {
        let server = try SMTPStub(offers: []) { step, _ in
            step.hasPrefix("RCPT") ? .reply("450 4.2.0 later") : nil
        }
        let result = try #require(try talk(to: server).result)
        #expect(result.replies.map { $0?.code } == [450, 450])
        #expect(!server.commands.contains("DATA"))
    }

    @Test func `10,000 recipients go in one transaction`() throws {
        var many = mail
        many.forwardPaths = (0..<10_000).map { Array("<r\($0)@y.test>".utf8) }
        let server = try SMTPStub()
        let result = try #require(try talk(to: server, many).result)
        #expect(result.replies.count == 10_000)
        #expect(result.replies.allSatisfy { $0?.isPositive == true })
        #expect(server.messages.count == 1)
    }

    @Test func `552 for a recipient is 452, unless its status says something else`() throws {
        let server = try SMTPStub { step, _ in
            switch step {
            case "RCPT TO:<b@y.test>": .reply("552 too many")
            case "RCPT TO:<c@y.test>": .reply("552 5.2.2 mailbox full")
            default: nil
            }
        }
        let result = try #require(try talk(to: server).result)
        #expect(result.replies.map { $0?.code } == [452, 552])
    }

    @Test func `a message with a bare CR is never ended`() throws {
        let server = try SMTPStub()
        let outcome = try talk(to: server, mail, ["Subject: x\n\nbare\rcr\n"])
        #expect(outcome.failure == .bareCR)
        #expect(outcome.failure?.reply.status.description == "5.6.0")
        #expect(!outcome.isDelivered)
        #expect(server.messages.isEmpty)
    }

    @Test func `a message that cannot be read to its end is never ended`() throws {
        let server = try SMTPStub()
        let outcome = try talk(to: server, failsAtEnd: true)
        #expect(outcome.failure?.reply.code == 451)
        #expect(outcome.result?.isInDoubt == false)
        #expect(server.messages.isEmpty)
    }
}
