// What spamd and rspamd say, what could be taken for an answer, and what is cut short.
// SPDX-License-Identifier: MIT

import MailModel
import SpamScoring
import Testing

@Suite struct AnswerTests {
    /// Reads in pieces of so many bytes, then the end.
    private func read(
        _ text: String, _ question: some SpamQuestion, pieces: Int = 1000
    ) throws -> SpamOpinion {
        let reader = question.reader()
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: pieces) {
            let piece = Array(bytes[start..<min(start + pieces, bytes.count)])
            if let opinion = try reader.take(piece) { return opinion }
        }
        return try reader.end()
    }

    private let spamd = SpamdQuestion(user: nil)
    private let rspamd = RspamdQuestion(path: "/checkv2", host: "h", Facts(), nil)

    private static let head = "SPAMD/1.1 0 EX_OK\r\n"

    private static let opinions:
        [(text: String, score: Double, required: Double, isSpam: Bool, reason: String)] = [
            (Answer.spamd("15.3", tests: "A,B"), 15.3, 5, true, "the usual"),
            (Answer.spamd("-1.9", tests: "A,B"), -1.9, 5, false, "below zero"),
            ("\(head)Spam: True ; 15 / 5\r\n\r\n", 15, 5, true, "no length"),
            ("\(head)Spam: Yes ; 15 / 5\r\n\r\n", 15, 5, true, "as REPORT_IFSPAM has it"),
            ("\(head)Spam: False ; 15 / 5\r\n\r\n", 15, 5, true, "a contradiction is spam"),
            ("\(head)Spam: True ; 1 / 5\r\n\r\n", 1, 5, true, "as rspamd says it"),
            ("\(head)spam:True;1.25/5.0\r\nX: y\r\n\r\n", 1.25, 5, true, "another notation"),
            ("SPAMD/1.5 0 EX_OK\nSpam: False ; 0.0 / 5.0\n\n", 0, 5, false, "LF alone"),
        ]

    @Test(arguments: opinions, [1, 1000])
    func `what spamd says is understood`(
        _ answer: (text: String, score: Double, required: Double, isSpam: Bool, reason: String),
        _ pieces: Int
    ) throws {
        let opinion = try read(answer.text, spamd, pieces: pieces)
        #expect(abs(opinion.score - answer.score) < 0.001, "\(answer.reason)")
        #expect(abs(opinion.required - answer.required) < 0.001)
        #expect(opinion.isSpam == answer.isSpam, "\(answer.reason)")
    }

    @Test func `names of rules come without what could break a field`() throws {
        let opinion = try read(Answer.spamd("1", tests: "A,B C,\u{1}D\tE,,F\r\n"), spamd)
        #expect(opinion.symbols == ["A", "BC", "DE", "F"])
        let many = (0..<3000).map { "R\($0)" }.joined(separator: ",")
        #expect(try read(Answer.spamd("1", tests: many), spamd).symbols.count == 1000)
    }

    @Test func `a time that was over is seen, and no name that is like it`() throws {
        let over = Answer.spamd("0.0", tests: "A,TIME_LIMIT_EXCEEDED")
        #expect(try read(over, spamd).isUnfinished)
        let other = Answer.spamd("0.0", tests: "A,NO_TIME_LIMIT_EXCEEDED")
        #expect(try !read(other, spamd).isUnfinished)
    }

    @Test(
        arguments: [
            ("SPAMD/1.0 76 Bad header line: x\r\n", "a refusal without an empty line"),
            ("SPAMD/1.1 79 Timeout: (300 second timeout)\r\n", "a time that was over"),
            ("SPAMD/1.1 69 Service Unavailable: x\r\nSpam: False ; 0 / 5\r\n\r\n", "a refusal"),
        ])
    func `a refusal of spamd is none of its opinions`(_ text: String, _ reason: String) throws {
        let error = #expect(throws: SpamServerError.self) { try read(text, spamd) }
        guard case .refused(let words) = error else {
            Issue.record("\(reason): \(String(describing: error))")
            return
        }
        #expect(text.hasPrefix(words))
    }

    @Test(
        arguments: [
            ("hello\r\n\r\n", "another protocol"), ("\(head)\r\n", "no score"),
            ("SPAMD/1.1 x\r\n\r\n", "no code"), ("HTTP/1.1 200 OK\r\n\r\n", "HTTP"),
            ("\(head)Spam: Perhaps ; 1 / 5\r\n\r\n", "no word"),
            ("\(head)Spam: True ; x / 5\r\n\r\n", "no number"),
            ("\(head)Spam: True ; 1\r\n\r\n", "one number"),
            ("\(head)Spam: True ; 1 / 5 / 6\r\n\r\n", "three numbers"),
            ("\(head)Spam: True ; 1e3 / 5\r\n\r\n", "no number"),
            ("\(head)Spam: True ; nan / 5\r\n\r\n", "no number"),
            ("\(head)Spam: True ; 99999999999999999999 / 5\r\n\r\n", "a number without end"),
            ("\(head)Spam: True\r\n\r\n", "no numbers"), ("\(head)Spam\r\n\r\n", "no field"),
            ("\(head)Spam: False ; 0 / 5\r\nSpam: True ; 9 / 5\r\n\r\n", "two opinions"),
            ("\(head)Content-length: 1\r\nSpam: False ; 0 / 5\r\n\r\nAB", "more than its length"),
            ("\(head)Content-length: -1\r\nSpam: False ; 0 / 5\r\n\r\n", "no length"),
            (head + String(repeating: "X: y\r\n", count: 20_000), "a header without end"),
        ])
    func `what spamd could not have said is no opinion`(_ text: String, _ reason: String) {
        let error = #expect(throws: SpamServerError.self, "\(reason)") { try read(text, spamd) }
        guard case .nonsense = error else {
            Issue.record("\(reason): \(String(describing: error))")
            return
        }
    }

    @Test func `each beginning of an answer is no opinion`() {
        for (whole, isSpamd) in [
            (Answer.spamd("1.0", tests: "A,B"), true), (Answer.rspamd("1.5", "no action"), false),
        ] {
            for count in 0..<whole.utf8.count {
                let text = String(decoding: whole.utf8.prefix(count), as: UTF8.self)
                #expect(throws: SpamServerError.cutShort) {
                    isSpamd ? try read(text, spamd) : try read(text, rspamd)
                }
            }
        }
    }

    @Test(arguments: RspamdAction.allCases)
    func `each action of rspamd is understood`(_ action: RspamdAction) throws {
        let opinion = try read(Answer.rspamd("4.5", action.rawValue), rspamd, pieces: 7)
        #expect(opinion.action == action)
        #expect(opinion.score == 4.5)
        #expect(opinion.required == 15)
        #expect(opinion.symbols == ["A_RULE"])
        let other = action.rawValue.replacing(" ", with: "_")
        #expect(try read(Answer.rspamd("4.5", other), rspamd).action == action)
    }

    @Test func `all of what rspamd wants is read`() throws {
        let more = #"""
            ,"subject":"[S] x","messages":{"smtp_message":"go away"},"dkim-signature":"v=1;\r\n\tb=x",
            "milter":{"add_headers":{"X-One":{"value":"a","order":0},"X-Two":["b","c"],
            "X Bad":"d","X-Three":"e\nSubject: forged"},"remove_headers":{"X-Gone":0,"X Bad":0}}
            """#
        let opinion = try read(Answer.rspamd("4.5", "add header", more), rspamd)
        #expect(opinion.subject == Array("[S] x".utf8))
        #expect(opinion.text == "go away")
        let fields = opinion.addedFields.map { String(decoding: $0.bytes, as: UTF8.self) }
        #expect(
            fields == [
                "DKIM-Signature: v=1;\n\tb=x\n", "X-One: a\n", "X-Two: b\n", "X-Two: c\n",
            ])
        #expect(opinion.removedFields == [Array("X-Gone".utf8)])
    }

    @Test(
        arguments: [
            (Answer.rspamd("1", "delay"), "an action that nobody knows"),
            (Answer.rspamd("\"1\"", "no action"), "a score that is no number"),
            (Answer.rspamd("1e99", "no action"), "a score without end"),
            (Answer.http(#"{"score":1,"required_score":15}"#), "no action"),
            (Answer.http(#"{"action":"no action","required_score":15}"#), "no score"),
            (Answer.http("[]"), "no object"), (Answer.http("OK"), "no JSON"), (Answer.http(""), ""),
            ("SPAMD/1.1 0 EX_OK\r\nSpam: False ; 0 / 5\r\n\r\n", "spamd"),
        ])
    func `what rspamd could not have said is no opinion`(_ text: String, _ reason: String) {
        let error = #expect(throws: SpamServerError.self, "\(reason)") { try read(text, rspamd) }
        guard case .nonsense = error else {
            Issue.record("\(reason): \(String(describing: error))")
            return
        }
    }

    @Test(
        arguments: [
            (Answer.http(#"{"error":"too much"}"#, status: "500 x"), "500 too much"),
            (Answer.http(#"{"error":"too much"}"#), "too much"),
            (Answer.http("", status: "404 Not found"), "404 "),
        ])
    func `a refusal of rspamd is none of its opinions`(_ text: String, _ words: String) throws {
        #expect(throws: SpamServerError.refused(words)) { try read(text, rspamd) }
    }

    @Test func `nothing of an envelope ends a line of a request`() throws {
        var facts = Facts()
        facts[.helo] = Array("a\r\nPass: all".utf8)
        facts[.clientIP] = Array("192.0.2.1".utf8)
        let envelope = Envelope(reversePath: .null)
        let request = RspamdQuestion(path: "/checkv2", host: "h", facts, envelope)
        let head = String(decoding: request.head(length: 7), as: UTF8.self)
        #expect(head.contains("\r\nHelo: a__Pass: all\r\n"))
        #expect(head.contains("\r\nFrom: <>\r\n"))
        #expect(head.contains("\r\nContent-Length: 7\r\n"))
        let other = SpamdQuestion(user: Array("a\r\nX: y".utf8)).head(length: 3)
        #expect(
            String(decoding: other, as: UTF8.self)
                == "SYMBOLS SPAMC/1.5\r\nContent-length: 3\r\nUser: a__X: y\r\n\r\n")
    }
}
