// QueueCommand+Operations: hold, release, flush, remove, bounce.
// chainmail(1), section THE QUEUE.
// SPDX-License-Identifier: MIT

import ArgumentParser
import Control
import MailModel
import MailQueue
import UnixIO

/// Messages by id, or by filters.
struct MessageOptions: ParsableArguments {
    @OptionGroup var root: RootOption
    @OptionGroup var filter: SelectionOptions
    @Flag(help: "All messages.")
    var all = false
    @Argument(help: "The ids.")
    var ids: [String] = []

    func validate() throws {
        let ways = [!ids.isEmpty, !filter.isEmpty, all].filter { $0 }.count
        guard ways == 1 else {
            throw ValidationError("Give ids, or filters such as --sender, or --all: one of these.")
        }
    }

    /// Does something with each message and says so. Messages that are being delivered are named;
    /// the others are done all the same.
    /// - Throws: the exit code of the last failure: 66 for an id that is not there, 75 for a
    ///   message that is being delivered.
    func forEach(
        _ command: some ParsableCommand, _ done: String,
        _ body: @escaping (Spool, QueueID) throws(QueueError) -> OperationOutcome
    ) throws {
        try command.reporting {
            let spool = try Spool("\(root.folders.spool)/queue")
            try command.each(try ids.isEmpty ? chosen(spool) : ids) { text in
                guard let id = QueueID(Array(text.utf8)) else {
                    throw Failure.noSuchMessage(text)
                }
                switch try spool.asOwner({ try body(spool, id) }) {
                case .done: try command.say("\(id) \(done)\n")
                case .gone: throw Failure.noSuchMessage(text)
                case .busy:
                    throw Failure.refused("\(id) is being delivered; try it again later")
                case .unchanged(let why): try command.say("\(id) unchanged: \(why)\n")
                }
            }
        }
    }

    /// The ids that filters choose, before anything is done to one of them.
    private func chosen(_ spool: Spool) throws -> [String] {
        let selection = try filter.selection(root.folders)
        var found: [String] = []
        try spool.forEachMessage { id, place in
            if selection.isEverything {
                found.append("\(id)")
            } else if let entry = try spool.entry(id, at: place), selection.matches(entry) {
                found.append("\(id)")
            }
        }
        return found
    }
}

extension QueueCommand {
    /// `chainmail queue flush`: what is deferred is tried again now.
    struct Flush: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Try deferred messages again now: all, or some.")

        @OptionGroup var root: RootOption
        @OptionGroup var filter: SelectionOptions
        @Argument(help: "The ids.")
        var ids: [String] = []

        func run() throws {
            guard ids.isEmpty, filter.isEmpty else {
                var messages = MessageOptions()
                messages.root = root
                messages.filter = filter
                messages.ids = ids
                messages.all = false
                return try messages.forEach(self, "to be tried now") {
                    spool, id throws(QueueError) in try spool.retry(id)
                }
            }
            try reporting {
                let spool = try Spool("\(root.folders.spool)/queue")
                guard spool.flush() else {
                    throw Failure.refused(
                        "no queue-manager listens: start mail-server, or name ids")
                }
            }
        }
    }

    /// `chainmail queue hold`: nobody delivers them until they are released.
    struct Hold: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let nobody deliver messages until they are released.")

        @OptionGroup var messages: MessageOptions

        func run() throws {
            try messages.forEach(self, "held") { spool, id throws(QueueError) in
                try spool.hold(id)
            }
        }
    }

    /// `chainmail queue release`: held messages are delivered at once.
    struct Release: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let held messages be delivered, at once.")

        @OptionGroup var messages: MessageOptions

        func run() throws {
            try messages.forEach(self, "released") { spool, id throws(QueueError) in
                try spool.release(id)
            }
        }
    }

    /// `chainmail queue remove`: they are gone, and nobody is told.
    struct Remove: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove messages for good; nobody is told.")

        @OptionGroup var messages: MessageOptions

        func run() throws {
            try messages.forEach(self, "removed") { spool, id throws(QueueError) in
                try spool.remove(id)
            }
        }
    }

    /// `chainmail queue bounce`: they go back to their senders.
    struct Bounce: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Return messages to their senders, for all recipients that are left.")

        @OptionGroup var messages: MessageOptions

        func run() throws {
            try messages.forEach(self, "to be returned") { spool, id throws(QueueError) in
                try spool.bounce(id, now: WallClock.microseconds)
            }
        }
    }
}
