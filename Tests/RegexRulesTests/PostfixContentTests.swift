// Tests of PostfixContent: what is a header and what a body to Postfix.
// header_checks(5).
// SPDX-License-Identifier: MIT

import Testing

@testable import RegexRules

struct PostfixContentTests {
    /// Each piece as `H:text` or `B:text`, LF as `|`.
    private static func pieces(_ message: String) -> [String] {
        Array(message.utf8).withUnsafeBytes { bytes in
            var content = PostfixContent()
            var pieces: [String] = []
            while let piece = content.next(in: bytes) {
                let text = piece.rewritten ?? Array(bytes[piece.text])
                pieces.append(
                    (piece.kind == .header ? "H:" : "B:")
                        + String(decoding: text, as: UTF8.self).replacing("\n", with: "|"))
            }
            return pieces
        }
    }

    /// A message, what it is divided into, and why.
    @Test(
        arguments: [
            (
                "A: 1\nB: 2\n 3\n\nbody\n", ["H:A: 1", "H:B: 2| 3", "B:body"],
                "fields with their folds"
            ),
            (
                "A: 1\r\n\t2\r\n\r\nbody\r\n", ["H:A: 1|\t2", "B:body"],
                "line ends as SMTP has them"
            ),
            ("A : 1\n", ["H:A: 1"], "blanks before the colon are gone"),
            ("From me\nA: 1\n", ["H:X-Mailbox-Line: From me", "H:A: 1"], "the line of an mbox"),
            (">From me\nA: 1\n", ["H:X-Mailbox-Line: >From me", "H:A: 1"], "a quoted one"),
            (
                "A: 1\nnone\nB: 2\n\nC: 3\n", ["H:A: 1", "B:none", "B:B: 2", "H:B: 2", "B:C: 3"],
                "what follows no field is both"
            ),
            ("", [], "nothing"), ("A: 1", ["H:A: 1"], "no line end"),
            ("\nA: 1", ["B:A: 1"], "no header"),
            (
                "Content-Type: multipart/x; boundary=b\n\nC: 1\n--b\nD: 2\n\nE: 3\n--b--\nF: 4\n",
                [
                    "H:Content-Type: multipart/x; boundary=b", "B:C: 1", "B:--b", "H:D: 2",
                    "B:E: 3",
                    "B:--b--", "B:F: 4",
                ], "parts have headers, preamble and epilogue none"
            ),
            (
                "Content-Type: multipart/digest; boundary=b\n\n--b\n\nD: 2\n\nE: 3\n",
                ["H:Content-Type: multipart/digest; boundary=b", "B:--b", "H:D: 2", "B:E: 3"],
                "a digest is made of messages"
            ),
            (
                "Content-Type: message/rfc822\n\nD: 2\n\nE: 3\n",
                ["H:Content-Type: message/rfc822", "H:D: 2", "B:E: 3"], "an attached message"
            ),
            (
                "Content-Type: message/partial\n\nD: 2\n",
                ["H:Content-Type: message/partial", "B:D: 2"],
                "a part of one has no header of its own"
            ),
            (
                "Content-Type: multipart/x (c;d\\)); boundary=\"a \\\"b\"\n\n--a \"b\nD: 2\n",
                [
                    "H:Content-Type: multipart/x (c;d\\)); boundary=\"a \\\"b\"", "B:--a \"b",
                    "H:D: 2",
                ],
                "comments and quotes"
            ),
        ] as [(String, [String], String)])
    func `a message is divided as Postfix does`(
        _ message: String, _ pieces: [String], _ reason: String
    ) {
        #expect(Self.pieces(message) == pieces, "\(reason)")
    }

    @Test func `a long line comes in pieces, and offsets count from the start of each body`() {
        let message = "A: 1\n\nfirst\n" + String(repeating: "x", count: 5000) + "\nlast\n"
        Array(message.utf8).withUnsafeBytes { bytes in
            var content = PostfixContent()
            var pieces: [PostfixContent.Piece] = []
            while let piece = content.next(in: bytes) { pieces.append(piece) }
            #expect(pieces.map(\.text.count) == [4, 5, 2048, 2048, 904, 4])
            // The empty line is the first byte of the body.
            #expect(pieces.map(\.offset) == [0, 1, 7, 2056, 4105, 5010])
            // Together they are all but the empty line.
            #expect(pieces.map(\.range.count).reduce(0, +) == message.utf8.count - 1)
        }
    }
}
