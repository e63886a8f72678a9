// Tests of the parameters of MAIL and RCPT that go on with the message.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct DSNTests {
    private static let long = String(repeating: "x", count: 101)

    private static let orders: [(mail: String, rcpt: String, String)] = [
        (" RET=FULL ENVID=a+2Bb", " NOTIFY=SUCCESS,DELAY ORCPT=rfc822;x+2By@z", "250 2.1.5"),
        (" ret=hdrs envid=q", " notify=never orcpt=RFC822;a@b", "250 2.1.5"),
        ("", " NOTIFY=FAILURE,DELAY,SUCCESS", "250 2.1.5"),
        ("", " ORCPT=utf-8;a\\x{1}", "250 2.1.5"),
        ("", " NOTIFY", "501 5.5.4"),
        ("", " NOTIFY=", "501 5.5.4"),
        ("", " NOTIFY=NEVER,DELAY", "501 5.5.4"),
        ("", " NOTIFY=SUCCESS,", "501 5.5.4"),
        ("", " NOTIFY=MAYBE", "501 5.5.4"),
        ("", " NOTIFY=NEVER NOTIFY=NEVER", "501 5.5.4"),
        ("", " ORCPT=a@b", "501 5.5.4"),
        ("", " ORCPT=rfc822;", "501 5.5.4"),
        ("", " ORCPT=rfc822;a+2bb", "501 5.5.4"),
        ("", " ORCPT=rfc822;a=b", "501 5.5.4"),
        ("", " ORCPT=utf-8;é@b", "501 5.5.4"),
        (" SMTPUTF8", " ORCPT=utf-8;é@b", "250 2.1.5"),
        (" SMTPUTF8", " ORCPT=rfc822;é@b", "501 5.5.4"),
        ("", " ORCPT=rfc822;" + String(repeating: "x", count: 493), "250 2.1.5"),
        ("", " ORCPT=rfc822;" + String(repeating: "x", count: 494), "501 5.5.4"),
        ("", " SIZE=1", "555 5.5.4"),
    ]

    @Test(arguments: orders.map { [$0.mail, $0.rcpt, $0.2] })
    func `RCPT's parameters are taken by their grammar`(_ row: [String]) {
        var conversation = Conversation()
        let replies = conversation.run([
            "EHLO c", "MAIL FROM:<a@b>" + row[0], "RCPT TO:<x@example.test>" + row[1],
        ])
        #expect(replies[2].hasPrefix("250 2.1.0"), "\(replies[2])")
        #expect(replies[3].hasPrefix(row[2]), "\(replies[3])")
    }

    private static let mails: [(String, String)] = [
        ("RET", "501"), ("RET=", "501"), ("RET=SOME", "501"), ("RET=FULL RET=HDRS", "501"),
        ("ENVID", "501"), ("ENVID=a+2", "501"), ("ENVID=a+0A", "501"), ("ENVID=" + long, "501"),
        ("ENVID=" + long.dropLast(), "250"), ("NOTIFY=NEVER", "555"),
        ("SMTPUTF8", "250"), ("smtputf8", "250"), ("SMTPUTF8=1", "501"),
        ("REQUIRETLS", "555"), ("PRDR", "250"), ("PRDR=1", "501"),
        ("AUTH=<>", "250"), ("AUTH=e+3Dmc2@x.test", "250"), ("AUTH", "501"), ("AUTH=x", "501"),
        ("AUTH=e+3dmc2@x.test", "501"), ("AUTH=a@b+0D", "501"),
        (
            "SIZE=99999999999999999999 BODY=8BITMIME SMTPUTF8 RET=FULL PRDR ENVID="
                + long.dropLast(),
            "250"
        ),
    ]

    @Test(arguments: mails)
    func `MAIL's parameters are taken by their grammar`(_ parameters: String, _ code: String) {
        var conversation = Conversation { $0.mechanismsInClear = ["PLAIN"] }
        let reply = conversation.run(["EHLO c", "MAIL FROM:<a@b> " + parameters]).last ?? ""
        #expect(reply.hasPrefix(code), "\(reply)")
    }

    @Test func `AUTH= is no parameter where there is no AUTH`() {
        var conversation = Conversation()
        #expect(
            conversation.run(["EHLO c", "MAIL FROM:<> AUTH=<>"]).last?.hasPrefix("555") == true)
    }

    @Test func `what was asked for goes on with the message, and to the steps`() throws {
        var conversation = Conversation()
        conversation.judge = { request in
            // One recipient goes elsewhere, and its options with it.
            guard request.stage == .rcpt, let one = request.envelope?.recipients.first,
                one.bytes.starts(with: "bob".utf8), let other = try? Mailbox(Array("c@d".utf8))
            else { return .accept }
            return .accept([.removeRecipient(one), .addRecipient(other)])
        }
        _ = conversation.run([
            "EHLO c", "MAIL FROM:<a@b> RET=HDRS ENVID=q BODY=8BITMIME SMTPUTF8",
            "RCPT TO:<alice@example.test>", "RCPT TO:<bob@example.test> NOTIFY=NEVER ORCPT=x;y",
            "RCPT TO:<eve@example.test> NOTIFY=DELAY", "DATA", ".",
        ])
        let envelope = try #require(conversation.submissions.first).envelope
        #expect(envelope.options.ret == .headers)
        #expect(envelope.options.envid?.decoded == [0x71])
        #expect(envelope.options.bodyType == .eightBitMIME)
        #expect(envelope.options.smtputf8)
        #expect(!envelope.options.requireTLS)
        #expect(
            envelope.recipients.map(\.description) == [
                "alice@example.test", "c@d", "eve@example.test",
            ])
        #expect(envelope.options(ofRecipient: 0).isEmpty)
        #expect(envelope.options(ofRecipient: 1).notify == .never)
        #expect(envelope.options(ofRecipient: 1).orcpt?.value == Array("x;y".utf8))
        #expect(envelope.options(ofRecipient: 2).notify == .delay)
        let asked = conversation.requests.filter { $0.stage == .rcpt }.compactMap(\.envelope)
        #expect(asked.map { $0.options.ret } == [.headers, .headers, .headers])
        #expect(asked.map { $0.options(ofRecipient: 0).notify } == [nil, .never, .delay])
    }

    @Test func `REQUIRETLS is there under TLS, unless it is not offered`() {
        for isOffered in [true, false] {
            var conversation = Conversation {
                $0.offersTLS = true
                $0.offersRequireTLS = isOffered
            }
            let replies = conversation.run(["EHLO c", "STARTTLS", "EHLO c"])
            #expect(!replies[1].contains("REQUIRETLS"))
            #expect(replies[3].contains("REQUIRETLS") == isOffered)
            let codes = ["MAIL FROM:<a@b> REQUIRETLS=1", "MAIL FROM:<a@b> REQUIRETLS"].map {
                conversation.say($0)?.prefix(3)
            }
            #expect(codes == (isOffered ? ["501", "250"] : ["555", "555"]))
            #expect(conversation.session.envelope?.options.requireTLS == (isOffered ? true : nil))
        }
    }

    @Test func `the protocol's name tells of SMTPUTF8, of this message alone`() {
        var conversation = Conversation {
            $0.offersTLS = true
            $0.mechanismsUnderTLS = ["PLAIN"]
        }
        conversation.verify = { _ in .accepted(user: [0x75]) }
        _ = conversation.run([
            "EHLO c", "MAIL FROM:<a@b> SMTPUTF8", "RSET", "MAIL FROM:<a@b>", "STARTTLS", "EHLO c",
            "AUTH PLAIN =", "MAIL FROM:<a@b> SMTPUTF8",
        ])
        let names = conversation.requests.compactMap { $0.facts[.protocolName]?.printable }
        #expect(names == ["ESMTP", "UTF8SMTP", "ESMTP", "ESMTPS", "UTF8SMTPSA"])
        _ = conversation.say("RSET")
        #expect(conversation.session.facts[.protocolName] == Array("ESMTPSA".utf8))
    }

    private static let addresses: [([String], String)] = [
        (["EHLO c", "MAIL FROM:<é@b.test>"], "553 5.6.7"),
        (["HELO c", "MAIL FROM:<é@b.test>"], "553 5.6.7"),
        (["EHLO c", "MAIL FROM:<é@b.test> SMTPUTF8"], "250 2.1.0"),
        (["EHLO c", "MAIL FROM:<é@b.test> BODY=8BITMIME SMTPUTF8"], "250 2.1.0"),
        (["EHLO c", "MAIL FROM:<\"é é\"@bü.test> SMTPUTF8"], "250 2.1.0"),
        (["EHLO c", "MAIL FROM:<a@b> SMTPUTF8", "RCPT TO:<é@example.test>"], "250 2.1.5"),
        (["EHLO c", "MAIL FROM:<a@b> SMTPUTF8", "RCPT TO:<é@exämple.test>"], "550 5.7.1"),
        (["EHLO c", "MAIL FROM:<a@b>", "RCPT TO:<é@example.test>"], "553 5.6.7"),
        (["EHLO é", "MAIL FROM:<a@b> SMTPUTF8"], "503 5.5.1"),
    ]

    @Test(arguments: addresses)
    func `addresses beyond ASCII are for SMTPUTF8`(_ lines: [String], _ expected: String) {
        var conversation = Conversation()
        let reply = conversation.run(lines).last ?? ""
        #expect(reply.hasPrefix(expected), "\(reply)")
    }

    @Test func `lines may be as long as the extensions let them be`() {
        let path = "<" + String(repeating: "x", count: 64) + "@" + "b.test>"
        var conversation = Conversation()
        let all =
            "MAIL FROM:\(path) SIZE=10000000000000000000 BODY=8BITMIME SMTPUTF8 RET=FULL PRDR ENVID="
            + DSNTests.long.dropLast()
        #expect(conversation.run(["EHLO c", all]).last?.hasPrefix("250") == true)
        #expect(conversation.say("RSET")?.hasPrefix("250") == true)
        let tooLong = "MAIL FROM:\(path) X=" + String(repeating: "y", count: 1200)
        #expect(conversation.say(tooLong)?.hasPrefix("500 5.5.2 Line") == true)
        #expect(conversation.say("MAIL FROM:<a@b>")?.hasPrefix("250") == true)
        let rcpt = "RCPT TO:<x@example.test> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;"
        #expect(
            conversation.say(rcpt + String(repeating: "z", count: 493))?.hasPrefix("250") == true)
    }

    @Test(arguments: [
        ("VRFY é", "553 5.6.7"), ("VRFY é SMTPUTF8", "252"), ("VRFY e smtputf8", "252"),
    ])
    func `VRFY takes UTF-8 with SMTPUTF8`(_ line: String, _ expected: String) {
        var conversation = Conversation()
        #expect(conversation.run([line]).last?.hasPrefix(expected) == true)
        _ = conversation.say("EHLO c")
        let bad = CommandLine.line(Array("VRFY ".utf8) + [0xFF] + Array(" SMTPUTF8".utf8))
        #expect(conversation.session.take(bad) == .reply(.badForwardPath))
    }
}
