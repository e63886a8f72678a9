// MailboxesCommand: the lists of mailboxes.
// chainmail(1), recipient-sources(5).
// SPDX-License-Identifier: MIT

import ArgumentParser
import Control
import Recipients

/// `chainmail mailboxes`.
struct MailboxesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mailboxes", abstract: "Add, remove and compile mailboxes.",
        subcommands: [Add.self, Remove.self, Compile.self])

    /// `chainmail mailboxes compile [FILE] [--output FILE]`.
    struct Compile: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a database of control/mailboxes, or of another list.")

        @OptionGroup var root: RootOption
        @Option(help: "Where to write it, instead of beside the list with .cdb after its name.")
        var output: String?
        @Argument(help: "The list, instead of control/mailboxes.")
        var file: String?

        func run() throws {
            try reporting {
                let list = file ?? root.folders.control.file("mailboxes")
                let database = output ?? "\(list).cdb"
                let counts = try MailboxCompiler.compile(list, to: database)
                try say(
                    "\(database): \(counts.mailboxes) mailboxes in \(counts.domains) domains\n")
            }
        }
    }
}
