// Messages in chunks. RFC 3030.
// SPDX-License-Identifier: MIT

import SMTPClient
import TestSupport
import Testing

@Suite struct ChunkingTests {
    private static let offers = ["PIPELINING", "CHUNKING", "8BITMIME"]

    @Test func `a message goes in one chunk, with no dot doubled`() throws {
        let server = try SMTPStub(offers: Self.offers)
        let outcome = try talk(to: server, mail, ["Subject: x\n\n.dot\n", "no end"])
        #expect(outcome.isDelivered)
        #expect(server.messages == [Array("Subject: x\r\n\r\n.dot\r\nno end\r\n".utf8)])
        #expect(server.commands.contains("BDAT 28 LAST"))
        #expect(!server.commands.contains("DATA"))
    }

    @Test func `a long message goes in several, and an empty one in one`() throws {
        let server = try SMTPStub(offers: Self.offers)
        let line = String(repeating: "x", count: 97) + "\n"
        let text = Array(repeating: String(repeating: line, count: 1000), count: 10)
        #expect(try talk(to: server, mail, text).isDelivered)
        #expect(server.commands.filter { $0.hasPrefix("BDAT") }.count == 4)
        #expect(server.messages.first?.count == 990_000)
        #expect(try talk(to: server, mail, []).isDelivered)
        #expect(server.commands.contains("BDAT 0 LAST"))
    }

    @Test(
        arguments: [
            ("BDAT", StubAction.reply("552 5.3.4 big"), [552, 552] as [UInt16?], false),
            ("BDAT", .reply("452 4.3.1 full"), [452, 452], false),
            (".", .reply("554 5.7.1 spam"), [554, 554], false),
            (".", .close, [nil, nil], true), (".", .reply("354 go on"), [nil, nil], true),
            ("BDAT", .close, [nil, nil], false), ("BDAT", .reply("354 go"), [nil, nil], false),
            (".", .reply("500 5.5.1 what"), [nil, nil], false),
            ("BDAT", .reply("421 4.3.2 bye"), [nil, nil], false),
        ])
    func `each reply to a chunk counts, and only the last may leave a doubt`(
        _ step: String, _ action: StubAction, _ codes: [UInt16?], _ isInDoubt: Bool
    ) throws {
        let server = try SMTPStub(offers: Self.offers) { told, _ in
            told.hasPrefix(step) ? action : nil
        }
        let text = [String(repeating: "x\n", count: 200_000)]
        let result = try #require(try talk(to: server, mail, text).result)
        #expect(result.replies.map { $0?.code } == codes)
        #expect(result.isInDoubt == isInDoubt)
        #expect((result.failure != nil) == (codes == [nil, nil]))
    }

    @Test func `what is refused in the middle is taken back before the next message`() throws {
        let server = try SMTPStub(offers: Self.offers) { step, _ in
            step == "BDAT 300000" ? .reply("452 4.3.1 full") : nil
        }
        let long = Pieces(pieces: [[UInt8](repeating: 0x0A, count: 150_000)])
        let short = Pieces(pieces: [Array("x\n".utf8)])
        var results: [TransactionResult] = []
        try withSession(server) { session in
            results = [session.send(mail, long), session.send(mail, short)]
        }
        #expect(results.map { $0.replies.map { $0?.code } } == [[452, 452], [250, 250]])
        #expect(server.commands.contains("RSET"))
        #expect(server.messages.count == 1 || server.messages.last == Array("x\r\n".utf8))
    }
}
