// AssignCommand: which user has which local-parts.
// chainmail(1), recipient-sources(5).
// SPDX-License-Identifier: MIT

import ArgumentParser
import Control
import Recipients

/// `chainmail assign`.
struct AssignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assign", abstract: "Compile the file that gives local-parts to users.",
        subcommands: [Compile.self])

    /// `chainmail assign compile [FILE] [--output FILE]`.
    struct Compile: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make users/cdb of users/assign, as qmail-newu does.")

        @OptionGroup var root: RootOption
        @Option(help: "Where to write it, instead of cdb beside the file.")
        var output: String?
        @Argument(help: "The file, instead of users/assign of the root.")
        var file: String?

        func run() throws {
            try reporting {
                let source = file ?? "\(root.folders.configuration)/users/assign"
                let folder = source.split(separator: "/", omittingEmptySubsequences: false)
                    .dropLast().joined(separator: "/")
                let beside = source.contains("/") ? "\(folder)/cdb" : "cdb"
                let database = output ?? beside
                let counts = try AssignCompiler.compile(source, to: database)
                let note = counts.shadowed == 0 ? "" : ", \(counts.shadowed) of no effect"
                try say("\(database): \(counts.assignments) assignments\(note)\n")
            }
        }
    }
}
