// QueueCommand: what is in the queue, and what the administrator does with it.
// chainmail(1), section THE QUEUE.
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
        commandName: "queue", abstract: "Show what is in the queue, and change it.",
        subcommands: [
            List.self, Show.self, Cat.self, Flush.self, Hold.self, Release.self, Remove.self,
            Bounce.self, Export.self, Import.self,
        ], defaultSubcommand: List.self)

    /// `chainmail queue list`: one line a message, and one for each recipient that is not done.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List messages with the recipients that are left.")

        @OptionGroup var root: RootOption
        @OptionGroup var filter: SelectionOptions
        @Flag(help: "Write one JSON object a line.")
        var json = false

        func run() throws {
            try reporting {
                let spool = try Spool("\(root.folders.spool)/queue")
                let selection = try filter.selection(root.folders)
                try spool.forEachMessage { id, place in
                    do throws(QueueError) {
                        guard let entry = try spool.entry(id, at: place) else { return }
                        guard selection.matches(entry) else { return }
                        try write(json ? entry.json : entry.lines)
                    } catch .damaged(let file, let how) {
                        // One bad file does not hide the others.
                        try write("\(id) cannot be read: \(file): \(how)\n")
                    }
                }
            }
        }

        private func write(_ text: String) throws(QueueError) {
            do throws(SystemError) { try say(text) } catch { throw .system(error) }
        }
    }

    /// `chainmail queue show ID`: everything that is known of one message.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one message: where it is, its envelope, its recipients, its header.")

        @OptionGroup var root: RootOption
        @Flag(help: "Write one JSON object, without the header.")
        var json = false
        @Argument(help: "The id, as it is in logs, in Received fields and in the list.")
        var id: String

        func run() throws {
            try reporting {
                let spool = try Spool("\(root.folders.spool)/queue")
                let entry = try spool.entry(named: id)
                guard !json else { return try say(entry.json) }
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

    /// `chainmail queue cat ID`: the message as it would be delivered.
    struct Cat: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a message, byte for byte, with the header fields that were added.")

        @OptionGroup var root: RootOption
        @Argument(help: "The id.")
        var id: String

        func run() throws {
            try reporting {
                let spool = try Spool("\(root.folders.spool)/queue")
                let entry = try spool.entry(named: id)
                try spool.forEachPiece(of: entry) { piece throws(SystemError) in
                    try Descriptor(rawValue: 1).writeAll(piece, "standard output")
                }
            }
        }
    }
}

extension Spool {
    /// The message of this id.
    /// - Throws: `Failure.noSuchMessage`, `QueueError`.
    func entry(named text: String) throws -> QueueEntry {
        guard let id = QueueID(Array(text.utf8)), let place = try place(of: id),
            let entry = try entry(id, at: place)
        else { throw Failure.noSuchMessage(text) }
        return entry
    }
}
