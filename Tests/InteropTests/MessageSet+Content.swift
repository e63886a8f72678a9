// MessageSet+Content: messages whose header or body the chain minds.
// SetChain.rules; RFC 2047, RFC 2231.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport

extension MessageSet {
    /// Header fields that come, go, or were never ours to believe.
    static let fields: [Letter] = {
        func tagged(_ letter: Letter) -> Letter {
            letter.becoming(Array("X-Tagged: yes\n".utf8) + letter.message, .changedHeader)
        }
        func cleaned(_ name: String, _ private: String, _ body: String = "Hello.\n") -> Letter {
            let subject = "please clean"
            let before = letter(name, subject: subject, fields: `private` + "X-Kept: 1\n", body)
            let after = letter(name, subject: subject, fields: "X-Kept: 1\n", body)
            return before.becoming(after.message, .changedHeader)
        }
        func forged(_ name: String, _ lie: String, _ rest: String = "X-Kept: 1\n") -> Letter {
            let before = letter(name, fields: lie + rest)
            return before.becoming(letter(name, fields: rest).message, .changedHeader, .forged)
        }
        let both = letter(
            "tag and clean", subject: "please tag, please clean", fields: "X-Private: a\n")
        let bothAfter = letter("", subject: "please tag, please clean").message
        return [
            tagged(letter("a tag", subject: "please tag")),
            tagged(letter("a tag on NUL and CR", subject: "please tag", "a\0b\r\rc\n")),
            tagged(letter("a tag on 8-bit", subject: "please tag", [0xE9, 0x0A])),
            tagged(
                letter(
                    "a tag on a long line", subject: "please tag",
                    String(repeating: "x", count: 5000))),
            tagged(letter("a tag on no body", subject: "please tag", "")),
            tagged(Letter("a tag on a header alone", "Subject: please tag\n")),
            tagged(
                letter(
                    "a tag that is there already", subject: "please tag", fields: "X-Tagged: no\n")),
            tagged(letter("a tag by an encoded word", subject: "=?utf-8?B?cGxlYXNlIHRhZw==?=")),
            cleaned("a field goes", "X-Private: secret\n"),
            cleaned("a folded field goes", "X-Private: a\n b\n\tc\n"),
            cleaned("a field goes in any case", "x-pRIVATE: a\nX-PRIVATE: b\n"),
            cleaned(
                "a field that is everywhere goes",
                "X-Private: a\nX-Other: b\nX-Private: c\n".replacing("X-Other: b\n", with: "")),
            cleaned("a field with a NUL goes", "X-Private: a\0b\n"),
            cleaned("what looks like the field stays", "", "X-Private: in the body\n"),
            both.becoming(Array("X-Tagged: yes\n".utf8) + bothAfter, .changedHeader),
            forged("our verdict, forged", "X-Chainmail-Verdict: accept\n"),
            forged("our verdict, forged and folded", "X-Chainmail-Verdict: accept,\n really\n"),
            forged("our verdict in small letters", "x-chainmail-note: spf=pass\n"),
            forged("our results, forged", "Authentication-Results: mx.b.test; spf=pass\n"),
            forged(
                "our results, forged twice",
                "Authentication-Results: mx.b.test; spf=pass\nauthentication-results: MX.B.test; dkim=pass\n"
            ),
            letter("nearly our verdict", fields: "X-Chainmai: accept\nX-Chain-mail: accept\n"),
        ]
    }()

