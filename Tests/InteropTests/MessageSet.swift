// MessageSet: 200 messages and what the chain of the set says of each.
// filters.d(5).
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport

/// A message in its envelope.
struct Letter: Sendable, CustomStringConvertible {
    /// What is peculiar about it.
    let name: String
    /// Its bytes, lines ending with LF.
    var message: [UInt8]
    /// The reverse-path, empty for the null one.
    var sender = "alice@a.test"
    /// The recipients in their order.
    var recipients = ["bob@b.test"]
    /// What the client greets with. Its address is 127.0.0.1, since some ways know no other.
    var helo = "client.a.test"
    /// What becomes of it where one reply answers for all recipients.
    var expected = Passage.discarded
    /// What becomes of it where each recipient is answered for; nil: the same.
    var inSession: Passage?
    /// What not every way can carry.
    var traits: Set<Trait> = []
    /// Which one it is, from 1 on.
    var number = 0

    var description: String { "\(number) \(name)" }

    /// One that passes as it is.
    init(_ name: String, _ message: [UInt8]) {
        self.name = name
        self.message = message
        expected = .passed(Delivered(message: message, sender: sender, recipients: recipients))
        traits = Trait.of(message)
    }

    init(_ name: String, _ message: String) { self.init(name, Array(message.utf8)) }

    /// The same with another end.
    func with(_ expected: Passage, inSession: Passage? = nil, _ traits: Trait...) -> Letter {
        var letter = self
        letter.expected = expected
        letter.inSession = inSession
        letter.traits.formUnion(traits)
        return letter
    }

    /// The same that passes as another message.
    func becoming(_ message: [UInt8], _ traits: Trait...) -> Letter {
        var letter = self
        letter.expected = .passed(
            Delivered(message: message, sender: sender, recipients: recipients))
        letter.traits.formUnion(traits)
        return letter
    }

    /// The same in another envelope, which it passes in.
    func from(_ sender: String, to recipients: [String] = ["bob@b.test"]) -> Letter {
        var letter = self
        letter.sender = sender
        letter.recipients = recipients
        letter.expected = .passed(
            Delivered(message: message, sender: sender, recipients: recipients))
        if Set(recipients).count < recipients.count { letter.traits.insert(.repeatedRecipient) }
        return letter
    }

    /// The same from a client that says another name.
    func greeting(_ helo: String) -> Letter {
        var letter = self
        letter.helo = helo
        return letter
    }

    /// The envelope in the queue format.
    var envelope: [UInt8] {
        Array("F\(sender)\0\(recipients.map { "T\($0)\0" }.joined())\0".utf8)
    }
}

/// The set. Its chain is `SetChain`.
enum MessageSet {
    /// All of them: 200, and the same in every run.
    static let all: [Letter] = {
        let letters = bytes + structures + fields + contents + viruses + envelopes + mixtures
        return letters.enumerated().map { index, letter in
            var letter = letter
            letter.number = index + 1
            return letter
        }
    }()

    /// Those for which this holds.
    static func with(_ trait: Trait) -> [Letter] { all.filter { $0.traits.contains(trait) } }

    /// A message with an ordinary header.
    static func letter(
        _ name: String, subject: String = "hello", _ body: [UInt8], fields: String = ""
    ) -> Letter {
        Letter(name, Array((header(subject) + fields + "\n").utf8) + body)
    }

    static func letter(
        _ name: String, subject: String = "hello", fields: String = "", _ body: String = "Hello.\n"
    ) -> Letter {
        letter(name, subject: subject, Array(body.utf8), fields: fields)
    }

    static func header(_ subject: String) -> String {
        "From: Alice <alice@a.test>\nTo: bob@b.test\nSubject: \(subject)\n"
    }
}

extension Trait {
    /// What can be seen of the bytes.
    static func of(_ message: [UInt8]) -> Set<Trait> {
        var traits: Set<Trait> = []
        if message.isEmpty { traits.insert(.empty) }
        if message.contains(0) { traits.insert(.nul) }
        if message.contains(where: { $0 > 0x7F }) { traits.insert(.eightBit) }
        if message.contains(0x0D) { traits.insert(.carriageReturn) }
        if message.count > 1 << 20 { traits.insert(.big) }
        if let last = message.last, last != 0x0A { traits.insert(.noFinalLineEnd) }
        let lines = message.split(separator: 0x0A, omittingEmptySubsequences: false)
        if lines.contains(where: { $0.count > 998 }) { traits.insert(.longLine) }
        // Printable characters but no blank, then a colon. RFC 5322, section 3.6.8.
        let name = lines.first?.prefix { (0x21..<0x7F).contains($0) && $0 != 0x3A } ?? []
        if name.isEmpty || lines.first?.dropFirst(name.count).first != 0x3A {
            traits.insert(.noHeader)
        } else if !lines.dropLast().contains(where: \.isEmpty) {
            traits.insert(.noBody)
        }
        return traits
    }
}
