// DataDecoder: a message from the wire: CRLF becomes LF, leading dots go, CRLF . CRLF ends it.
// RFC 5321, sections 2.3.8 and 4.5.2.
// SPDX-License-Identifier: MIT

/// Takes what follows the reply to DATA in pieces of any size and gives the message with LF
/// line ends.
///
/// Only CRLF . CRLF is the end; the CRLF of the DATA command counts as the first. A dot goes only
/// after CRLF, and a dot after an LF that stands alone is the message's own, whatever follows it.
/// So no byte is ever seen in two ways: a sender that follows the RFC has not doubled that dot, and
/// `DataEncoder` doubles the dot of every line, so that no host behind us sees another end than
/// ours.
public struct DataDecoder: Sendable {
    private enum State {
        case lineStart, inLine, afterCR, afterDot, afterDotCR, ended
    }

    /// What an LF without CR before it comes to.
    public let bareLineFeed: BareLineFeed
    private var state = State.lineStart
    private var lineLength = 0

    /// True when a CR was not followed by LF. What is decoded is no longer the message then.
    public private(set) var hasBareCR = false
    /// True when an LF did not follow a CR. It is an LF of the decoded bytes.
    public private(set) var hasBareLF = false
    /// Bytes of the message as RFC 1870 counts them: CRLF is two, stuffed dots are none. An LF that
    /// is a line end is two, too.
    public private(set) var size = 0
    /// The bytes of the longest line without its CRLF, or of one that has not ended.
    public var longestLine: Int { max(longestEnded, lineLength) }
    private var longestEnded = 0

    /// A decoder at the first byte after the DATA command's CRLF.
    public init(bareLineFeed: BareLineFeed = .refused) { self.bareLineFeed = bareLineFeed }

    /// True after CRLF . CRLF; no byte is taken any more.
    public var isComplete: Bool { state == .ended }

    /// True when no CR stood alone so far, and no LF that had to have one; else the whole message
    /// must be refused, after its true end.
    public var isWellFormed: Bool { !hasBareCR && (!hasBareLF || bareLineFeed == .mended) }

    /// Decodes bytes onto the end of `output`, which never grows by more than `input.count`.
    /// - Returns: how many bytes were taken: all of them, or up to the end of the message. What
    ///   is left belongs to the next command.
    public mutating func decode(
        _ input: UnsafeRawBufferPointer, into output: inout [UInt8]
    ) -> Int {
        var index = 0
        while index < input.count {
            switch state {
            case .ended: return index
            case .inLine: index = copyLine(input, from: index, into: &output)
            default:
                if step(input[index], into: &output) { index &+= 1 }
            }
        }
        return index
    }

    /// Decodes a whole array.
    public mutating func decode(_ input: [UInt8], into output: inout [UInt8]) -> Int {
        input.withUnsafeBytes { decode($0, into: &output) }
    }

    /// Copies up to the next line end and says where to go on.
    private mutating func copyLine(
        _ input: UnsafeRawBufferPointer, from start: Int, into output: inout [UInt8]
    ) -> Int {
        let end = input.firstLineEnd(from: start) ?? input.count
        let length = end &- start
        size &+= length
        lineLength &+= length
        guard end < input.count else {
            output.append(contentsOf: UnsafeRawBufferPointer(rebasing: input[start..<end]))
            return end
        }
        // The line end is copied along and made right afterwards: one append for most lines.
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: input[start...end]))
        if input[end] == 0x0A {
            noteBareLF()
            return end &+ 1
        }
        guard end &+ 1 < input.count, input[end &+ 1] == 0x0A else {
            output.removeLast()
            state = .afterCR
            return end &+ 1
        }
        output[output.count &- 1] = 0x0A
        endLine()
        return end &+ 2
    }

    /// One byte in a state that is not the middle of a line; false when the byte must be looked
    /// at again in the state that follows.
    private mutating func step(_ byte: UInt8, into output: inout [UInt8]) -> Bool {
        switch (state, byte) {
        case (.lineStart, 0x2E): state = .afterDot
        case (.afterDot, 0x0D): state = .afterDotCR
        case (.afterDotCR, 0x0A): state = .ended
        case (.afterCR, 0x0A):
            output.append(0x0A)
            endLine()
        case (.afterCR, _), (.afterDotCR, _):
            hasBareCR = true
            size &+= 1
            state = byte == 0x0D ? .afterCR : .inLine
            return byte == 0x0D
        default:
            state = .inLine
            return false
        }
        return true
    }

    private mutating func endLine() {
        countLine()
        state = .lineStart
    }

    private mutating func countLine() {
        size &+= 2
        if lineLength > longestEnded { longestEnded = lineLength }
        lineLength = 0
    }

    /// The state stays that of the middle of a line, in which no dot is looked at.
    private mutating func noteBareLF() {
        hasBareLF = true
        if bareLineFeed == .mended { return countLine() }
        size &+= 1
        lineLength &+= 1
    }
}
