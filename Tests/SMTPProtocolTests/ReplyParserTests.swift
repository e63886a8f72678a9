// Tests of ReplyParser and SMTPReply.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol
import Testing

@Suite struct ReplyParserTests {
    private static let rows: [(String, SMTPReply)] = [
        ("250 Ok\r\n", SMTPReply(250, nil, "Ok")),
        ("250\r\n", SMTPReply(250, nil, "")),
        ("250 \r\n", SMTPReply(250, nil, "")),
        ("250 LF alone\n", SMTPReply(250, nil, "LF alone")),
        ("550 5.1.1 Unknown\r\n", SMTPReply(550, EnhancedStatus(5, 1, 1), "Unknown")),
        ("550 5.1.1\r\n", SMTPReply(550, EnhancedStatus(5, 1, 1), "")),
        ("550 4.1.1 Odd\r\n", SMTPReply(550, nil, "4.1.1 Odd")),
        ("354 1.2.3 go\r\n", SMTPReply(354, nil, "1.2.3 go")),
        (
            "250-a\r\n250-SIZE 10\r\n250 HELP\r\n",
            SMTPReply(250, nil, lines: ["a", "SIZE 10", "HELP"])
        ),
        (
            "550-5.7.1 One\r\n550 5.7.1 Two\r\n",
            SMTPReply(550, EnhancedStatus(5, 7, 1), lines: ["One", "Two"])
        ),
        ("550-One\r\n550 5.7.1 Two\r\n", SMTPReply(550, nil, lines: ["One", "5.7.1 Two"])),
        ("250 a\u{1}b\r\n", SMTPReply(250, nil, "a?b")),
    ]

    @Test(arguments: rows)
    func `a reply is the same however it arrives`(_ text: String, _ expected: SMTPReply) throws {
        for count in [1, 2, 5, 1000] {
            var parser = ReplyParser()
            var found: [SMTPReply] = []
            var rest = Array((text + text).utf8)[...]
            while !rest.isEmpty {
                parser.feed(rest.prefix(count))
                rest = rest.dropFirst(count)
                while let reply = try parser.next() { found.append(reply) }
            }
            #expect(found == [expected, expected])
            #expect(parser.isEmpty)
        }
    }

    @Test(arguments: [
        "hello\r\n", "25\r\n", "199 no\r\n", "600 no\r\n", "250_no\r\n", "2500\r\n",
        "250-a\r\n550 b\r\n", "\r\n", "-25 a\r\n",
    ])
    func `what is not a reply is malformed`(_ text: String) {
        var parser = ReplyParser()
        parser.feed(Array(text.utf8))
        #expect(throws: ReplyError.malformed) { while try parser.next() != nil {} }
    }

    @Test func `lines and replies are bounded`() {
        var parser = ReplyParser()
        parser.feed([UInt8](repeating: 0x32, count: ReplyParser.lineLimit + 1))
        #expect(throws: ReplyError.tooLong) { try parser.next() }
        parser = ReplyParser()
        for _ in 0...ReplyParser.lineCountLimit { parser.feed(Array("250-x\r\n".utf8)) }
        #expect(throws: ReplyError.tooLong) { try parser.next() }
    }

    @Test func `every line of a reply has code and status and ends in CRLF`() {
        let reply = SMTPReply(550, EnhancedStatus(5, 7, 1), lines: ["One", "Two"])
        #expect(reply.bytes == Array("550-5.7.1 One\r\n550 5.7.1 Two\r\n".utf8))
        #expect(SMTPReply(250, nil, lines: []).bytes == Array("250 \r\n".utf8))
    }

    @Test func `a text cannot end a line, leave ASCII or exceed 512 bytes`() {
        #expect(SMTPReply(250, nil, "a\r\nb\u{7F}é").bytes == Array("250 a??b???\r\n".utf8))
        let long = SMTPReply(550, EnhancedStatus(5, 7, 1), String(repeating: "x", count: 2000))
        #expect(long.bytes.count == 512)
        #expect(long.bytes.suffix(2) == [0x0D, 0x0A])
    }

    @Test func `a reply without a status becomes one of its class`() {
        #expect(SMTPReply(550, nil, "no").reply == Reply(550, EnhancedStatus(5, 0, 0), "no"))
        #expect(SMTPReply(354, nil, "go").reply.status == EnhancedStatus(4, 0, 0))
    }
}
