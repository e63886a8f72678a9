// HeaderScan: what whoever takes a message must know of its header before any step sees it.
// RFC 5321, section 6.3; RFC 8601, section 5.
// SPDX-License-Identifier: MIT

/// Reads a header as it comes in, in pieces of any size, with LF or CRLF line ends. The header
/// ends at the first empty line.
public struct HeaderScan: Sendable {
    /// As much of a line as is looked at: names and ids are shorter.
    private static let lineLimit = 1000
    /// As much of a field, with its folds, as is looked at.
    private static let fieldLimit = 65_536
    /// So many different names that only we may write are an attack: each is an edit of its own.
    public static let forgeryLimit = 100

    private let name: [UInt8]
    private var line: [UInt8] = []
    private var authentication: [UInt8]?
    /// True when of that field something was not looked at that may be the id.
    private var hasHiddenID = false
    /// True once that was looked at. More of the field changes nothing: what has the id goes on to have
    /// it, and to look again at each line would cost a field's length for every two bytes.
    private var isJudged = false
    /// How long the line is.
    private var length = 0
    /// True after the empty line.
    public private(set) var isDone = false
    /// Received and Delivered-To fields: every hop adds one.
    public private(set) var hops = 0
    /// True when there is a field `Date`.
    public private(set) var hasDate = false
    /// True when there is a field `Message-ID`.
    public private(set) var hasMessageID = false
    /// Names of fields that are there and that only we may write.
    private var forged: Set<[UInt8]> = []
    /// True when there are too many of them to be taken out.
    public var isHostile: Bool { forged.count > HeaderScan.forgeryLimit }

    /// A scan for the server of this name.
    public init(name: [UInt8]) { self.name = name.asciiLowercased }

    /// Edits that remove what only we may write. When a field `Authentication-Results` claims to
    /// be ours all fields of that name go, since whoever forged one may have forged the others;
    /// else they stay.
    public var removals: [Edit] {
        forged.sorted { $0.lexicographicallyPrecedes($1) }.map { .remove(name: $0) }
    }

    /// Takes a piece of the message.
    public mutating func take(_ piece: some Collection<UInt8>) {
        var rest = Slice(base: piece, bounds: piece.startIndex..<piece.endIndex)
        while !isDone, !rest.isEmpty {
            let part = rest.prefix { $0 != 0x0A }
            let isWhole = part.endIndex < rest.endIndex
            length += part.count
            line += part.prefix(max(0, HeaderScan.lineLimit - line.count))
            rest = rest[part.endIndex...].dropFirst()
            guard isWhole else { return }
            takeLine()
            line.removeAll(keepingCapacity: true)
            length = 0
        }
    }

    /// At the end of the message, which may have no empty line.
    public mutating func finish() {
        guard !isDone else { return }
        takeLine()
        endField()
        isDone = true
    }

    private mutating func takeLine() {
        if let first = line.first, first.isBlank {
            append(line[...])
            return
        }
        endField()
        guard !line.isEmpty, line != [0x0D] else {
            isDone = true
            return
        }
        let word = line.prefix { $0 != 0x3A }
        // Blanks before the colon hide no field, however many they are.
        guard word.count < line.count || length > line.count else { return }
        let fieldName = word.trimmed.asciiLowercased
        if fieldName == HeaderScan.received || fieldName == HeaderScan.delivered { hops += 1 }
        if fieldName == HeaderScan.date { hasDate = true }
        if fieldName == HeaderScan.messageID { hasMessageID = true }
        if fieldName.starts(with: HeaderScan.own), HeaderField.isName(fieldName), !isHostile {
            forged.insert(fieldName)
        }
        guard fieldName == HeaderScan.results else { return }
        authentication = []
        append(line[word.endIndex...].dropFirst())
    }

    /// More of the field that may be ours.
    private mutating func append(_ part: ArraySlice<UInt8>) {
        guard let field = authentication else { return }
        authentication? += part.prefix(HeaderScan.fieldLimit - field.count)
        guard !isJudged, length > line.count || field.count + part.count > HeaderScan.fieldLimit
        else { return }
        isJudged = true
        hasHiddenID = !AuthenticationResults.names(in: authentication ?? [])
    }

    /// The id of the server stands first, after comments. Wherever our name is before the first
    /// semicolon, and where too much came before one, the field is taken for one that claims to be
    /// ours.
    private mutating func endField() {
        defer { (hasHiddenID, isJudged) = (false, false) }
        guard let field = authentication else { return }
        authentication = nil
        let body = field.prefix { $0 != 0x3B }.asciiLowercased
        let isOurs =
            hasHiddenID || AuthenticationResults.claims(field, identifier: name)
            || body.indices.contains { body[$0...].starts(with: name) }
        if isOurs, !name.isEmpty { forged.insert(HeaderScan.results) }
    }

    private static let received = Array("received".utf8)
    private static let delivered = Array("delivered-to".utf8)
    private static let date = Array("date".utf8)
    private static let messageID = Array("message-id".utf8)
    private static let results = Array("authentication-results".utf8)
    private static let own = Array("x-chainmail-".utf8)
}
