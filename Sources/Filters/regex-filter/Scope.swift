// Scope: the part of a request that a rule looks at.
// regex-rules(5), section SCOPES.
// SPDX-License-Identifier: MIT

import FilterKit
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
    case field(String)
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
            self = .field(String(decoding: name, as: UTF8.self))
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

/// What a request holds of each scope, read once and only when a rule asks.
struct Subjects {
    private let request: Request
    private let sizeLimit: Int
    private var header: Header?
    private var fields: [(field: Header.Field, text: [UInt8])]?
    private var raw: [UInt8]?

    init(_ request: Request, sizeLimit: Int) {
        self.request = request
        self.sizeLimit = sizeLimit
    }

    /// The subjects of a scope: none when the request has none; nil when it has no such scope at
    /// all yet, or nobody is known of whom it speaks: then no rule about it applies, a negated
    /// one neither.
    /// - Throws: `LimitError` when there is more than may be looked at.
    mutating func of(_ scope: Scope) throws -> [[UInt8]]? {
        guard request.stage == .message || !scope.needsMessage else { return nil }
        switch scope {
        case .client: return request.facts.clientIP.map { [Array($0.description.utf8)] }
        case .clientName:
            guard !request.facts.isLocal else { return nil }
            return [request.facts[.clientName]].compactMap(\.self)
        case .helo: return request.facts[.helo].map { [$0] }
        case .sender: return request.reversePath.map { [$0.bytes] }
        case .recipient:
            return request.recipients.isEmpty ? nil : request.recipients.map(\.bytes)
        case .header: return try allFields().map(\.text)
        case .field(let name):
            return try allFields().filter { $0.field.isNamed(name) }.map {
                Array($0.field.value.trimmed)
            }
        case .raw: return [try wholeMessage()]
        }
    }

    private mutating func allFields() throws -> [(field: Header.Field, text: [UInt8])] {
        if let fields { return fields }
        let header = try request.message.header(limit: sizeLimit)
        guard header.isWhole else {
            throw LimitError("the header has more than \(sizeLimit) bytes")
        }
        let read = header.fields.map { ($0, $0.unfolded) }
        fields = read
        return read
    }

    private mutating func wholeMessage() throws -> [UInt8] {
        if let raw { return raw }
        guard let bytes = try request.message.bytes(limit: sizeLimit) else {
            throw LimitError("the message has more than \(sizeLimit) bytes")
        }
        raw = bytes
        return bytes
    }
}

/// Something is over a limit, so it was not judged.
struct LimitError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
