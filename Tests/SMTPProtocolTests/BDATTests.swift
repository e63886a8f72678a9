// Tests of BDAT.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct BDATTests {
    private static let begun = Conversation.begun

    private static let orders: [([String], String)] = [
        (begun + ["BDAT 5"], "250 2.0.0 5 octets received"),
        (begun + ["bdat 5 last"], "250 2.0.0 Ok, queued"),
        (begun + ["BDAT 5", "BDAT 0", "BDAT 0 LAST"], "250 2.0.0 Ok, queued"),
        (begun + ["BDAT 0 LAST"], "250 2.0.0 Ok, queued"),
        (begun + ["BDAT 5 LAST", "BDAT 5"], "503 5.5.1 Say MAIL"),
        (begun + ["BDAT 5 LAST", "MAIL FROM:<a@b>"], "250 2.1.0"),
        (begun + ["BDAT 5", "DATA"], "503 5.5.1 The message"),
        (begun + ["BDAT 5", "RCPT TO:<bob@example.test>"], "503 5.5.1 The message"),
        (begun + ["BDAT 5", "MAIL FROM:<a@b>"], "503 5.5.1"),
        (begun + ["BDAT 5", "NOOP", "BDAT 5 LAST"], "250 2.0.0 Ok, queued"),
        (begun + ["BDAT 5", "RSET", "BDAT 5 LAST"], "503 5.5.1 Say MAIL"),
        (begun + ["BDAT 5", "EHLO c", "BDAT 5 LAST"], "503 5.5.1 Say MAIL"),
        (["HELO c", "MAIL FROM:<a@b>", "RCPT TO:<a@example.test>", "BDAT 5 LAST"], "503 5.5.1"),
        // The size is known, so the octets can be got out of the way.
        (begun + ["BDAT 5 LAST x"], "501 5.5.4"),
        (begun + ["BDAT 5 FIRST"], "501 5.5.4"),
        (begun + ["BDAT 5 LAST \0"], "500 5.5.2"),
        (begun + ["BDAT 5 " + String(repeating: "x", count: 510)], "500 5.5.2"),
    ]

    @Test(arguments: orders)
    func `each chunk gets its reply`(_ lines: [String], _ expected: String) {
        var conversation = Conversation()
        let reply = conversation.run(lines).last ?? ""
        #expect(reply.hasPrefix(expected), "\(reply)")
        #expect(!conversation.isClosed)
    }

    @Test(arguments: [
        "BDAT", "BDAT ", "BDAT x", "BDAT -1", "BDAT 5x", "BDAT  5", "BDAT LAST",
        "BDAT 99999999999999999999", "BDAT 5\tLAST", "BDAT +5",
    ])
    func `without a size the session ends`(_ line: String) {
        var conversation = Conversation()
        #expect(conversation.run(BDATTests.begun + [line]).last?.hasPrefix("421 4.5.4") == true)
        #expect(conversation.isClosed)
        #expect(conversation.chunks.isEmpty)
    }

    /// Lines with a chunk of 7 octets that is refused.
    private static let refusals: [[String]] = [
        ["BDAT 7"], ["EHLO c", "BDAT 7"], ["EHLO c", "MAIL FROM:<a@b>", "BDAT 7 LAST"],
        ["EHLO c", "MAIL FROM:<a@b>", "RCPT TO:<x@y>", "BDAT 7 LAST"],
        begun + ["BDAT 7 LAST x"], begun + ["BDAT 7 \0"],
        begun + ["DATA", ".", "BDAT 7"],
    ]

    @Test(arguments: refusals)
    func `the octets of a refused chunk are never commands`(_ lines: [String]) {
        var conversation = Conversation()
        #expect(conversation.run(lines).last?.first == "5")
        #expect(conversation.chunks.map(\.size) == [7])
        #expect(conversation.chunks.allSatisfy { !$0.isKept })
    }

    @Test func `where TLS is required, or the client is refused, chunks are swallowed too`() {
        var conversation = Conversation { $0.requiresTLS = true }
        #expect(conversation.run(["EHLO c", "BDAT 7"]).last?.hasPrefix("530 5.7.0") == true)
        #expect(conversation.chunks.map(\.size) == [7])
        conversation = Conversation()
        conversation.judge = { _ in .reject(EnhancedStatus(5, 7, 1), "No") }
        #expect(conversation.run(["BDAT 7"]).last?.hasPrefix("503 5.5.1 Only QUIT") == true)
        #expect(conversation.chunks.map(\.size) == [7])
    }

    @Test func `the chunks that came with a refused one get its reply, and are no errors`() {
        var conversation = Conversation { $0.errors = 3 }
        let replies = conversation.run(
            BDATTests.begun + ["BDAT 5 x"] + Array(repeating: "BDAT 5", count: 9) + ["BDAT 0 LAST"])
        #expect(replies.suffix(11).allSatisfy { $0 == "501 5.5.4 Syntax: BDAT size [LAST]" })
        #expect(conversation.say("BDAT 5")?.hasPrefix("501") == true)
        #expect(conversation.say("NOOP")?.hasPrefix("250") == true)
        #expect(conversation.say("BDAT 5")?.hasPrefix("503 5.5.1 Say MAIL") == true)
    }

    @Test func `a message that is refused within is over`() {
        var conversation = Conversation()
        conversation.receive = { chunk in
            chunk.isFirst ? .more : .refused(Reply(554, .init(5, 6, 0), "Bare"))
        }
        let replies = conversation.run(
            BDATTests.begun + ["BDAT 5", "BDAT 5", "BDAT 5 LAST", "MAIL FROM:<a@b>"])
        #expect(
            replies.suffix(4).map { $0.prefix(9) } == [
                "250 2.0.0", "554 5.6.0", "554 5.6.0", "250 2.1.0",
            ])
        #expect(conversation.submissions.isEmpty)
    }

    @Test func `a size over the limit is refused before its octets`() {
        var conversation = Conversation { $0.messageSize = 10 }
        let replies = conversation.run(
            BDATTests.begun + ["BDAT 6", "BDAT 5", "BDAT 1 LAST"] + Conversation.begun.dropFirst()
                + ["BDAT 10 LAST"])
        #expect(
            replies.dropFirst(4).map { $0.prefix(9) } == [
                "250 2.0.0", "552 5.3.4", "552 5.3.4", "250 2.1.0", "250 2.1.5", "250 2.0.0",
            ])
        #expect(conversation.chunks.map(\.isKept) == [true, false, false, true])
    }

    @Test func `sizes do not overflow`() {
        var conversation = Conversation()
        let replies = conversation.run(
            BDATTests.begun + ["BDAT 9223372036854775807", "BDAT 9223372036854775807"])
        #expect(replies.suffix(2).map { $0.prefix(9) } == ["250 2.0.0", "552 5.3.4"])
    }

    @Test func `the stage data is asked at the first chunk, before its octets`() {
        var conversation = Conversation()
        _ = conversation.run(BDATTests.begun + ["BDAT 5", "BDAT 5", "BDAT 5 LAST"])
        #expect(conversation.requests.map(\.stage) == Stage.allCases)
        #expect(conversation.chunks.map(\.isFirst) == [true, false, false])
        #expect(conversation.chunks.map(\.isLast) == [false, false, true])
        #expect(conversation.submissions.count == 1)
    }

    @Test func `a refusal at data is the reply to the first chunk, which is swallowed`() {
        for verdict in [
            Verdict.reject(EnhancedStatus(5, 7, 1), "No"), .defer(EnhancedStatus(4, 7, 1), "Later"),
        ] {
            var conversation = Conversation { $0.errors = 1 }
            conversation.judge = { $0.stage == .data ? verdict : .accept }
            let replies = conversation.run(
                BDATTests.begun + ["BDAT 5", "BDAT 5 LAST", "MAIL FROM:<a@b>"])
            let code = verdict == .reject(EnhancedStatus(5, 7, 1), "No") ? "550" : "451"
            #expect(replies.suffix(3).map { $0.prefix(3) } == [code[...], code[...], "250"])
            #expect(conversation.chunks.map(\.isKept) == [false, false])
        }
    }

    @Test func `a discarded message takes its chunks and is not queued`() {
        for stage in [Stage.connect, .mail, .rcpt, .data, .message] {
            var conversation = Conversation()
            conversation.judge = { $0.stage == stage ? .discard : .accept }
            let replies = conversation.run(BDATTests.begun + ["BDAT 5", "BDAT 5 LAST"])
            #expect(replies.suffix(2).allSatisfy { $0.hasPrefix("250 2.0.0") }, "\(replies)")
            #expect(conversation.submissions.isEmpty)
        }
    }

    @Test func `an answer that nobody asked for changes nothing`() {
        var conversation = Conversation()
        _ = conversation.run(BDATTests.begun)
        #expect(conversation.session.received(chunk: .more) == .reply(.outOfStep))
        #expect(conversation.say("BDAT 5 LAST")?.hasPrefix("250 2.0.0 Ok") == true)
    }

    @Test func `an answer that does not fit the chunk ends the transaction`() {
        var conversation = Conversation()
        conversation.receive = { _ in .more }
        let replies = conversation.run(BDATTests.begun + ["BDAT 5 LAST", "DATA"])
        #expect(replies.suffix(2).map { $0.prefix(3) } == ["451", "503"])
    }
}
