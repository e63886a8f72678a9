// NextProgram: what a filter becomes after it accepted.
// execve(2); qmail-queue(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// A program, and the words at the end of our own command line that are its command line.
struct NextProgram {
    private let path: String
    private let count: Int

    /// The program that these words name: a path, else one beside this program, else one in
    /// PATH.
    /// - Throws: `FilterError.configuration` when there is none.
    init(_ words: [String]) throws(FilterError) {
        guard let name = words.first, !name.isEmpty else {
            throw .configuration("no program after --")
        }
        guard let path = Programs.find(name) else {
            throw .configuration("\(name): no such program")
        }
        self.path = path
        count = words.count
    }

    /// Takes this process's place, with its environment but for the marks of a convention.
    func become() throws(FilterError) -> Never {
        Convention.forget()
        // The words as they were given, byte for byte: not every address is text.
        execv(path, CommandLine.unsafeArgv + (Int(CommandLine.argc) - count))
        throw FilterError(SystemError.last("exec", path), otherwise: .badConfiguration)
    }
}
