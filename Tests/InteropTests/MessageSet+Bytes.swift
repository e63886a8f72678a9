// MessageSet+Bytes: messages that pass as they are, whatever bytes they are made of.
// RFC 5322, section 2; RFC 2045.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport

extension MessageSet {
    /// Every byte that a message may be made of, and some that it may not.
    static let bytes: [Letter] = {
        let all = (0...255).map { UInt8($0) }
        var letters = [
            letter("plain text"),
            letter("8-bit text", "Gr\u{FC}\u{DF}e aus K\u{F6}ln\n"),
            letter("Latin-1 text", Array("Gr".utf8) + [0xFC, 0xDF] + Array("e\n".utf8)),
            letter("bytes that are no UTF-8", [0xC3, 0x28, 0xFF, 0xFE, 0xED, 0xA0, 0x80, 0x0A]),
            letter("NUL in the body", "a\0b\n\0\n"),
            letter("a body of NULs", [UInt8](repeating: 0, count: 4096) + [0x0A]),
            letter("bare CR in the body", "a\rb\n\r\rc\n"),
            letter("CR before each LF", "one\r\ntwo\r\n\r\nthree\r\n"),
            letter("CR at the very end", "one\n\r"),
            letter("all bytes", all + [0x0A]),
            letter("all bytes twice, each in a line", all.flatMap { [$0, 0x0A, $0, $0, 0x0A] }),
            letter("dots", ".\n..\n.a\n...\n\n.\n"),
            letter("what ends a message elsewhere", "a\n.\nMAIL FROM:<x@a.test>\nQUIT\n"),
            letter("lines that begin with From", "From here\n>From there\nFrom a@a.test Mon\n"),
            letter("blanks at the ends of lines", "a \nb\t\n \n\t\n"),
            letter("controls", "\u{1}\u{8}\u{B}\u{C}\u{1A}\u{1B}[2J\u{7F}\n"),
            letter("no line end at the end", "Hello."),
            letter("many empty lines", String(repeating: "\n", count: 500)),
            letter(
                "a million short lines",
                Array(repeating: [0x61, 0x0A], count: 400_000).flatMap { $0 }),
            letter("more than a mebibyte", String(repeating: "0123456789abcde\n", count: 80_000)),
            Letter("header only", header("hello")),
            Letter("header and an empty line", header("hello") + "\n"),
            Letter("no header", "Just text.\nAnd more.\n"),
            Letter("an empty header", "\nJust text.\n"),
            Letter("one line end", "\n"),
            Letter("one byte", "x"),
            Letter("nothing", ""),
            Letter("a header that does not end in a line end", "Subject: x"),
            Letter("binary and nothing else", all.reversed()),
        ]
        for length in [997, 998, 999, 2048, 2049, 8192, 100_000] {
            letters.append(
                letter("a line of \(length)", String(repeating: "x", count: length) + "\n"))
        }
        var random = SeededRandom(6)
        for number in 1...8 {
            letters.append(
                letter("random bytes \(number)", random.bytes(random.below(6000)) + [0x0A]))
        }
        return letters
    }()

    /// Headers and bodies of every form.
    static let structures: [Letter] = {
        let word = "=?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?iso-8859-1?B?ZvxyIGRpY2g=?="
        let many = (1...400).map { "X-Many-\($0): \($0)\n" }.joined()
        let folded = "X-Long:" + (1...300).map { " word\($0)\n" }.joined()
        let plain = Samples.multipart([
            Samples.text, Samples.attachment([1, 2, 3], named: "a.bin"),
        ])
        return [
            letter("encoded words", subject: word),
            letter("an 8-bit subject", subject: "Gr\u{FC}\u{DF}e"),
            letter("a NUL in the header", subject: "a\0b"),
            letter("a bare CR in the header", subject: "a\rb"),
            letter("a folded field", fields: "X-Folded: a\n b\n\tc\n"),
            letter("a field of 300 lines", fields: folded),
            letter(
                "a field line of 5000 bytes",
                fields: "X-Long: \(String(repeating: "y", count: 5000))\n"),
            letter("400 fields", fields: many),
            letter("fields without a value", fields: "X-Empty:\nX-Blank: \n"),
            letter("a field without a name", fields: ": nothing\n"),
            letter("a blank before the colon", fields: "X-Blank : yes\n"),
            letter("two subjects", fields: "Subject: again\nsubject: and again\n"),
            letter("trace fields", fields: "Received: from x by y; now\nReturn-Path: <z@a.test>\n"),
            letter(
                "results of another host", fields: "Authentication-Results: mx.c.test; spf=pass\n"),
            Letter(
                "an mbox line first",
                "From a@a.test Thu Jan  1 00:00:00 1970\n" + header("x") + "\nHi.\n"),
            Letter("header lines with CR", "Subject: x\r\nFrom: a@a.test\r\n\r\nHi.\r\n"),
            letter(
                "quoted-printable", fields: "Content-Transfer-Encoding: quoted-printable\n",
                "a=3Db=\nc=20\n"),
            Letter("base64", header("x") + Samples.encoded(Array("Hello.\n".utf8))),
            Letter("a multipart", header("x") + plain),
            Letter(
                "a multipart in a multipart",
                header("x")
                    + Samples.multipart([
                        Samples.text,
                        Samples.multipart([Samples.text], kind: "alternative", boundary: "b2"),
                    ])),
            Letter("a multipart without an end", header("x") + plain.dropLast(6)),
            Letter(
                "a boundary that is nowhere",
                header("x") + "Content-Type: multipart/mixed; boundary=zz\n\nHi.\n"),
            Letter(
                "a message in a message",
                header("x") + "Content-Type: message/rfc822\n\n" + header("inner") + "\nHi.\n"),
            Letter(
                "HTML", header("x") + "Content-Type: text/html\n\n<p>Hello, <b>Bob</b>&excl;</p>\n"),
            Letter(
                "a harmless archive",
                header("x")
                    + Samples.multipart([
                        Samples.attachment(Samples.zip([0x61], named: "a.txt"), named: "a.zip")
                    ])),
            Letter(
                "a list's message",
                header("[list] x") + "List-Id: <l.a.test>\nPrecedence: bulk\n\nHi.\n"
            )
            .from("l-return-1-bob=b.test@a.test"),
        ]
    }()
}
