// Verb: the commands, and how a line divides into verb and argument.
// RFC 5321, section 4.1.1.
// SPDX-License-Identifier: MIT

import MailModel

/// The commands that are known, each by its word on the wire.
enum Verb: String, CaseIterable {
    case helo = "HELO"
    case ehlo = "EHLO"
    case mail = "MAIL"
    case rcpt = "RCPT"
    case data = "DATA"
    case rset = "RSET"
    case noop = "NOOP"
    case quit = "QUIT"
    case vrfy = "VRFY"
    case help = "HELP"

    /// The verb of a word, whatever its case.
    init?(_ word: ArraySlice<UInt8>) {
        guard word.count == 4, let verb = Verb.all[Verb.number(word)] else { return nil }
        self = verb
    }

    /// Four letters as one number, so that a look-up compares no strings.
    private static func number(_ word: some Collection<UInt8>) -> UInt32 {
        word.reduce(0) { $0 << 8 | UInt32($1.asciiLowercased) }
    }

    private static let all = Dictionary(
        uniqueKeysWithValues: allCases.map { (number($0.rawValue.utf8), $0) })

    /// The longest line, CRLF included. RFC 5321, section 4.5.3.1.4, and what extensions add:
    /// SIZE 26 (RFC 1870, section 3), 8BITMIME 17 (RFC 6152, section 2).
    var lineLimit: Int { self == .mail ? 512 + 26 + 17 : 512 }
}

/// One line of a client.
struct Command {
    /// The word before the first space; nil when it is none that we know.
    let verb: Verb?
    /// The word itself.
    let word: ArraySlice<UInt8>
    /// Everything after the first space. Blanks at the end are gone: RFC 5321, section 4.1.1,
    /// asks servers to tolerate them.
    let argument: ArraySlice<UInt8>

    init(_ line: [UInt8]) {
        let end = line.lastIndex { !$0.isBlank }.map { $0 + 1 } ?? 0
        word = line[..<end].prefix { $0 != 0x20 }
        argument = line[..<end].dropFirst(word.count + 1)
        verb = Verb(word)
    }
}
