// QueueCommand: what is in the queue.
// chainmail(1).
// SPDX-License-Identifier: MIT

import ArgumentParser
import Control
import Glibc
import MailModel
import MailQueue
import UnixIO

/// `chainmail queue`.
struct QueueCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "queue", abstract: "Show what is in the queue.",
        subcommands: [List.self, Show.self], defaultSubcommand: List.self)

    /// `chainmail queue list`: one line a message, and one for each recipient that is not done.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List all messages with the recipients that are left.")

        @OptionGroup var root: RootOption

        func run() throws {
            try reporting {
                let spool = try Spool("\(root.folders.spool)/queue")
                try spool.forEachMessage { id, place in
                    try say(List.lines(of: id, at: place, in: spool))
                }
            }
        }

        /// The lines of one message; one bad file does not hide the others.
        private static func lines(
            of id: QueueID, at place: MessagePlace, in spool: Spool
        ) -> String {
            do throws(QueueError) {
                return try spool.entry(id, at: place)?.lines ?? ""
            } catch {
                return "\(id) cannot be read: \(error)\n"
            }
        }
    }

    /// `chainmail queue show ID`: everything that is known of one message.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one message: where it is, its envelope, its recipients, its header.")

        @OptionGroup var root: RootOption
        @Argument(help: "The id, as it is in logs, in Received fields and in the list.")
        var id: String

        func run() throws {
            try reporting {
                let spool = try Spool("\(root.folders.spool)/queue")
                guard let id = QueueID(Array(self.id.utf8)), let place = try spool.place(of: id),
                    let entry = try spool.entry(id, at: place)
                else { throw Failure.noSuchMessage(self.id) }
                try say(entry.description)
                try say("\n" + header(of: entry, in: spool))
            }
        }

        /// The header as it is in the file, before the edits are laid over it.
        private func header(of entry: QueueEntry, in spool: Spool) throws -> String {
            let path = "\(spool.path)/\(entry.place.path(entry.message.id))"
            let file = try Files.open(path, O_RDONLY)
            let bytes = try file.borrowed.bytes(
                at: entry.message.messageOffset, count: min(entry.message.messageLength, 65_536),
                path)
            let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            return lines.prefix { !$0.isEmpty }.map { "\($0.printable)\n" }.joined()
        }
    }
}

extension QueueEntry {
    /// The message on one line, then each recipient that is left.
    fileprivate var lines: String {
        let arrival = MailDate(seconds: Int(clamping: message.arrival / 1_000_000))
        let first =
            "\(message.id) \(placeWord) \(message.messageLength) bytes, \(arrival), "
            + "from \(message.envelope.reversePath)\n"
        return first
            + recipients.filter { !$0.isDone }.map { "    \($0.mailbox) \($0.state)\n" }.joined()
    }

    /// The message in full.
    fileprivate var description: String {
        let arrival = MailDate(seconds: Int(clamping: message.arrival / 1_000_000))
        var rows = [
            ("message", "\(message.id)"), ("place", placeWord), ("arrived", "\(arrival)"),
            ("size", "\(message.messageLength) bytes"),
            ("submitter", Array(message.submitter.utf8).printable),
            ("from", "\(message.envelope.reversePath)"),
        ]
        rows += message.facts.all.map { ($0.name.rawValue, $0.value.printable) }
        if let reported = message.reportOn { rows.append(("report on", "\(reported)")) }
        rows += recipients.map { ("to", "\($0.mailbox) \($0.state)") }
        return rows.map { name, value in
            name + String(repeating: " ", count: max(1, 14 - name.utf8.count)) + value + "\n"
        }.joined()
    }

    private var placeWord: String {
        switch place {
        case .new: "new"
        case .held: "held"
        case .deferred(let bucket): "deferred until \(MailDate(seconds: bucket.moment))"
        }
    }

    private var recipients: [(mailbox: Mailbox, state: String, isDone: Bool)] {
        zip(message.envelope.recipients, progress.recipients).map { mailbox, state in
            switch state {
            case .pending(_, tried: 0): (mailbox, "not tried yet", false)
            case .pending(let due, _): (mailbox, "due \(MailDate(seconds: due))", false)
            case .delivered: (mailbox, "delivered", true)
            case .unconfirmed: (mailbox, "delivered, to be reported", true)
            case .failed(let result): (mailbox, "failed: \(result.reply)", false)
            case .bounced: (mailbox, "failed and reported", true)
            }
        }
    }
}
