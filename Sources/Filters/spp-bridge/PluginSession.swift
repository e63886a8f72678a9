// PluginSession: what plugins are told, and what becomes of what they say.
// qmail-spp's documentation, Writing plugins; qmail-spp.c.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel

/// What is known at one stage, and what the plugins of this stage have done to it. What they do
/// to later stages are notes, which reach this filter again there.
struct PluginSession {
    /// The recipient is in a domain of ours, or the client may relay.
    var isOurs = false
    /// True when no further plugin of this stage is run.
    private(set) var isDone = false
    /// What `P` had to say, which nobody can tell the client.
    private(set) var printed = ""

    private var notes: [String: [UInt8]]
    private let facts: Facts
    private let stage: Stage
    private var sender: [UInt8]?
    private var address: [UInt8]?
    private var header: [[UInt8]] = []
    private var changes: [Edit] = []

    /// The name of our notes begins with it.
    private static let prefix = "spp."
    private static let off = "spp.off"
    private static let count = "spp.recipients"
    private static let variable = "spp.env."

    init(notes: [String: [UInt8]], facts: Facts, stage: Stage, envelope: Envelope?) {
        self.notes = notes.filter { $0.key.hasPrefix(Self.prefix) }
        self.facts = facts
        self.stage = stage
        sender = envelope?.reversePath.bytes
        address = stage == .rcpt ? envelope?.recipients.first?.bytes : nil
    }

    /// `A` was said in this session.
    var isOff: Bool { notes[Self.off] != nil }

    /// The one recipient at stage `rcpt`.
    var recipient: Mailbox? { address.flatMap { try? Mailbox($0) } }

    /// The environment that qmail-smtpd gives to plugins.
    var variables: [(name: String, value: [UInt8])] {
        var all: [String: [UInt8]] = [:]
        for field in facts.environment {
            let name = field.prefix { $0 != 0x3D }
            all[String(decoding: name, as: UTF8.self)] = Array(field.dropFirst(name.count + 1))
        }
        if let sender { all["SMTPMAILFROM"] = sender }
        if let address {
            let before = notes[Self.count]?.decimalValue ?? 0
            all["SMTPRCPTTO"] = address
            all["SMTPRCPTCOUNT"] = Array("\(before)".utf8)
            all["SMTPRCPTCOUNTALL"] = Array("\(before + 1)".utf8)
            all["SMTPRCPTHOSTSOK"] = [isOurs ? 0x31 : 0x30]
        }
        for (name, value) in notes where name.hasPrefix(Self.variable) {
            let name = String(name.dropFirst(Self.variable.count))
            all[name] = value.first == 0x3D ? Array(value.dropFirst()) : nil
        }
        return all.sorted { $0.key < $1.key }.map { ($0.key, $0.value.prefix { $0 != 0 } + []) }
    }

    /// What `L` at an earlier stage left to say at this one.
    func refusedBefore() throws(FilterError) -> Verdict? {
        guard let text = notes["spp.later.\(stage.rawValue)"] else { return nil }
        return .init(try PluginReply(text, "an earlier plugin").reply)
    }

    /// Does what a plugin says.
    /// - Returns: the verdict, where it is not to accept.
    mutating func follow(_ output: [UInt8], _ plugin: String) throws(FilterError) -> Verdict? {
        for line in output.split(separator: 0x0A) {
            let line = line.last == 0x0D ? line.dropLast() : line
            guard let command = line.first else { continue }
            let words = Array(line.dropFirst())
            switch command {
            case 0x41:  // A
                note(Self.off, [0x31])
                isDone = true
            case 0x4E, 0x4F: isDone = true  // N, O
            case 0x45: return .init(try PluginReply(words, plugin).reply)  // E
            case 0x52: return .init(try PluginReply(words, plugin).closing)  // R
            case 0x44: return .defer(PluginReply.silence)  // D
            case 0x50: printed += (printed.isEmpty ? "" : "\n") + words.printable  // P
            case 0x48: try addHeader(words, plugin)  // H
            case 0x4C: later(words)  // L
            case 0x43: try change(words, plugin)  // C
            case 0x53: set(words)  // S
            case 0x55: unset(words)  // U
            default: break
            }
            if isDone { break }
        }
        return nil
    }

    /// Everything that goes with accept. The header lines go on top in their order.
    func edits() throws(FilterError) -> [Edit] {
        var edits = changes
        for line in header.reversed() {
            guard let field = HeaderField(line: line) else {
                throw FilterError(.defer, "a plugin adds what is no header field")
            }
            edits.append(.prepend(field))
        }
        if address != nil {
            let before = notes[Self.count]?.decimalValue ?? 0
            edits.append(.note(name: Self.count, value: Array("\(before + 1)".utf8)))
        }
        return edits
    }

    private mutating func note(_ name: String, _ value: [UInt8]) {
        notes[name] = value
        changes.append(.note(name: name, value: value))
    }

    /// A line that begins with a blank goes on with the field before it.
    private mutating func addHeader(
        _ line: [UInt8], _ plugin: String
    ) throws(FilterError) {
        if line.first?.isBlank == true, !header.isEmpty {
            header[header.count - 1] += [0x0A] + line
        } else if HeaderField(line: line) != nil {
            header.append(line)
        } else {
            throw FilterError(.defer, "plugin \(plugin) adds what is no header field")
        }
    }

    /// `LM`, `LR` and `LD`: the first that was left to say is what is said.
    private mutating func later(_ words: [UInt8]) {
        let stages: [UInt8: Stage] = [0x4D: .mail, 0x52: .rcpt, 0x44: .data]
        guard let stage = words.first.flatMap({ stages[$0] }) else { return }
        let name = "spp.later.\(stage.rawValue)"
        if notes[name] == nil { note(name, Array(words.dropFirst())) }
    }

    /// Another address in MAIL or RCPT; nothing at other stages.
    private mutating func change(_ new: [UInt8], _ plugin: String) throws(FilterError) {
        do throws(MailboxError) {
            switch stage {
            case .mail:
                changes.append(.reversePath(try ReversePath(new)))
                sender = new
            case .rcpt:
                guard let old = recipient else { return }
                let mailbox = try Mailbox(new)
                guard mailbox != old else { return }
                changes += [.removeRecipient(old), .addRecipient(mailbox)]
                address = new
            case .connect, .helo, .data, .message: break
            }
        } catch {
            throw FilterError(.defer, "plugin \(plugin) gives an address that is none")
        }
    }

    /// A variable for the plugins that follow.
    private mutating func set(_ words: [UInt8]) {
        let name = words.prefix { $0 != 0x3D }
        guard name.count < words.count, Self.isVariable(name) else { return }
        note(
            Self.variable + String(decoding: name, as: UTF8.self),
            Array(words.dropFirst(name.count))
        )
    }

    private mutating func unset(_ words: [UInt8]) {
        guard Self.isVariable(words[...]) else { return }
        note(Self.variable + String(decoding: words, as: UTF8.self), [0x2D])
    }

    private static func isVariable(_ name: ArraySlice<UInt8>) -> Bool {
        !name.isEmpty && name.count <= 64
            && name.allSatisfy { $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x5F }
    }
}

extension Verdict {
    /// Reject or defer, as the code says.
    fileprivate init(_ reply: Reply) {
        self = reply.isPermanent ? .reject(reply) : .defer(reply)
    }
}
