// Tests of ServerSession: each command in each state.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPProtocol

@Suite struct OrderTests {
    /// The states, by the lines that lead to them.
    private static let states: [(name: String, lines: [String])] = [
        ("opened", []),
        ("HELO", ["HELO c"]),
        ("EHLO", ["EHLO c"]),
        ("user", ["EHLO c", "AUTH PLAIN AHUAcA=="]),
        ("TLS", ["EHLO c", "STARTTLS"]),
        ("TLS+EHLO", ["EHLO c", "STARTTLS", "EHLO c"]),
        ("MAIL", ["EHLO c", "MAIL FROM:<a@b>"]),
        ("refused RCPT", ["EHLO c", "MAIL FROM:<a@b>", "RCPT TO:<x@elsewhere.test>"]),
        ("RCPT", Conversation.begun),
        ("BDAT", Conversation.begun + ["BDAT 3"]),
        ("refused BDAT", Conversation.begun + ["BDAT 3 x"]),
        ("done", Conversation.begun + ["DATA", "."]),
    ]

    /// The commands, and what each gets in the states above.
    private static let table: [(command: String, codes: [UInt16])] = [
        ("HELO c", [250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250]),
        ("EHLO c", [250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250]),
        ("MAIL FROM:<a@b>", [503, 250, 250, 250, 503, 250, 503, 503, 503, 503, 250, 250]),
        (
            "RCPT TO:<bob@example.test>",
            [503, 503, 503, 503, 503, 503, 250, 250, 250, 503, 503, 503]
        ),
        ("DATA", [503, 503, 503, 503, 503, 503, 503, 554, 354, 503, 503, 503]),
        ("BDAT 3", [503, 503, 503, 503, 503, 503, 503, 554, 250, 250, 501, 503]),
        ("BDAT 0 LAST", [503, 503, 503, 503, 503, 503, 503, 554, 250, 250, 501, 503]),
        ("RSET", [250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250]),
        ("NOOP", [250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250, 250]),
        ("VRFY bob", [252, 252, 252, 252, 252, 252, 252, 252, 252, 252, 252, 252]),
        ("EXPN list", [502, 502, 502, 502, 502, 502, 502, 502, 502, 502, 502, 502]),
        ("HELP", [214, 214, 214, 214, 214, 214, 214, 214, 214, 214, 214, 214]),
        ("STARTTLS", [503, 503, 220, 220, 503, 503, 220, 220, 220, 220, 220, 220]),
        (
            "AUTH PLAIN AHUAcA==",
            [503, 503, 235, 503, 503, 235, 503, 503, 503, 503, 235, 235]
        ),
        (
            "XCLIENT ADDR=192.0.2.9",
            [220, 220, 220, 220, 220, 220, 503, 503, 503, 503, 220, 220]
        ),
        (
            "XFORWARD ADDR=192.0.2.9",
            [500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500]
        ),
        ("QUIT", [221, 221, 221, 221, 221, 221, 221, 221, 221, 221, 221, 221]),
        ("FROB", [500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500]),
        ("", [500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500]),
    ]

    @Test(arguments: table.map(\.command))
    func `each command has its code in each state`(_ command: String) throws {
        let codes = try #require(OrderTests.table.first { $0.command == command }).codes
        #expect(codes.count == OrderTests.states.count)
        for (state, code) in zip(OrderTests.states, codes) {
            var conversation = Conversation {
                $0.offersTLS = true
                $0.allowsXCLIENT = true
                $0.mechanismsInClear = ["PLAIN"]
                $0.mechanismsUnderTLS = ["PLAIN"]
            }
            conversation.verify = { _ in .accepted(user: [0x75]) }
            _ = conversation.run(state.lines)
            let reply = conversation.say(command) ?? ""
            #expect(reply.hasPrefix("\(code)"), "\(command) after \(state.name): \(reply)")
            #expect(conversation.isClosed == (code == 221))
        }
    }

    @Test func `there is a row for each verb`() {
        let words = OrderTests.table.map { $0.command.prefix { $0 != " " } }
        for verb in Verb.allCases { #expect(words.contains { $0 == verb.rawValue }) }
    }

    /// A wrong order is an error and nothing else: the session goes on as if nothing had been said.
    @Test(arguments: ["MAIL FROM:<c@d>", "AUTH PLAIN =", "XCLIENT ADDR=192.0.2.9", "FROB", "HELO"])
    func `a command out of order leaves the transaction`(_ command: String) {
        var conversation = Conversation { $0.mechanismsInClear = ["PLAIN"] }
        let replies = conversation.run(Conversation.begun + [command, "DATA", "."])
        #expect(replies.suffix(3).first?.first == "5")
        #expect(replies.last?.hasPrefix("250 2.0.0 Ok") == true)
    }
}
