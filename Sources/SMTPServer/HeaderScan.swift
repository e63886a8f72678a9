// HeaderScan: what the server itself must know of an incoming header.
// RFC 5321, section 6.3; RFC 8601, section 5.
// SPDX-License-Identifier: MIT

import MailModel

/// Reads a header as it comes in, in pieces of any size, with LF line ends. The header ends at
/// the first empty line.
struct HeaderScan {
    /// As much of a line as is looked at: names and ids are shorter.
    private static let lineLimit = 1000

    private let name: [UInt8]
    private var line: [UInt8] = []
    private var authentication: [UInt8]?
    private(set) var isDone = false
    /// Received and Delivered-To fields: every hop adds one.
    private(set) var hops = 0
    /// Names of fields that are there and that only we may write.
    private var forged: Set<[UInt8]> = []

    /// A scan for the server of this name.
    init(name: [UInt8]) { self.name = name.asciiLowercased }

    /// Edits that remove what only we may write. When a field `Authentication-Results` claims to
    /// be ours all fields of that name go, since whoever forged one may have forged the others;
    /// else they stay.
    var removals: [Edit] {
        forged.sorted { $0.lexicographicallyPrecedes($1) }.map { .remove(name: $0) }
    }

    /// Takes a piece of the message.
    mutating func take(_ piece: some Collection<UInt8>) {
        var rest = Slice(base: piece, bounds: piece.startIndex..<piece.endIndex)
        while !isDone, !rest.isEmpty {
            let part = rest.prefix { $0 != 0x0A }
            let isWhole = part.endIndex < rest.endIndex
            line += part.prefix(max(0, HeaderScan.lineLimit - line.count))
            rest = rest[part.endIndex...].dropFirst()
            guard isWhole else { return }
            takeLine()
            line.removeAll(keepingCapacity: true)
        }
    }

    /// At the end of the message, which may have no empty line.
    mutating func finish() {
        guard !isDone else { return }
        takeLine()
        endField()
        isDone = true
    }

    private mutating func takeLine() {
        if let first = line.first, first.isBlank {
            authentication? += line
            return
        }
        endField()
        guard !line.isEmpty else {
            isDone = true
            return
        }
        let word = line.prefix { $0 != 0x3A }
        guard word.count < line.count else { return }
        let fieldName = word.trimmed.asciiLowercased
        if fieldName == HeaderScan.received || fieldName == HeaderScan.delivered { hops += 1 }
        if fieldName.starts(with: HeaderScan.own) { forged.insert(fieldName) }
        if fieldName == HeaderScan.results { authentication = Array(line[word.endIndex...]) }
    }

    /// The id of the server stands before the first semicolon, among comments. Wherever our name
    /// is there, the field is taken for one that claims to be ours.
    private mutating func endField() {
        guard let body = authentication?.prefix(while: { $0 != 0x3B }).asciiLowercased else {
            return
        }
        authentication = nil
        let isOurs = body.indices.contains { body[$0...].starts(with: name) }
        if isOurs { forged.insert(HeaderScan.results) }
    }

    private static let received = Array("received".utf8)
    private static let delivered = Array("delivered-to".utf8)
    private static let results = Array("authentication-results".utf8)
    private static let own = Array("x-chainmail-".utf8)
}
