// Tests of HeaderScan: hops, and fields that only we may write.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@Suite struct HeaderScanTests {
    private func scan(_ text: String, by count: Int = .max) -> HeaderScan {
        var scan = HeaderScan(name: Array("mx.example.test".utf8))
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            scan.take(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        scan.finish()
        return scan
    }

    private static let rows: [(String, Int, [String], String)] = [
        ("", 0, [], "nothing"),
        ("\nReceived: x\n", 0, [], "a body is no header"),
        ("Received: a\nreceived : b\nX: c\nDelivered-To: d\n\n", 3, [], "hops"),
        ("Received: a\n Received: b\n\n", 1, [], "a continuation is no field"),
        ("Received\nX: y", 0, [], "no colon"),
        (
            "Authentication-Results: mx.example.test; spf=pass\n\n", 0,
            ["authentication-results"], "our id"
        ),
        (
            "authentication-results:\n (x)\n\tMX.Example.Test 1; spf=pass\n\n", 0,
            ["authentication-results"], "our id after folds and comments"
        ),
        ("Authentication-Results: \"mx.example.test\"\n", 0, ["authentication-results"], "quoted"),
        ("Authentication-Results: other; x=mx.example.test\n\n", 0, [], "another's id"),
        (
            "X-Chainmail-A: 1\nx-chainmail-a : 2\nX-Chainmail-B: 3\n\n", 0,
            ["x-chainmail-a", "x-chainmail-b"], "our own fields"
        ),
        (
            "Authentication-Results: (a;b) mx.example.test; spf=pass\n\n", 0,
            ["authentication-results"], "our id after a comment with a semicolon"
        ),
        (
            "Authentication-Results: \"mx.exam\\ple.test\"; spf=pass\n\n", 0,
            ["authentication-results"], "our id with a quoted pair"
        ),
        (
            "Authentication-Results: mx.example.test; spf=pass\r\n\r\nReceived: x\r\n", 0,
            ["authentication-results"], "CRLF line ends"
        ),
        ("X-Chainmail-A b: 1\n\n", 0, [], "no name of a field, and of no edit"),
        ("X-Chainmail: 1\n\n", 0, [], "not ours"),
    ]

    @Test(arguments: rows)
    func `hops and forged fields are found however the header arrives`(
        _ text: String, _ hops: Int, _ removed: [String], _ why: String
    ) {
        for count in [1, 2, 3, 1000] {
            let scan = scan(text, by: count)
            #expect(scan.hops == hops)
            #expect(scan.removals == removed.map { .remove(name: Array($0.utf8)) })
        }
    }

    @Test(arguments: [
        ("Subject: x\n\nDate: y\nMessage-ID: z\n", false, false),
        ("DATE: x\n\n", true, false),
        ("message-id : <x>\nX: y\n", false, true),
        ("Date: x\nMessage-Id:\n", true, true),
        ("X: y\n Date: z\n\n", false, false),
        ("Resent-Date: x\nDated: y\n", false, false),
        ("", false, false),
    ])
    func `Date and Message-ID are found where they are fields of the header`(
        _ text: String, _ hasDate: Bool, _ hasMessageID: Bool
    ) {
        for count in [1, 1000] {
            let scan = scan(text, by: count)
            #expect(scan.hasDate == hasDate)
            #expect(scan.hasMessageID == hasMessageID)
        }
    }

    @Test func `a line of any length is one line`() {
        let long = String(repeating: "x", count: 100_000)
        #expect(scan("X: \(long)\nReceived: \(long)\n\(long)\n", by: 4096).hops == 1)
    }

    @Test(arguments: [
        "Authentication-Results: (\(long)) mx.example.test; spf=pass\n\n",
        "Authentication-Results: (\(long)) mx.example.test;\n ) other; spf=pass\n\n",
        "Authentication-Results:\(blanks)mx.example.test; spf=pass\n\n",
        "Authentication-Results:\(folds)mx.example.test; spf=pass\n\n",
        "Authentication-Results\(blanks): mx.example.test; spf=pass\n\n",
    ])
    func `an id that is too far away to be seen is taken for ours`(_ header: String) {
        #expect(scan(header).removals == [.remove(name: Array("authentication-results".utf8))])
    }

    @Test func `what another server found out stays, however long it is`() {
        let header = "Authentication-Results: other; x=\(HeaderScanTests.folds)mx.example.test\n\n"
        #expect(scan(header).removals.isEmpty)
    }

    @Test func `more forged names than can be taken out are an attack`() {
        let header = (0..<100).map { "X-Chainmail-\($0): x\n" }.joined()
        #expect(!scan(header).isHostile)
        let more = scan(header + "X-Chainmail-a: x\nX-Chainmail-b: x\n")
        #expect(more.isHostile)
        #expect(more.removals.count == HeaderScan.forgeryLimit + 1)
    }

    private static let long = String(repeating: "x", count: 2000)
    private static let blanks = String(repeating: " ", count: 995)
    private static let folds = String(repeating: "\n (comment) (comment)", count: 5000)

    @Test(.timeLimit(.minutes(1)))
    func `a field without end costs no more the longer it is`() {
        let name = "Authentication-Results: "
        let comments = String(
            repeating: "(" + String(repeating: "x", count: 900) + ")\n ", count: 71)
        let long = String(repeating: "y", count: 2000) + "\n"
        let folds = String(repeating: " x\n", count: 200_000) + "\n"
        #expect(scan(name + comments + "other; " + long + folds).removals.isEmpty)
        #expect(scan(name + comments + "mx.example.test; " + long + folds).removals.count == 1)
    }
}
