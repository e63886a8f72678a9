// ReplyParser: the replies of another server, as its bytes arrive.
// RFC 5321, section 4.2.
// SPDX-License-Identifier: MIT

import MailModel

/// Why bytes are not a reply.
public enum ReplyError: Error, Equatable {
    /// A line does not begin with a code of 200 to 599 and a space, a hyphen or its end, or the
    /// lines of one reply have different codes.
    case malformed
    /// A line or a reply exceeds the limits of `ReplyParser`.
    case tooLong
}

/// Takes bytes in pieces of any size and gives whole replies, in order. A client that pipelines
/// asks `next()` once for each reply it awaits.
///
/// A line may end in LF alone: what another server says is read generously.
public struct ReplyParser: Sendable {
    /// The most bytes that one line may have; RFC 5321 allows 512.
    public static let lineLimit = 4096
    /// The most lines of one reply.
    public static let lineCountLimit = 256

    private var unread: [UInt8] = []
    private var position = 0
    private var code: UInt16?
    private var status: EnhancedStatus?
    private var lines: [String] = []

    /// A parser that has seen nothing.
    public init() {}

    /// True when nothing of a further reply has arrived.
    public var isEmpty: Bool { position == unread.count && lines.isEmpty }

    /// Takes bytes from the server.
    public mutating func feed(_ bytes: some Collection<UInt8>) {
        if position > 0 {
            unread.removeFirst(position)
            position = 0
        }
        unread += bytes
    }

    /// The next whole reply; nil when more bytes must come first.
    /// - Throws: `ReplyError`; the connection is of no use after that.
    public mutating func next() throws(ReplyError) -> SMTPReply? {
        while let line = try nextLine() {
            if let reply = try take(line) { return reply }
        }
        return nil
    }

    private mutating func nextLine() throws(ReplyError) -> ArraySlice<UInt8>? {
        guard let end = unread[position...].firstIndex(of: 0x0A) else {
            guard unread.count - position <= ReplyParser.lineLimit else { throw .tooLong }
            return nil
        }
        guard end - position <= ReplyParser.lineLimit else { throw .tooLong }
        defer { position = end + 1 }
        let line = unread[position..<end]
        return line.last == 0x0D ? line.dropLast() : line
    }

    private mutating func take(_ line: ArraySlice<UInt8>) throws(ReplyError) -> SMTPReply? {
        guard line.count >= 3, let value = line.prefix(3).decimalValue,
            (200...599).contains(value)
        else { throw .malformed }
        let lineCode = UInt16(value)
        guard code == nil || code == lineCode else { throw .malformed }
        let mark = line.dropFirst(3).first
        guard mark == nil || mark == 0x20 || mark == 0x2D else { throw .malformed }
        guard lines.count < ReplyParser.lineCountLimit else { throw .tooLong }
        code = lineCode
        append(text: line.dropFirst(4), code: lineCode)
        guard mark != 0x2D else { return nil }
        defer { (code, status, lines) = (nil, nil, []) }
        return SMTPReply(lineCode, status, lines: lines)
    }

    /// Takes the enhanced status off a text whose class agrees with the code; a status that the
    /// first line did not have is text. RFC 2034, section 4.
    private mutating func append(text: ArraySlice<UInt8>, code: UInt16) {
        let word = text.prefix { $0 != 0x20 }
        if let found = EnhancedStatus(word), UInt16(found.statusClass) == code / 100,
            lines.isEmpty || status == found
        {
            status = found
            lines.append(text.dropFirst(word.count + 1).printable)
        } else {
            lines.append(text.printable)
        }
    }
}
