// QuarantineCommand: what filters set aside.
// chainmail(1), quarantine(5).
// SPDX-License-Identifier: MIT

import ArgumentParser
import Control
import Glibc
import MailModel
import MailQueue
import Quarantine
import UnixIO

/// `chainmail quarantine`.
struct QuarantineCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quarantine", abstract: "Show, release or remove what filters set aside.",
        subcommands: [List.self, Show.self, Release.self, Remove.self],
        defaultSubcommand: List.self)

    /// Where the messages are.
    struct Place: ParsableArguments {
        @OptionGroup var root: RootOption
        @Option(help: "The folder of quarantine, instead of quarantine in the spool folder.")
        var quarantine: String?

        var folder: QuarantineFolder {
            QuarantineFolder(quarantine ?? "\(root.folders.spool)/quarantine")
        }

        func open(_ id: String) throws -> KeptMessage { try folder.open(try session(id)) }

        func session(_ id: String) throws -> SessionID {
            guard let session = SessionID(Array(id.utf8)) else {
                throw QuarantineError.missing(id)
            }
            return session
        }
    }

    /// `chainmail quarantine list`: one line a message, the oldest first, and one a recipient.
    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List all messages, the oldest first.")

        @OptionGroup var place: Place
        @Flag(help: "Write one JSON object a line.")
        var json = false

        func run() throws {
            try reporting {
                for id in try place.folder.ids() {
                    do throws(QuarantineError) {
                        let kept = try place.folder.open(id)
                        try write(json ? kept.json : kept.lines)
                    } catch .missing {
                        // Released or removed a moment ago.
                    } catch {
                        try write("\(id) cannot be read: \(error)\n")
                    }
                }
            }
        }

        private func write(_ text: String) throws(QuarantineError) {
            do throws(SystemError) {
                try say(text)
            } catch {
                throw .system(error)
            }
        }
    }

    /// `chainmail quarantine show ID`: what is known of one message, and its header.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one message: why it is there, its envelope, its header.")

        @OptionGroup var place: Place
        @Flag(help: "Write the message itself, byte for byte, and nothing else.")
        var message = false
        @Argument(help: "The id, as it is in the log and in the list.")
        var id: String

        func run() throws {
            try reporting {
                let kept = try place.open(id)
                guard message else {
                    try say(kept.description + "\n" + (try kept.header))
                    return
                }
                try kept.write(to: Descriptor(rawValue: 1))
            }
        }
    }

    /// `chainmail quarantine release ID ...`: into the queue, past all filters.
    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hand messages to the queue, past all filters.")

        @OptionGroup var place: Place
        @Argument(help: "The ids.")
        var ids: [String]

        func run() throws {
            let release = QuarantineRelease(place.root.folders)
            try each(ids) { id in
                let queued = try release.release(try place.session(id), from: place.folder)
                try say("\(id) released as \(queued)\n")
            }
        }
    }

    /// `chainmail quarantine remove ID ...`.
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove messages for good.")

        @OptionGroup var place: Place
        @Option(help: "Remove all that are older than this, such as 30d.")
        var olderThan: String?
        @Argument(help: "The ids.")
        var ids: [String] = []

        func validate() throws {
            guard ids.isEmpty != (olderThan == nil) else {
                throw ValidationError("Give ids, or --older-than, and not both.")
            }
            if let olderThan, Quantity.duration(olderThan) == nil {
                throw ValidationError("--older-than \(olderThan): not a time such as 12h or 30d.")
            }
        }

        func run() throws {
            try reporting {
                guard let age = olderThan.flatMap(Quantity.duration) else {
                    try each(ids) { try remove(try place.session($0)) }
                    return
                }
                try each(try older(age).map(\.description)) { try remove(try place.session($0)) }
            }
        }

        private func remove(_ id: SessionID) throws {
            try place.folder.remove(id)
            try say("\(id) removed\n")
        }

        private func older(_ age: Duration) throws -> [SessionID] {
            let limit = UInt64(clamping: age.milliseconds).multipliedReportingOverflow(by: 1000)
            let now = WallClock.microseconds
            guard !limit.overflow, limit.partialValue < now else { return [] }
            return try place.folder.ids().filter {
                $0.message(1).microseconds < now - limit.partialValue
            }
        }
    }
}
