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
    /// By the number of the scope: why there is more than what was read.
    private var gaps: [Int: LimitError] = [:]
    /// By the number of the scope: why nothing of it is known.
    private var failures: [Int: LimitError] = [:]
    private var header: (fields: [Header.Field], gap: LimitError?)?
    private var message: (bytes: [UInt8], gap: LimitError?)?
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
    /// - Throws: `LimitError` when nothing may be looked at.
    mutating func of(_ number: Int) throws -> [[UInt8]]? {
        if let subjects = known[number] { return subjects }
        if let failure = failures[number] { throw failure }
        var gap: LimitError?
        let subjects: [[UInt8]]?
        do {
            subjects = try read(scopes[number], &gap)
        } catch let error as LimitError {
            // What took long in vain is not tried again for the next rule.
            failures[number] = error
            throw error
        }
        known[number] = .some(subjects)
        gaps[number] = gap
        return subjects
    }

    /// Why there is more of a scope than the subjects; nil when they are all.
    func gap(of number: Int) -> LimitError? { gaps[number] }

    /// True when the end of a subject is not its end.
    func isCut(_ number: Int) -> Bool { scopes[number] == .raw && gaps[number] != nil }

    private mutating func read(_ scope: Scope, _ gap: inout LimitError?) throws -> [[UInt8]]? {
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
        case .header: return try decoded(fields(&gap).flatMap(\.lines))
        case .field(let name): return try decoded(fields(&gap).flatMap { $0.values(of: name) })
        case .raw: return [try bytes(&gap)]
        case .body: return try wholeContent(&gap).texts()
        case .attachment: return try wholeContent(&gap).fileNames
        case .type: return try wholeContent(&gap).types
        }
    }

    /// As many fields as may be looked at.
    private mutating func fields(_ gap: inout LimitError?) throws -> [Header.Field] {
        if let header {
            gap = header.gap
            return header.fields
        }
        let read = try request.message.header(limit: limits.headerSize)
        var fields: [Header.Field] = []
        for field in read.fields {
            guard fields.count < limits.fields else {
                gap = LimitError("the header has more than \(limits.fields) fields")
                break
            }
            fields.append(field)
        }
        if !read.isWhole, gap == nil {
            // The last one may go on.
            fields = fields.dropLast()
            gap = LimitError("the header has more than \(limits.headerSize) bytes")
        }
        header = (fields, gap)
        return fields
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

    /// As much of the message as may be looked at.
    private mutating func bytes(_ gap: inout LimitError?) throws -> [UInt8] {
        if let message {
            gap = message.gap
            return message.bytes
        }
        let read = try request.message.beginning(limit: limits.size)
        if !read.isWhole { gap = LimitError("the message has more than \(limits.size) bytes") }
        message = (read.bytes, gap)
        return read.bytes
    }

    private mutating func wholeContent(_ gap: inout LimitError?) throws -> any DecodedContent {
        if let content {
            gap = message?.gap
            return content
        }
        guard let decoder else { try request.becomeTwin(twin) }
        let read = try decoder.content(of: bytes(&gap), limits, deadline: deadline)
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
