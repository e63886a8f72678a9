// KeptMessage+Words: a message in quarantine for people and for programs.
// chainmail(1).
// SPDX-License-Identifier: MIT

import MailModel
import MailQueue
import Quarantine
import UnixIO

extension KeptMessage {
    private static let headerLimit = 65_536

    private var date: MailDate { MailDate(seconds: Int(clamping: message.time / 1_000_000)) }

    private var sender: String { message.envelope.map { "\($0.reversePath)" } ?? "unknown" }

    private var filter: String { Array(message.filter.utf8).printable }

    /// The message on one line, then each recipient.
    var lines: String {
        let reason = Array(message.reason.utf8).printable
        let recipients = message.envelope?.recipients ?? []
        return "\(message.id) \(length) bytes, \(date), from \(sender), "
            + "\(filter): \(reason)\n" + recipients.map { "    \($0)\n" }.joined()
    }

    /// Everything but the message itself.
    var description: String {
        var rows = [
            ("message", "\(message.id)"), ("set aside", "\(date)"), ("by", filter),
            ("reason", Array(message.reason.utf8).printable), ("size", "\(length) bytes"),
            ("from", sender),
        ]
        rows += (message.envelope?.recipients ?? []).map { ("to", "\($0)") }
        rows += message.facts.all.map { ($0.name.rawValue, $0.value.printable) }
        return rows.map { name, value in
            name + String(repeating: " ", count: max(1, 14 - name.utf8.count)) + value + "\n"
        }.joined()
    }

    /// The header, at most 64 KiB of it.
    var header: String {
        get throws {
            let bytes = try file.borrowed.bytes(
                at: 0, count: min(length, Self.headerLimit), "\(message.id)")
            let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            return lines.prefix { !$0.isEmpty }.map { "\($0.printable)\n" }.joined()
        }
    }

    /// The message, byte for byte.
    func write(to target: Descriptor) throws {
        var position = 0
        while position < length {
            let piece = try file.borrowed.bytes(
                at: position, count: min(length - position, 1 << 16), "\(message.id)")
            guard !piece.isEmpty else {
                throw QuarantineError.damaged("\(message.id)", "the message is cut short")
            }
            try target.writeAll(piece, "standard output")
            position += piece.count
        }
    }

    /// One JSON object and a line end. RFC 8259.
    var json: String {
        var members = [
            ("id", JSONText.quoted(message.id.description)),
            ("time", "\(message.time / 1_000_000)"),
            ("filter", JSONText.quoted(message.filter)),
            ("reason", JSONText.quoted(message.reason)), ("size", "\(length)"),
        ]
        if let envelope = message.envelope {
            members.append(("sender", JSONText.quoted(envelope.reversePath.bytes)))
            members.append(
                ("recipients", JSONText.list(envelope.recipients.map { JSONText.quoted($0.bytes) }))
            )
        }
        let facts = message.facts.all.map { ($0.name.rawValue, JSONText.quoted($0.value)) }
        members.append(("facts", JSONText.object(facts)))
        return JSONText.object(members) + "\n"
    }
}