    /// What the rules find, however it is wrapped.
    static let contents: [Letter] = {
        func rejects(_ text: String, _ letters: Letter...) -> [Letter] {
            letters.map { $0.with(.rejected(text)) }
        }
        func mail(_ name: String, _ rest: String) -> Letter { Letter(name, header("x") + rest) }
        let gold = Array("Please buy gold now, friend.\n".utf8)
        let program = Samples.attachment(Array("MZ".utf8), named: "run.exe")
        let html = "Content-Type: text/html\n\n"
        return rejects(
            "no pills, thanks",
            letter("cheap pills", subject: "cheap pills"),
            letter("cheap pills in capitals", subject: "CHEAP pills for you"),
            letter("cheap pills, folded", subject: "very cheap\n pills"),
            letter("cheap pills, encoded", subject: "=?utf-8?Q?cheap_p=69lls?="),
            letter("cheap pills in two words", subject: "=?utf-8?Q?cheap_?= =?utf-8?B?cGlsbHM=?="),
            letter("cheap pills in a second subject", fields: "Subject: cheap pills\n"),
            letter("cheap pills with a NUL behind", subject: "cheap pills\0"),
            letter("cheap pills with 8-bit", subject: "\u{A1}cheap pills!")
        )
            + rejects("no watches, thanks", letter("cheap watches", subject: "Cheap watches"))
            + rejects(
                "evil field", letter("an evil field", fields: "X-Evil: 1\n"),
                letter(
                    "an evil field behind 400",
                    fields: (1...400).map { "X-\($0): 1\n" }.joined() + "x-evil: 1\n"),
                letter("an evil field with a blank", fields: "X-Evil : 1\n"))
            + rejects(
                "forged sender",
                Letter("a forged From", "From: <ceo@forged.test>\nTo: bob@b.test\n\nPay.\n"))
            + rejects(
                "no gold", letter("gold", gold), letter("gold after a NUL", [0, 0x0A] + gold),
                letter(
                    "gold in a long line", [UInt8](repeating: 0x78, count: 3000) + [0x20] + gold),
                letter("gold without a line end", Array(gold.dropLast())),
                letter("gold behind 300 KiB", [UInt8](repeating: 0x0A, count: 300_000) + gold),
                mail("gold in base64", Samples.encoded(gold)),
                mail(
                    "gold in quoted-printable",
                    "Content-Transfer-Encoding: quoted-printable\n\nbuy=20go=\nld now\n"),
                mail(
                    "gold in HTML",
                    html + "<p>b<b></b>uy&nbsp;gold now</p>\n".replacing("&nbsp;", with: "&#32;")),
                mail(
                    "gold in a part",
                    Samples.multipart([Samples.text, "Content-Type: text/plain\n\nbuy gold now\n"])),
                mail(
                    "gold in a part in base64",
                    Samples.multipart([Samples.text, Samples.encoded(gold)])),
                mail(
                    "gold in an inner message",
                    "Content-Type: message/rfc822\n\n" + header("x") + "\nbuy gold now\n"),
                Letter("gold without a header", "\nbuy gold now\n"))
            + rejects("no binary spam", letter("binary spam", "\0binary spam\0\n"))
            + rejects(
                "no programs", mail("a program", Samples.multipart([Samples.text, program])),
                mail(
                    "a program named twice",
                    Samples.multipart([
                        Samples.text,
                        program.replacing(
                            "Content-Type: application/octet-stream",
                            with: "Content-Type: image/png; name=a.png"),
                    ])),
                mail(
                    "a program in pieces of a name",
                    Samples.multipart([
                        Samples.text,
                        "Content-Disposition: attachment; filename*0=\"run.\"; filename*1=\"scr\"\n\nx\n",
                    ])),
                mail(
                    "a program in a name with percents",
                    Samples.multipart([
                        Samples.text,
                        "Content-Disposition: attachment; filename*=utf-8''run%2Ejs\n\nx\n",
                    ])),
                mail(
                    "a program by its type",
                    Samples.multipart([
                        Samples.text, "Content-Type: application/x-msdownload\n\nx\n",
                    ])),
                letter("a program in uuencode", "begin 644 run.exe\n#0V%T\n`\nend\n"))
            + [
                letter("later", subject: "try again later").with(.deferred("later, please")),
                letter("tomorrow", "Come back tomorrow!\n").with(.deferred("tomorrow, then")),
                mail("tomorrow in base64", Samples.encoded(Array("come back tomorrow".utf8)))
                    .with(.deferred("tomorrow, then")),
                letter("dropped", subject: "drop this").with(.discarded),
                letter("dropped, though there is gold in it", subject: "drop this", gold)
                    .with(.discarded),
                letter("a tag that a refusal takes along", subject: "please tag", gold)
                    .with(.rejected("no gold")),
            ]
    }()

    /// What the scanner finds, or cannot look into.
    static let viruses: [Letter] = {
        let eicar = Samples.eicar
        let found = Passage.rejected("virus found: Set.EICAR")
        func attached(_ name: String, _ file: [UInt8], as fileName: String) -> Letter {
            Letter(
                name,
                header("x")
                    + Samples.multipart([Samples.text, Samples.attachment(file, named: fileName)]))
        }
        let zip = Samples.zip(eicar, named: "eicar.com")
        let locked = Samples.zip(eicar, named: "eicar.com", isEncrypted: true)
        return [
            letter("EICAR as text", eicar + [0x0A]).with(found),
            letter("EICAR behind a NUL", [0, 0x0A] + eicar).with(found),
            Letter("EICAR in base64", header("x") + Samples.encoded(eicar)).with(found),
            attached("EICAR attached", eicar, as: "a.com").with(found),
            attached("EICAR attached as an image", eicar, as: "a.png").with(found),
            attached("EICAR in a zip", zip, as: "a.zip").with(found),
            attached("EICAR in a zip in a zip", Samples.zip(zip, named: "b.zip"), as: "a.zip").with(
                found),
            attached("EICAR in a zip by another name", zip, as: "a.txt").with(found),
            Letter(
                "EICAR in an inner message",
                header("x") + "Content-Type: message/rfc822\n\n" + header("y")
                    + Samples.encoded(eicar)
            ).with(found),
            Letter("EICAR and nothing else", eicar).with(found),
            attached("a locked archive", locked, as: "a.zip").with(.deferred("")),
            attached("half of EICAR", Array(eicar.prefix(40)), as: "a.com"),
        ]
    }()
}
