// MessageSet+Envelopes: messages whose envelope the chain minds or changes.
// SetChain.rules; RFC 5321, section 4.1.2.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport

extension MessageSet {
    /// Addresses of every form, verdicts on them, and edits of them.
    static let envelopes: [Letter] = {
        let many = (1...100).map { "user\($0)@b.test" }
        let long =
            String(repeating: "l", count: 64) + "@"
            + (1...3).map { _ in String(repeating: "d", count: 50) + "." }.joined() + "test"
        var letters = [
            letter("a null reverse-path").from(""),
            letter("a VERP reverse-path").from("list-return-12-bob=b.test@a.test"),
            letter("a long reverse-path").from(long),
            letter("a plus and other signs").from("a+b!#$%&'*-/=?^_`{|}~@a.test"),
            letter("a domain in capitals").from("Alice@A.TEST"),
            letter("a quoted local-part").from("\"a b\"@a.test").odd,
            letter("an address without a domain").from("alice").odd,
            letter("an address literal").from("alice@[192.0.2.1]"),
            letter("a reverse-path in UTF-8").from("\u{E4}lice@a.test").odd,
            letter("a double bounce").from("#@[]").odd,
            letter("a VERP request").from("list-@a.test-@[]").odd,
            letter("two recipients").from("alice@a.test", to: ["bob@b.test", "carol@b.test"]),
            letter("100 recipients").from("alice@a.test", to: many),
            letter("a recipient twice").from("alice@a.test", to: ["bob@b.test", "bob@b.test"]),
            letter("a recipient in capitals").from("alice@a.test", to: ["BOB@b.test"]),
            letter("a recipient with a plus").from("alice@a.test", to: ["bob+tag@b.test"]),
            letter("a quoted recipient").from("alice@a.test", to: ["\"b o b\"@b.test"]).odd,
            letter("a sender refused").from("spammer@a.test").with(.rejected("sender refused")),
            letter("a sender refused, whatever it sends", [0, 0x0D, 0xFF, 0x0A]).from(
                "spammer@a.test"
            )
            .with(.rejected("sender refused")),
            letter("a sender deferred").from("later@a.test").with(.deferred("sender deferred")),
            letter("a sender dropped").from("nowhere@a.test").with(.discarded),
            letter("a greeting refused").greeting("bad-helo.test")
                .with(.rejected("no such greeting")),
            letter("a recipient refused").from("alice@a.test", to: ["nobody@b.test"])
                .with(.rejected("no such mailbox")),
            letter("a recipient deferred").from("alice@a.test", to: ["full@b.test"])
                .with(.deferred("mailbox full")),
            letter("a recipient dropped").from("alice@a.test", to: ["trap@b.test"])
                .with(.discarded),
            letter("100 recipients and one refused").answered(
                many + ["nobody@b.test"], .rejected("no such mailbox")),
            letter("one refused among others").answered(
                ["bob@b.test", "nobody@b.test", "carol@b.test"], .rejected("no such mailbox")),
            letter("one deferred among others").answered(
                ["full@b.test", "bob@b.test"], .deferred("mailbox full")),
        ]
        var dropped = letter("one dropped among others").from(
            "alice@a.test", to: ["bob@b.test", "trap@b.test", "carol@b.test"])
        dropped.expected = .passed(
            Delivered(
                message: dropped.message, sender: dropped.sender,
                recipients: ["bob@b.test", "carol@b.test"]))
        dropped.traits.insert(.droppedRecipient)
        letters.append(dropped)
        let elsewhere = letter("sent elsewhere", subject: "send elsewhere")
        let two = ["bob@b.test", "erin@b.test"]
        letters += [
            elsewhere.reaching(["carol@b.test"]),
            elsewhere.from("alice@a.test", to: two).reaching(["carol@b.test"]),
            letter("a copy", subject: "copy to dave").reaching(["bob@b.test", "dave@b.test"]),
            letter("a copy to one who has it", subject: "copy to dave")
                .from("alice@a.test", to: ["dave@b.test"])
                .reaching(["dave@b.test", "dave@b.test"]).repeated,
            letter("a copy and a tag", subject: "copy to dave, please tag")
                .reaching(["bob@b.test", "dave@b.test"], after: "X-Tagged: yes\n"),
            letter("a tag at MAIL").from("tagged@a.test").reaching(
                ["bob@b.test"], after: "X-Sender: tagged\n"),
            letter("two tags", subject: "please tag").from("tagged@a.test")
                .reaching(["bob@b.test"], after: "X-Tagged: yes\nX-Sender: tagged\n"),
        ]
        return letters + footers
    }()

