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
    case startTLS = "STARTTLS"
    case auth = "AUTH"
    case bdat = "BDAT"
    case xclient = "XCLIENT"
    case xforward = "XFORWARD"

    /// The verb of a word, whatever its case.
    init?(_ word: ArraySlice<UInt8>) {
        guard let number = Verb.number(word) else { return nil }
        for (verb, other) in Verb.numbers where other == number {
            self = verb
            return
        }
        return nil
    }

    /// Four to eight bytes as one number, so that a look-up compares no strings. A NUL is in no verb,
    /// and would be as good as nothing at the beginning.
    private static func number(_ word: some Collection<UInt8>) -> UInt64? {
        guard (4...8).contains(word.count) else { return nil }
        var number: UInt64 = 0
        for byte in word {
            guard byte != 0 else { return nil }
            number = number << 8 | UInt64(byte.asciiLowercased)
        }
        return number
    }

    private static let numbers = allCases.compactMap { verb in
        number(verb.rawValue.utf8).map { (verb, $0) }
    }

    /// The longest line, CRLF included. RFC 5321, section 4.5.3.1.4, and what extensions add, each
    /// parameter with the space before it.
    var lineLimit: Int {
        switch self {
        // SIZE 26 (RFC 1870, section 3), BODY 17 (RFC 6152, section 2), AUTH= 500 (RFC 4954, section
        // 3), SMTPUTF8 10 (RFC 6531, section 3.1), REQUIRETLS 11 (RFC 8689, section 3), PRDR 5, RET 9
        // and ENVID 107 (RFC 3461, sections 4.3 and 4.4).
        case .mail: 512 + 26 + 17 + 500 + 10 + 11 + 5 + 9 + 107
        // NOTIFY 29 and ORCPT 507 (RFC 3461, sections 4.1 and 4.2).
        case .rcpt: 512 + 29 + 507
        // RFC 6531, section 3.7.4.2.
        case .vrfy: 512 + 10
        // RFC 4954, section 4, says 512; an initial response may well be longer.
        case .auth: ServerSession.authLineLimit
        // Eight attributes of up to 255 bytes, as xtext.
        case .xclient, .xforward: 8192
        default: 512
        }
    }

    /// False for what may be said before TLS where that is required. RFC 3207, section 4, names
    /// EHLO, NOOP, STARTTLS and QUIT; the others do no more than these.
    var needsTLS: Bool {
        switch self {
        case .helo, .ehlo, .noop, .rset, .help, .startTLS, .quit, .xclient, .xforward: false
        case .mail, .rcpt, .data, .bdat, .vrfy, .auth: true
        }
    }
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
