// NextProgram: what a filter becomes after it accepted.
// execve(2); qmail-queue(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

/// A program and its arguments.
struct NextProgram {
    let path: String
    let arguments: [String]

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
        arguments = Array(words.dropFirst())
    }

    /// Takes this process's place.
    func become() throws(FilterError) -> Never {
        do {
            try exec(path, arguments, environment: Environment.all(without: Convention.variables))
        } catch {
            throw FilterError(error, otherwise: .badConfiguration)
        }
    }
}