    /// Messages that a script puts others in the place of.
    private static let footers: [Letter] =
        [
            letter("a footer"), letter("a footer on 8-bit", [0xFF, 0x0A]),
            letter("a footer on NUL and CR", "a\0b\r\n\rc\n"),
            letter("a footer on 1 MiB", String(repeating: "0123456789abcde\n", count: 70_000)),
            letter("a footer behind no line end", "Hello."),
        ].map { letter in
            let letter = letter.from("footer@a.test")
            return letter.becoming(letter.message + SetChain.footerLines, .replaced)
        }
        + [
            letter("a footer under a tag", subject: "please tag").from("footer@a.test")
        ].map { letter in
            letter.becoming(
                Array("X-Tagged: yes\n".utf8) + letter.message + SetChain.footerLines, .replaced,
                .changedHeader)
        }

    /// The rest of the 200: random text, made alike in every run, with and without something in it.
    static let mixtures: [Letter] = {
        var random = SeededRandom(200)
        let count =
            200
            - [bytes, structures, fields, contents, viruses, envelopes].map(\.count).reduce(0, +)
        let words = [
            "invoice", "Gr\u{FC}\u{DF}e", "meeting", "\u{65E5}\u{672C}", "a\0b", "x\ry", ".", "=3D",
            "--b1",
        ]
        return (0..<max(0, count)).map { number in
            var text = ""
            for _ in 0..<(5 + random.below(200)) {
                text += random.pick(words) + random.pick([" ", "\n", "\n\n", "\t"])
            }
            let plain = letter("mixture \(number + 1)", subject: random.pick(words), text + "\n")
            switch number % 4 {
            case 0:
                return Letter(plain.name, plain.message + Array("\nbuy gold now\n".utf8))
                    .with(.rejected("no gold"))
            case 1:
                return Letter(
                    plain.name, Array("X-Private: p\nSubject: please clean\n".utf8) + plain.message
                )
                .becoming(Array("Subject: please clean\n".utf8) + plain.message, .changedHeader)
            default: return plain
            }
        }
    }()
}

extension Letter {
    /// The same with an address that not every transport takes.
    fileprivate var odd: Letter {
        var letter = self
        letter.traits.insert(.oddAddress)
        return letter
    }

    /// The same with a recipient that comes out twice.
    fileprivate var repeated: Letter {
        var letter = self
        letter.traits.insert(.repeatedRecipient)
        return letter
    }

    /// The same to recipients one of which is refused: where each is answered for, the others get it.
    fileprivate func answered(_ recipients: [String], _ whole: Passage) -> Letter {
        let bad = ["nobody@b.test", "full@b.test"]
        var letter = from("alice@a.test", to: recipients)
        letter.inSession = .passed(
            Delivered(
                message: message, sender: letter.sender,
                recipients: recipients.filter { !bad.contains($0) },
                refused: recipients.filter { bad.contains($0) }))
        letter.expected = whole
        letter.traits.insert(.refusedRecipient)
        return letter
    }

    /// The same that reaches others, with fields on top.
    fileprivate func reaching(_ recipients: [String], after fields: String = "") -> Letter {
        var letter = self
        letter.expected = .passed(
            Delivered(
                message: Array(fields.utf8) + message, sender: sender, recipients: recipients))
        if recipients != self.recipients { letter.traits.insert(.changedRecipients) }
        if !fields.isEmpty { letter.traits.insert(.changedHeader) }
        return letter
    }
}
