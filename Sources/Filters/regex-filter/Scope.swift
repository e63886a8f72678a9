// Scope: the part of a request that a rule looks at.
// regex-rules(5), section SCOPES.
// SPDX-License-Identifier: MIT

import MailModel

/// What a rule's pattern is matched against.
enum Scope: Hashable {
    case client
    case clientName
    case helo
    case sender
    case recipient
    /// Every field of the header, unfolded.
    case header
    /// The value of every field of this name, unfolded.
    case field([UInt8])
    /// The bytes of the message.
    case raw

    /// Reads the first word of a rule.
    init?(_ word: ArraySlice<UInt8>) {
        switch String(decoding: word, as: UTF8.self) {
        case "client": self = .client
        case "client-name": self = .clientName
        case "helo": self = .helo
        case "sender": self = .sender
        case "recipient": self = .recipient
        case "header": self = .header
        case "raw": self = .raw
        default:
            let prefix = "header:"
            let name = word.dropFirst(prefix.utf8.count)
            guard word.starts(with: prefix.utf8), HeaderField.isName(name) else { return nil }
            self = .field(Array(name))
        }
    }

    /// The words that would do, for an error.
    static let known = [
        "client", "client-name", "helo", "sender", "recipient", "header", "header:NAME", "raw",
    ]

    /// True for what only a message has.
    var needsMessage: Bool {
        switch self {
        case .header, .field, .raw: true
        case .client, .clientName, .helo, .sender, .recipient: false
        }
    }
}

/// Something is over a limit, so it was not judged.
struct LimitError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
