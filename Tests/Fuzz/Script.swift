// Script: an input as what a client says and as what everybody else answers.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol

/// The last byte says how many bytes before it are answers, taken from the last to the first; what is
/// before them is what the client sends. Where no answer is left, all answer 0, the kindest.
struct Script {
    /// What the client sends.
    let wire: [UInt8]
    private var answers: [UInt8]

    init(_ bytes: [UInt8]) {
        let body = bytes.dropLast()
        let count = min(Int(bytes.last ?? 0), body.count)
        wire = Array(body.dropLast(count))
        answers = Array(body.suffix(count))
    }

    /// The next answer.
    mutating func answer() -> UInt8 { answers.popLast() ?? 0 }

    /// True once in so many; never when no answer is left.
    mutating func isChosen(in count: UInt8) -> Bool { answer() % count == count - 1 }

    /// What the administrator chose.
    mutating func settings() -> SessionSettings {
        var settings = SessionSettings(name: "mx.example.test")
        let (first, second) = (answer(), answer())
        settings.isSubmission = first & 1 != 0
        settings.offersTLS = first & 2 != 0
        settings.requiresTLS = first & 4 != 0
        settings.requiresAuth = first & 8 != 0
        settings.allowsXCLIENT = first & 16 != 0
        settings.bareLineFeed = first & 32 != 0 ? .mended : .refused
        settings.limitsSenders = first & 64 != 0
        if second & 1 != 0 { settings.mechanismsInClear = ["PLAIN", "CRAM-MD5"] }
        if second & 2 != 0 { settings.mechanismsUnderTLS = ["PLAIN", "LOGIN", "EXTERNAL"] }
        if second & 4 != 0 { settings.messageSize = 100 }
        if second & 8 != 0 { settings.recipients = 2 }
        if second & 16 != 0 { settings.errors = 3 }
        return settings
    }

    /// What is known of the client at first.
    mutating func facts() -> Facts {
        var facts = Facts()
        facts[.clientIP] = Array("192.0.2.1".utf8)
        switch answer() % 6 {
        case 4: facts[.relay] = []
        case 5: facts[.relay] = Array("@relay.test".utf8)
        default: break
        }
        return facts
    }

    /// What the chain says.
    mutating func verdict() -> Verdict {
        switch answer() % 12 {
        case 7: .accept((0...Int(answer() % 4)).map { _ in edit() })
        case 8: .reject(reply(permanent: true))
        case 9: .defer(reply(permanent: false))
        case 10: .discard
        case 11: .accept([.delay(.seconds(1)), edit()])
        default: .accept
        }
    }

    /// A reply of class 5 or 4; now and then one that ends the session, or one that is strange.
    mutating func reply(permanent: Bool) -> Reply {
        let texts = ["no", "", "a\r\n250 b", "é\0", String(repeating: "x", count: 600)]
        let text = texts[Int(answer()) % texts.count]
        if permanent { return Reply(550, EnhancedStatus(5, 7, 1), text) }
        return Reply(answer() % 4 == 3 ? 421 : 451, EnhancedStatus(4, 7, 1), text)
    }

    private mutating func edit() -> Edit {
        switch answer() % 9 {
        case 0: HeaderField("X-A", "b").map(Edit.prepend) ?? .hold
        case 1: .remove(name: Array("x-a".utf8))
        case 2: .addRecipient(mailbox())
        case 3: .removeRecipient(mailbox())
        case 4: .reversePath(.null)
        case 5: .reversePath(.mailbox(mailbox()))
        case 6: .replaceMessage(offset: 0, length: 1)
        case 7: .note(name: "a", value: [0x62])
        default: .hold
        }
    }

    /// One of a few mailboxes, which clients in the corpus name too.
    mutating func mailbox() -> Mailbox {
        let texts = ["a@b.test", "alice@example.test", "\"a b\"@c.test", "x", "@"]
        let text = texts[Int(answer()) % texts.count]
        guard let mailbox = try? Mailbox(Array(text.utf8)) else { fatalError("no mailbox") }
        return mailbox
    }
}
