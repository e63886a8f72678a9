// Bridge: one way from a mail system to the chain and back, as the set of messages goes it.
// filters(7), section DESCRIPTION.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

/// What is true of a message or its envelope that not every transport can carry, or that not every
/// server leaves alone.
enum Trait: String, CaseIterable, Sendable {
    /// No byte at all.
    case empty
    /// A NUL.
    case nul
    /// A byte over 0x7F.
    case eightBit
    /// A CR, with LF behind it or alone: inside of a message it is a byte like others.
    case carriageReturn
    /// A line of more than 998 bytes. RFC 5321, section 4.5.3.1.6.
    case longLine
    /// Something behind the last LF.
    case noFinalLineEnd
    /// The first line is no header field.
    case noHeader
    /// A header without an empty line behind it.
    case noBody
    /// A header field that only we may write.
    case forged
    /// More than a mebibyte.
    case big
    /// An address that is no Dot-string at a domain, or not ASCII. RFC 5321, section 4.1.2.
    case oddAddress
    /// A recipient that is there twice.
    case repeatedRecipient
    /// A recipient that is discarded beside others that are not.
    case droppedRecipient
    /// A recipient that is refused beside others that are not.
    case refusedRecipient
    /// The chain changes recipients.
    case changedRecipients
    /// The chain puts another message in the place of this one.
    case replaced
    /// The chain adds or removes header fields.
    case changedHeader
}

/// A message that came out at the other end.
struct Delivered: Equatable, Sendable {
    /// Its bytes, lines ending with LF.
    var message: [UInt8]
    /// The reverse-path; nil where the way out has no room for it.
    var sender: String?
    /// The recipients in their order; nil where the way out has no room for them.
    var recipients: [String]?
    /// Those that were refused alone.
    var refused: [String] = []
}

/// What became of a message.
enum Passage: Equatable, Sendable {
    case passed(Delivered)
    /// Refused for good; the text is that of the reply, or empty where there was only a code.
    case rejected(String)
    /// Refused for now.
    case deferred(String)
    /// The sender was told that all is well, and nothing came out.
    case discarded

    var word: String {
        switch self {
        case .passed: "accept"
        case .rejected(let text): "reject (\(text))"
        case .deferred(let text): "defer (\(text))"
        case .discarded: "discard"
        }
    }
}

/// One way. Whoever adds one implements `pass`, says with `expected` where its transport or its
/// server differs and why, and has a test that calls `check`.
protocol Bridge {
    /// What the report calls it.
    var name: String { get }
    /// True where a server on the way adds header fields of its own (trace fields): what came out
    /// then has the expected fields in their order among others, and exactly the expected body.
    var addsFields: Bool { get }
    /// True where each recipient has a reply of its own.
    var answersRecipients: Bool { get }

    /// Sends one message in and looks at what comes out.
    func pass(_ letter: Letter) throws -> Passage

    /// What must become of a message on this way: by default what the set says. An
    /// implementation that says anything else has a comment that names what does so.
    func expected(_ letter: Letter) -> Passage
}

extension Bridge {
    var addsFields: Bool { false }
    var answersRecipients: Bool { false }

    func expected(_ letter: Letter) -> Passage { standard(letter) }

    /// What the set says.
    func standard(_ letter: Letter) -> Passage {
        answersRecipients ? letter.inSession ?? letter.expected : letter.expected
    }

    /// Passes every message of the set, or those that are given.
    /// - Returns: what was not as expected, a line each; empty when all was.
    func check(_ letters: [Letter] = MessageSet.all) -> [String] {
        letters.compactMap { letter in
            do {
                let found = try pass(letter)
                let reason = difference(found, expected(letter))
                return reason.map { "\(name): \(letter): \($0)" }
            } catch {
                return "\(name): \(letter): \(error)"
            }
        }
    }

    /// What differs; nil when nothing does.
    func difference(_ found: Passage, _ expected: Passage) -> String? {
        switch (found, expected) {
        case (.discarded, .discarded): nil
        case (.rejected(let text), .rejected(let words)),
            (.deferred(let text), .deferred(let words)):
            text.isEmpty || words.isEmpty || text.contains(words)
                ? nil : "the reply is \(text), not \(words)"
        case (.passed(let found), .passed(let expected)): difference(found, expected)
        default: "\(found.word), not \(expected.word)"
        }
    }

    private func difference(_ found: Delivered, _ expected: Delivered) -> String? {
        if let sender = found.sender, sender != expected.sender {
            return "from \(sender), not \(expected.sender ?? "")"
        }
        if let recipients = found.recipients, recipients != expected.recipients {
            return "to \(recipients), not \(expected.recipients ?? [])"
        }
        if found.refused != expected.refused {
            return "refused \(found.refused), not \(expected.refused)"
        }
        let isSame =
            addsFields
            ? MessageParts(found.message).holds(MessageParts(expected.message))
            : found.message == expected.message
        guard !isSame else { return nil }
        let place = zip(found.message, expected.message).prefix { $0 == $1 }.count
        let (got, wanted) = (found.message, expected.message)
        return "\(got.count) bytes, not \(wanted.count); from \(place) on "
            + "\(Self.excerpt(got, place)), not \(Self.excerpt(wanted, place))"
    }

    private static func excerpt(_ bytes: [UInt8], _ place: Int) -> String {
        String(decoding: bytes[min(max(0, place - 10), bytes.count)...].prefix(60), as: UTF8.self)
            .debugDescription
    }
}

/// A message in two parts.
struct MessageParts {
    /// The header fields, unfolded lines and line ends included.
    private(set) var fields: [[UInt8]] = []
    /// What follows the header, with the empty line before it.
    private(set) var body: [UInt8] = []

    init(_ message: [UInt8]) {
        var rest = message[...]
        while let first = rest.first, first != 0x0A {
            let end = rest.firstIndex(of: 0x0A).map { $0 + 1 } ?? rest.endIndex
            let line = Array(rest[..<end])
            if first == 0x20 || first == 0x09, !fields.isEmpty {
                fields[fields.count - 1] += line
            } else {
                fields.append(line)
            }
            rest = rest[end...]
        }
        body = Array(rest)
    }

    /// True when the body is the same, and the fields of the other are among ours in their order.
    func holds(_ other: MessageParts) -> Bool {
        var wanted = other.fields[...]
        for field in fields where wanted.first == field { wanted = wanted.dropFirst() }
        return body == other.body && wanted.isEmpty
    }
}

/// Runs a check and reports its lines.
func expectNothing(
    _ differences: [String], sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(
        differences.isEmpty,
        "\(differences.count) of the set: \(differences.prefix(12).joined(separator: "\n"))",
        sourceLocation: sourceLocation)
}
