// NextProgram: what a filter becomes after it accepted.
// execve(2); qmail-queue(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
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

    /// Takes this process's place, with its environment but for the marks of a convention.
    func become() throws(FilterError) -> Never {
        Convention.forget()
        CStrings.with([path] + arguments) { _ = execv(path, $0) }
        throw FilterError(SystemError.last("exec", path), otherwise: .badConfiguration)
    }
}
