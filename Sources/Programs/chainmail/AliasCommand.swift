// AliasCommand: the aliases file.
// chainmail(1), aliases(5).
// SPDX-License-Identifier: MIT

import ArgumentParser
import Control
import Recipients

/// `chainmail alias`.
struct AliasCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "alias", abstract: "Check or compile the aliases file.",
        subcommands: [Compile.self, Check.self])

    private static func path(_ file: String?, _ root: Root) throws(ControlError) -> String {
        if let file { return file }
        return try AliasFile(root.control).path
    }

    /// `chainmail alias compile [FILE] [--output FILE]`.
    struct Compile: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a database of the aliases file, as newaliases does.")

        @OptionGroup var root: RootOption
        @Option(help: "Where to write it, instead of beside the file with .cdb after its name.")
        var output: String?
        @Argument(help: "The file, instead of the root's.")
        var file: String?

        func run() throws {
            try reporting {
                let source = try AliasCommand.path(file, root.folders)
                let database = output ?? "\(source).cdb"
                let count = try AliasCompiler.compile(source, to: database, root.folders.control)
                try say("\(database): \(count) aliases\n")
            }
        }
    }

    /// `chainmail alias check [FILE]`.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say what is wrong in the aliases file, and change nothing.")

        @OptionGroup var root: RootOption
        @Argument(help: "The file, instead of the root's.")
        var file: String?

        func run() throws {
            try reporting {
                let source = try AliasCommand.path(file, root.folders)
                let count = try AliasCompiler.check(source, root.folders.control)
                try say("\(source): \(count) aliases\n")
            }
        }
    }
}
