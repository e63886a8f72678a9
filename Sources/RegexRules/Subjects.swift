// Subjects: what a request holds of each scope.
// regex-rules(5), section SCOPES.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import UnixIO

/// What a request holds of each scope, read once and only when a rule asks.
struct Subjects {
    private let request: Request
    private let limits: DecodingLimits
    private let decoder: (any MessageDecoder)?
    private let twin: String
    private let deadline: Deadline
    private let scopes: [Scope]
    /// By the number of the scope: what was read already.
    private var known: [[[UInt8]]??]
    private var header: Header?
    private var message: [UInt8]?
    private var content: (any DecodedContent)?

    /// What a request holds. Without a decoder the process becomes the twin that has one when
    /// something turns out to be encoded.
    init(
        _ request: Request, _ table: ScopeTable, _ limits: DecodingLimits,
        _ decoder: (any MessageDecoder)?, twin: String, deadline: Deadline
    ) {
        self.deadline = deadline
        self.request = request
        self.limits = limits
        self.decoder = decoder
        self.twin = twin
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
        case .header: return try decoded(wholeHeader().fields.map(\.unfolded))
        case .field(let name):
            let fields = try wholeHeader().fields.filter { $0.isNamed(name) }
            return try decoded(fields.map { Array($0.value.trimmed) })
        case .raw: return [try wholeMessage()]
        case .body: return try wholeContent().texts()
        case .attachment: return try wholeContent().fileNames
        case .type: return try wholeContent().types
        }
    }

    private mutating func wholeHeader() throws -> Header {
        if let header { return header }
        let limit = limits.headerSize
        let read = try request.message.header(limit: limit)
        guard read.isWhole else { throw LimitError("the header has more than \(limit) bytes") }
        var count = 0
        for _ in read.fields {
            count += 1
            guard count <= limits.fields else {
                throw LimitError("the header has more than \(limits.fields) fields")
            }
        }
        header = read
        return read
    }

    /// Each line decoded, and as it was sent where that is not the same: a rule may look for
    /// either.
    private func decoded(_ lines: [[UInt8]]) throws(FilterError) -> [[UInt8]] {
        guard lines.contains(where: \.mayHoldEncodedWord) else { return lines }
        guard let decoder else { try request.becomeTwin(twin) }
        return lines.flatMap { line in
            guard line.mayHoldEncodedWord else { return [line] }
            let readings = decoder.readings(ofField: line)
            return readings.contains(line) ? readings : readings + [line]
        }
    }

    private mutating func wholeMessage() throws -> [UInt8] {
        if let message { return message }
        guard let bytes = try request.message.bytes(limit: limits.size) else {
            throw LimitError("the message has more than \(limits.size) bytes")
        }
        message = bytes
        return bytes
    }

    private mutating func wholeContent() throws -> any DecodedContent {
        if let content { return content }
        guard let decoder else { try request.becomeTwin(twin) }
        let read = try decoder.content(of: wholeMessage(), limits, deadline: deadline)
        content = read
        return read
    }
}

extension [UInt8] {
    /// True where `=?` is, which begins every encoded word (RFC 2047, section 2).
    fileprivate var mayHoldEncodedWord: Bool {
        withUnsafeBufferPointer { bytes in
            bytes.indices.dropFirst().contains { bytes[$0] == 0x3F && bytes[$0 - 1] == 0x3D }
        }
    }
}
