// QueueCommand+Transfer: export and import.
// chainmail(1), section THE QUEUE; queue(5), section EXPORTS.
// SPDX-License-Identifier: MIT

import ArgumentParser
import Control
import Glibc
import MailModel
import MailQueue
import UnixIO

extension QueueCommand {
    /// `chainmail queue export`: messages as they are, to standard output.
    struct Export: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write messages, with all that the queue knows of them, to standard output.")

        @OptionGroup var root: RootOption
        @OptionGroup var filter: SelectionOptions

        func run() throws {
            try reporting {
                guard isatty(1) == 0 else {
                    throw Failure.usage("an export is no text: write it to a file or a program")
                }
                let spool = try Spool("\(root.folders.spool)/queue")
                let selection = try filter.selection(root.folders)
                try spool.forEachMessage { id, place in
                    if !selection.isEverything {
                        guard let entry = try spool.entry(id, at: place), selection.matches(entry)
                        else { return }
                    }
                    guard let message = try spool.export(id, at: place) else { return }
                    try Descriptor(rawValue: 1).writeAll(message.bytes, "standard output")
                }
            }
        }
    }

    /// `chainmail queue import FILE|SPOOL`: an export, or the queue of a dead host.
    struct Import: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put messages of another queue into this one, each once.")

        @OptionGroup var root: RootOption
        @Argument(help: "A file that export wrote, - for standard input, or a spool folder.")
        var source: String

        /// So much is made safe at once.
        private static let batch = (messages: 256, bytes: 32 << 20)

        func run() throws {
            try reporting {
                let spool = try Spool("\(root.folders.spool)/queue")
                let queue = try spool.asOwner { try QueueImport(into: spool) }
                var failed: ExitCode?
                try forEachBatch { messages in
                    // What root wrote the manager could not open.
                    let outcomes = try spool.asOwner { try queue.take(messages) }
                    for (message, outcome) in zip(messages, outcomes) {
                        switch outcome {
                        case .imported: try say("\(message.id) imported\n")
                        case .known: try say("\(message.id) is here already, or was\n")
                        case .damaged(let how):
                            failed = ExitCode(65)
                            try say("\(message.id) is damaged, and not imported: \(how)\n")
                        }
                    }
                }
                if let failed { throw failed }
            }
        }

        private func forEachBatch(_ body: ([ExportedMessage]) throws -> Void) throws {
            var batch: [ExportedMessage] = []
            var bytes = 0
            func add(_ message: ExportedMessage) throws {
                batch.append(message)
                bytes += message.file.count
                guard batch.count >= Self.batch.messages || bytes >= Self.batch.bytes else {
                    return
                }
                try body(batch)
                (batch, bytes) = ([], 0)
            }
            do {
                try forEachMessage(add)
            } catch let error as ExportError {
                // What came before the damage is whole.
                try body(batch)
                throw Failure.data("\(source): \(error)")
            }
            try body(batch)
        }

        private func forEachMessage(_ body: (ExportedMessage) throws -> Void) throws {
            let isFolder =
                try source != "-" && Files.status(source).map { $0.st_mode & S_IFMT } == S_IFDIR
            guard isFolder else {
                var reader = try reader()
                while let message = try reader.next() { try body(message) }
                return
            }
            let inner = try Files.status("\(source)/queue") != nil
            let old = try Spool(inner ? "\(source)/queue" : source)
            guard let lock = try old.lockForManager() else {
                throw Failure.refused("\(source): a queue-manager runs this queue; stop it first")
            }
            try old.forEachMessage { id, place in
                if let message = try old.export(id, at: place) { try body(message) }
            }
            withExtendedLifetime(lock) {}
        }

        private func reader() throws -> ExportReader {
            let number = source == "-" ? 0 : try Files.open(source, O_RDONLY).take()
            let name = source
            return ExportReader { count in
                var bytes = [UInt8](repeating: 0, count: count)
                let got = try bytes.withUnsafeMutableBytes {
                    try Descriptor(rawValue: number).readSome(into: $0, name)
                }
                return Array(bytes[..<got])
            }
        }
    }
}
