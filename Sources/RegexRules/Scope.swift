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
    /// Every field of the header, unfolded and decoded.
    case header
    /// The value of every field of this name, unfolded and decoded.
    case field([UInt8])
    /// The texts of the message, decoded.
    case body
    /// The bytes of the message.
    case raw
    /// The names of files.
    case attachment
    /// The MIME types of the parts.
    case type

    /// Reads the first word of a rule.
    init?(_ word: ArraySlice<UInt8>) {
        switch String(decoding: word, as: UTF8.self) {
        case "client": self = .client
        case "client-name": self = .clientName
        case "helo": self = .helo
        case "sender": self = .sender
        case "recipient": self = .recipient
        case "header": self = .header
        case "body": self = .body
        case "raw": self = .raw
        case "attachment": self = .attachment
        case "type": self = .type
        default:
            let prefix = "header:"
            let name = word.dropFirst(prefix.utf8.count)
            guard word.starts(with: prefix.utf8), HeaderField.isName(name) else { return nil }
            self = .field(Array(name))
        }
    }

    /// The words that would do, for an error.
    static let known = [
        "client", "client-name", "helo", "sender", "recipient", "header", "header:NAME", "body",
        "raw", "attachment", "type",
    ]

    /// True for what only a message has.
    var needsMessage: Bool {
        switch self {
        case .header, .field, .body, .raw, .attachment, .type: true
        case .client, .clientName, .helo, .sender, .recipient: false
        }
    }

    /// True for what nobody knows without a decoder.
    var needsDecoder: Bool {
        switch self {
        case .body, .attachment, .type: true
        case .header, .field, .raw, .client, .clientName, .helo, .sender, .recipient: false
        }
    }
}
