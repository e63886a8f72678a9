// MessageSurvey: what must be known of a message before it is offered to another host.
// RFC 1870, section 3; RFC 6152; RFC 5321, section 2.3.8.
// SPDX-License-Identifier: MIT

import Glibc
public import UnixIO

/// One look at a whole message.
public struct MessageSurvey: Equatable {
    /// The most bytes of a line without its CRLF. RFC 5321, section 4.5.3.1.6.
    public static let lineLimit = 998

    /// Its bytes with CRLF line ends and a final one.
    public private(set) var wireLength = 0
    /// True when a byte is beyond ASCII.
    public private(set) var hasEightBit = false
    /// True when a CR is in it: it cannot be sent.
    public private(set) var hasBareCR = false

    /// True when a line is longer than SMTP allows.
    public private(set) var hasLongLine = false

    private var lastByte: UInt8 = 0x0A
    /// How much of the last line has come.
    private var lineLength = 0

    /// Reads the message to its end.
    /// - Throws: `SystemError`.
    public init(_ message: some MessageSource) throws(SystemError) {
        var message = message
        while let piece = try message.next() { piece.withUnsafeBytes { take($0) } }
        if lineLength > MessageSurvey.lineLimit { hasLongLine = true }
        if lastByte != 0x0A { wireLength += 2 }
    }

    private mutating func take(_ piece: UnsafeRawBufferPointer) {
        guard let last = piece.last else { return }
        var lineEnds = 0
        var carriageReturns = 0
        var all: UInt8 = 0
        // No branch, so that the compiler takes many bytes at a step.
        for byte in piece {
            lineEnds &+= byte == 0x0A ? 1 : 0
            carriageReturns &+= byte == 0x0D ? 1 : 0
            all |= byte
        }
        wireLength += piece.count + lineEnds
        hasBareCR = hasBareCR || carriageReturns > 0
        hasEightBit = hasEightBit || all >= 0x80
        lastByte = last
        if !hasLongLine { measureLines(piece) }
    }

    private mutating func measureLines(_ piece: UnsafeRawBufferPointer) {
        var rest = piece[...]
        while let end = memchr(rest) {
            if lineLength + (end - rest.startIndex) > MessageSurvey.lineLimit { hasLongLine = true }
            lineLength = 0
            rest = rest[(end + 1)...]
        }
        lineLength += rest.count
    }

    /// Where the first LF is.
    private func memchr(_ bytes: Slice<UnsafeRawBufferPointer>) -> Int? {
        let part = UnsafeRawBufferPointer(rebasing: bytes)
        guard let start = part.baseAddress, let found = Glibc.memchr(start, 0x0A, part.count) else {
            return nil
        }
        return bytes.startIndex + (UnsafeRawPointer(found) - start)
    }
}
