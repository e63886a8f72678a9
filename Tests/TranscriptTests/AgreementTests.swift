// Tests that a verdict does not depend on how a filter is called: one set of messages through every
// filter in every convention. filters(7).
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

/// A filter with rules under which the set meets every verdict that the filter can give.
struct Jury: Sendable, CustomTestStringConvertible {
    let tool: String
    let options: [String]
    var files: [(name: String, bytes: [UInt8])] = []
    var services: [[String]] = []
    var zone: String?
    /// The verdicts that must be met, and whether some of the accepted are edited.
    let verdicts: Set<String>
    var edits = false

    var testDescription: String { tool }

    func transcript(_ steps: [Step]) -> TranscriptCase {
        var one = TranscriptCase(tool: tool, place: "agreement", title: tool, steps: steps)
        one.files = files
        one.services = services
        one.zone = zone.map { Array($0.utf8) }
        return one
    }
}

struct AgreementTests {
    private static let juries = [
        Jury(
            tool: "regex-filter", options: ["--rules", "rules"],
            files: [
                (
                    "rules",
                    Array(
                        """
                        header:Subject /bad/ reject 554 5.7.0 no thanks
                        header:Subject /later/ defer 451 4.7.0 not now
                        header:Subject /lost/ discard
                        header:Subject /good/ tag X-Tag: yes
                        header:X-Old /./ remove X-Old
                        sender /^null/ redirect other@example.test
                        header:Subject /good/ add more@example.test
                        raw /virus/ reject 550 5.7.1 raw
                        recipient /^unknown@/ reject 550 5.1.1 unknown

                        """.utf8)
                )
            ], verdicts: ["accept", "reject", "defer", "discard"], edits: true),
        Jury(
            tool: "spf-check",
            options: [
                "--resolver", "{zone}", "--receiver", "mx.test", "--defer", "softfail",
                "--header", "both",
            ],
            zone: """
                pass.test. TXT "v=spf1 ip4:192.0.2.0/24 -all"
                fail.test. TXT "v=spf1 exp=why.fail.test -all"
                why.fail.test. TXT "%{i} is not mine"
                soft.test. TXT "v=spf1 ~all"
                """,
            verdicts: ["accept", "reject", "defer"], edits: true),
        Jury(
            tool: "throttle",
            options: [
                "--store", "store", "--limit", "sender messages 3/1d defer slow down",
                "--limit", "recipient messages 11/1d reject that is enough",
            ], verdicts: ["accept", "reject", "defer"]),
        Jury(
            tool: "rcpt-validate", options: ["--source", "file:mailboxes"],
            files: [("mailboxes", Array("bob@example.test\ncarol@example.test\n".utf8))],
            verdicts: ["accept", "reject"]),
        Jury(
            tool: "virus-scan", options: ["--pool", "{folder}/pool", "--database", "{folder}/db"],
            files: [("db/test.ndb", Array("Test.Virus:0:*:6120766972757320\n".utf8))],
            services: [["virus-scan", "--serve", "{folder}/pool", "--database", "{folder}/db"]],
            verdicts: ["accept", "reject"]),
    ]

    private static let subjects = ["good", "bad", "later", "lost", "plain"]
    private static let senders = ["me@pass.test", "me@fail.test", "me@soft.test", "me@none.test"]
    private static let bodies: [[UInt8]] = [
        Array("Hello.\n".utf8), Array("a virus is here\n".utf8), [],
        Array("8-bit \u{E9}, NUL \0 and\r\n a bare \r return".utf8),
    ]

    /// The messages: every subject with every body, and senders and recipients by turns.
    private static let steps: [Step] = subjects.enumerated().flatMap { row, subject in
        bodies.enumerated().flatMap { column, body in
            [0, 1].map { turn in
                let number = row * 8 + column * 2 + turn
                var step = Step()
                step.sender = number % 9 == 8 ? "" : senders[number % senders.count]
                step.add(recipient: "bob@example.test")
                if turn == 1 { step.add(recipient: "carol@example.test") }
                if number % 7 == 3 { step.add(recipient: "unknown@example.test") }
                step.facts = [(.clientIP, "192.0.2.1"), (.helo, "mail.pass.test")]
                let old = turn == 1 ? "X-Old: 1\nx-old : 2\n\tfolded\n" : ""
                let claim = turn == 1 ? "Authentication-Results: mx.test; spf=pass\n" : ""
                step.message = Array("\(claim)\(old)Subject: \(subject) \(number)\n\n".utf8) + body
                return step
            }
        }
    }

    @Test(arguments: juries)
    func `one set of messages comes out the same in every convention`(jury: Jury) throws {
        var steps = Self.steps
        for index in steps.indices {
            steps[index].options = jury.options
            // Some verdict, whatever it will be.
            steps[index].verdict = ""
        }
        let resident = try Stagehand(jury.transcript(steps), .resident)
        for index in steps.indices {
            try steps[index].expect(try resident.outcome(of: steps[index]))
        }
        #expect(Set(steps.compactMap(\.verdict)) == jury.verdicts)
        #expect(steps.contains { $0.output != nil || !$0.newRecipients.isEmpty } == jury.edits)
        for way in [Way.shell, .queue, .chain, .qfilter] {
            let stagehand = try Stagehand(jury.transcript(steps), way)
            stagehand.givesReasons = true
            for (index, step) in steps.enumerated() {
                var expected = step.expected(way, tool: jury.tool)
                if way == .queue || way == .qfilter { expected.reply = step.reason }
                let outcome = try stagehand.outcome(of: step)
                #expect(outcome == expected, "\(way.rawValue), message \(index)")
            }
        }
    }
}

extension Step {
    /// Expects what came out elsewhere.
    fileprivate mutating func expect(_ outcome: Outcome) throws {
        verdict = outcome.verdict
        reply = outcome.reply
        guard verdict == "accept", let bytes = outcome.envelope else { return }
        if let edited = outcome.message, edited != message { output = edited }
        let envelope = try Envelope(queueFormat: bytes)
        guard bytes != queueFormat else { return }
        newSender = String(decoding: envelope.reversePath.bytes, as: UTF8.self)
        newRecipients = envelope.recipients.map { String(decoding: $0.bytes, as: UTF8.self) }
    }

    /// The reply as a client of qmail-queue is told it.
    fileprivate var reason: String? {
        guard let reply else { return nil }
        let parts = reply.split(separator: " ", maxSplits: 2)
        guard parts.count == 3 else { return nil }
        return "\(verdict == "reject" ? "D" : "Z")\(parts[2]) (#\(parts[1]))"
    }
}
