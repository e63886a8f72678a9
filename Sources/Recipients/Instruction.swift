// Instruction: one thing to do with a message for a recipient.
// deliver-local(8); dot-qmail(5).
// SPDX-License-Identifier: MIT

public import MailModel

/// One thing to do with a message, whatever file says so.
public enum Instruction: Hashable, Sendable {
    /// A message in a Maildir; the quota as the first line of maildirsize has it
    /// (`1000000S,1000C`), nil for the one that is there, or none.
    case maildir(path: String, quota: String? = nil)
    /// A message at the end of an mbox file.
    case mbox(path: String)
    /// A command for `/bin/sh -c`, with the message as its standard input. It is what the owner of
    /// the instructions wrote; nothing of a message is ever in it.
    case program([UInt8])
    /// The message goes to another mailbox.
    case forward(Mailbox)
    /// The message goes to a server of LMTP: `unix:PATH`, or `inet:HOST:PORT`, as `LMTPEndpoint`
    /// reads it.
    case lmtp(String)
    /// Nothing more: the message is delivered and gone.
    case drop
}

extension Instruction {
    /// What it does and to what, for logs and between our processes: a word, a blank, and what
    /// belongs to it.
    public var text: [UInt8] {
        switch self {
        case .maildir(let path, let quota):
            Array("maildir \(quota.map { $0.isEmpty ? "-" : $0 } ?? "-") \(path)".utf8)
        case .mbox(let path): Array("mbox \(path)".utf8)
        case .program(let command): Array("program ".utf8) + command
        case .forward(let mailbox): Array("forward ".utf8) + mailbox.bytes
        case .lmtp(let place): Array("lmtp \(place)".utf8)
        case .drop: Array("drop".utf8)
        }
    }

    /// Reads what `text` wrote; nil for anything else.
    public init?(_ text: some Collection<UInt8>) {
        let parts = text.split(separator: 0x20, maxSplits: 1, omittingEmptySubsequences: false)
        guard let kind = parts.first.map({ String(decoding: $0, as: UTF8.self) }) else {
            return nil
        }
        guard parts.count == 2 else {
            guard kind == "drop" else { return nil }
            self = .drop
            return
        }
        let rest = parts[1]
        let words = String(validating: rest, as: UTF8.self)
        switch kind {
        case "maildir":
            let words = words?.split(
                separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard let words, words.count == 2, !words[1].isEmpty else { return nil }
            self = .maildir(path: String(words[1]), quota: words[0] == "-" ? nil : "\(words[0])")
        case "mbox":
            guard let words, !words.isEmpty else { return nil }
            self = .mbox(path: words)
        case "program": self = .program(Array(rest))
        case "forward":
            guard let mailbox = try? Mailbox(Array(rest)) else { return nil }
            self = .forward(mailbox)
        case "lmtp":
            guard let words, !words.isEmpty else { return nil }
            self = .lmtp(words)
        default: return nil
        }
    }

    /// What it is called in `done` of delivery-protocol(7): the same for the same thing at another
    /// attempt, also when lines before it came or went. A long text is cut and hashed.
    public var key: [UInt8] {
        // A quota may change between two attempts.
        let whole =
            if case .maildir(let path, _) = self { Array("maildir \(path)".utf8) } else { text }
        guard whole.count > Instruction.longestKey else { return whole }
        // FNV-1a, so that it is the same on every host and in every version.
        let hash = whole.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        return whole.prefix(Instruction.longestKey - 17) + [0x23]
            + Array(String(hash, radix: 16).utf8)
    }

    private static let longestKey = 200

    /// The keys of instructions in order. What is there more than once is told apart by a number:
    /// `mbox /x`, `2:mbox /x`.
    public static func keys(of instructions: [Instruction]) -> [[UInt8]] {
        var counts: [[UInt8]: Int] = [:]
        return instructions.map { instruction in
            let key = instruction.key
            counts[key, default: 0] += 1
            let count = counts[key] ?? 1
            return count == 1 ? key : Array("\(count):".utf8) + key
        }
    }
}
