// Subjects: what a request holds of each scope.
// regex-rules(5), section SCOPES.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel

/// The scopes that rules look at, each once, so that what is read for one rule serves all.
struct ScopeTable {
    /// The scopes; a rule knows its own by the number.
    private(set) var scopes: [Scope] = []

    /// The number of a scope.
    mutating func number(of scope: Scope) -> Int {
        if let number = scopes.firstIndex(of: scope) { return number }
        scopes.append(scope)
        return scopes.count - 1
    }
}

/// What a request holds of each scope, read once and only when a rule asks.
struct Subjects {
    private let request: Request
    private let sizeLimit: Int
    private let scopes: [Scope]
    /// By the number of the scope: what was read already.
    private var known: [[[UInt8]]??]
    private var header: Header?

    init(_ request: Request, _ table: ScopeTable, sizeLimit: Int) {
        self.request = request
        self.sizeLimit = sizeLimit
        scopes = table.scopes
        known = Array(repeating: nil, count: table.scopes.count)
    }

    /// The subjects of a scope: none when the request has none; nil when it has no such scope at
    /// all yet, or nobody is known of whom it speaks: then no rule about it applies, a negated
    /// one neither.
    /// - Throws: `LimitError` when there is more than may be looked at.
    mutating func of(_ number: Int) throws -> [[UInt8]]? {
        if let subjects = known[number] { return subjects }
        let subjects = try read(scopes[number])
        known[number] = .some(subjects)
        return subjects
    }

    private mutating func read(_ scope: Scope) throws -> [[UInt8]]? {
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
        case .header: return try wholeHeader().fields.map(\.unfolded)
        case .field(let name):
            return try wholeHeader().fields.filter { $0.isNamed(name) }.map {
                Array($0.value.trimmed)
            }
        case .raw: return [try wholeMessage()]
        }
    }

    private mutating func wholeHeader() throws -> Header {
        if let header { return header }
        let read = try request.message.header(limit: sizeLimit)
        guard read.isWhole else { throw LimitError("the header has more than \(sizeLimit) bytes") }
        header = read
        return read
    }

    private func wholeMessage() throws -> [UInt8] {
        guard let bytes = try request.message.bytes(limit: sizeLimit) else {
            throw LimitError("the message has more than \(sizeLimit) bytes")
        }
        return bytes
    }
}
