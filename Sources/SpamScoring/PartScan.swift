// PartScan: where the parts of a message begin, for showing the beginning of each.
// RFC 2046, section 5.1; spam-check(8), section LARGE MESSAGES.
// SPDX-License-Identifier: MIT

import MailModel

/// Finds whatever may begin a part, without regard to which boundaries were declared: a reader may
/// understand them otherwise than we would. What begins none is looked at all the same, and only
/// leaves less room for the others.
public struct PartScan: Sendable {
    /// More parts than these nobody looks at.
    public static let maximumParts = 4096
    /// The header of a message or part is shown whole, or the message is not judged.
    public static let maximumHeader = 65_536
    /// So much is shown of a body that somebody may read as text, unless it is shorter.
    public static let textShare = 32_768
    /// So much is shown of any other body.
    public static let otherShare = 1024

    /// From a delimiter on to the next.
    fileprivate struct Part {
        let start: Int
        /// Where its body begins.
        var body: Int?
        var end = 0
        /// Fields named Content-Type, and those of them that name what nobody reads.
        var types = (all: 0, unread: 0)

        var header: Range<Int> { start..<(body ?? end) }
        var size: Int { end - header.upperBound }
        /// False where the one Content-Type leaves no doubt.
        var isText: Bool { types.all != 1 || types.unread != 1 }
    }

    fileprivate static let contentType = Array("content-type:".utf8)
    fileprivate static let unread = [
        "image/", "audio/", "video/", "application/", "font/", "model/",
    ]
    .map { Array($0.utf8) }

    private var parts = [Part(start: 0)]
    /// How many bytes came.
    private var position = 0
    /// As much of the line as is looked at.
    private var line: [UInt8] = []
    /// How long the line is.
    private var length = 0
    private var hasTooMany = false
    private static let lineLimit = 40

    /// Nothing yet.
    public init() { line.reserveCapacity(PartScan.lineLimit) }

    /// Takes a piece of the message.
    public mutating func take(_ piece: UnsafeRawBufferPointer) {
        for byte in piece {
            position += 1
            if byte == 0x0A {
                endLine()
                length = 0
                line.removeAll(keepingCapacity: true)
            } else {
                length += 1
                if length <= PartScan.lineLimit { line.append(byte) }
            }
        }
    }

    private mutating func endLine() {
        let here = parts.count - 1
        if isDelimiter, here > 0 || parts[here].body != nil {
            guard parts.count < PartScan.maximumParts else {
                hasTooMany = true
                return
            }
            parts[here].end = position - length - 1
            parts.append(Part(start: position - length - 1))
        } else if parts[here].body == nil {
            if length == 0 || line == [0x0D] {
                parts[here].body = position
            } else {
                parts[here].take(line)
            }
        }
    }

    private var isDelimiter: Bool {
        length > 2 && line[0] == 0x2D && line[1] == 0x2D && line[2] > 0x20
    }

    /// What to show, in order, so that it is at most `limit` bytes: all headers, and of each body
    /// its beginning.
    /// - Returns: nil when that would be too little of some.
    public func ranges(limit: Int) -> [Range<Int>]? {
        guard !hasTooMany else { return nil }
        var all = parts
        all[all.count - 1].end = position
        guard all.allSatisfy({ $0.header.count <= PartScan.maximumHeader }) else { return nil }
        let unread = all.filter { !$0.isText }.map(\.size)
        // A line end may have to be added after each.
        var room = limit - all.reduce(0) { $0 + $1.header.count + 1 }
        room -= unread.reduce(0) { $0 + min($1, PartScan.otherShare) }
        let texts = all.filter(\.isText).map(\.size)
        guard room >= 0, let share = PartScan.share(of: room, among: texts, PartScan.textShare)
        else { return nil }
        room -= texts.reduce(0) { $0 + min($1, share) }
        room += unread.reduce(0) { $0 + min($1, PartScan.otherShare) }
        guard let rest = PartScan.share(of: room, among: unread, PartScan.otherShare) else {
            return nil
        }
        return all.map { part in
            part.start..<(part.header.upperBound + min(part.isText ? share : rest, part.size))
        }
    }

    /// The largest share with which all fit into the room; nil when it is too small.
    private static func share(of room: Int, among sizes: [Int], _ least: Int) -> Int? {
        var room = room
        let sorted = sizes.sorted()
        for (index, size) in sorted.enumerated() {
            let share = room / (sorted.count - index)
            if size > share { return share >= least ? share : nil }
            room -= size
        }
        return .max
    }
}

extension PartScan.Part {
    /// A line of the header.
    fileprivate mutating func take(_ line: [UInt8]) {
        let name = PartScan.contentType
        // Blanks before the colon hide no field.
        let kept = line.filter { !$0.isBlank }.asciiLowercased
        guard kept.starts(with: name) else { return }
        types.all += 1
        if PartScan.unread.contains(where: { kept.dropFirst(name.count).starts(with: $0) }) {
            types.unread += 1
        }
    }
}
