// ChunkDecoder: a message from the wire in counted chunks: CRLF becomes LF, and nothing else is done.
// RFC 3030, section 2.
// SPDX-License-Identifier: MIT

/// Takes the bytes that follow BDAT commands in pieces of any size and gives the message with LF
/// line ends. The chunks' sizes alone say where commands go on, and no dot means anything.
///
/// A CR at the end of a chunk and an LF at the start of the next one are a line end.
public struct ChunkDecoder: Sendable {
    /// What an LF without CR before it comes to.
    public let bareLineFeed: BareLineFeed
    private var isAfterCR = false
    private var lineLength = 0

    /// Bytes of this chunk that have not come yet.
    public private(set) var remaining = 0
    /// True from the start of the last chunk on.
    public private(set) var isLast = false
    /// True when a CR was not followed by LF. What is decoded is no longer the message then.
    public private(set) var hasBareCR = false
    /// True when an LF did not follow a CR. It is an LF of the decoded bytes.
    public private(set) var hasBareLF = false
    /// Bytes of the message as RFC 1870 counts them. An LF that is a line end is two, too.
    public private(set) var size = 0
    /// The bytes of the longest line without its CRLF, or of one that has not ended.
    public var longestLine: Int { max(longestEnded, lineLength) }
    private var longestEnded = 0

    /// A decoder before the first chunk.
    public init(bareLineFeed: BareLineFeed = .refused) { self.bareLineFeed = bareLineFeed }

    /// Begins a chunk: the next so many bytes are of the message. It must not be called before the
    /// chunk before is complete, nor after the last one.
    public mutating func begin(size: Int, isLast: Bool) {
        remaining = max(0, size)
        self.isLast = isLast
        if isComplete { finish() }
    }

    /// True when a command comes next, because all of the chunk has come.
    public var isChunkComplete: Bool { remaining == 0 }

    /// True after the last byte of the last chunk.
    public var isComplete: Bool { isLast && remaining == 0 }

    /// True when no CR stood alone so far, and no LF that had to have one; else the whole message
    /// must be refused, after its last chunk.
    public var isWellFormed: Bool { !hasBareCR && (!hasBareLF || bareLineFeed == .mended) }

    /// Decodes bytes onto the end of `output`, which never grows by more than `input.count`.
    /// - Returns: how many bytes were taken: all of them, or up to the end of the chunk. What is
    ///   left belongs to the next command.
    public mutating func decode(
        _ input: UnsafeRawBufferPointer, into output: inout [UInt8]
    ) -> Int {
        let count = min(input.count, remaining)
        guard count > 0 else { return 0 }
        let chunk = UnsafeRawBufferPointer(rebasing: input[..<count])
        var index = 0
        while index < count {
            if isAfterCR {
                index &+= takeAfterCR(chunk[index], into: &output)
            } else {
                index = copyLine(chunk, from: index, into: &output)
            }
        }
        remaining &-= count
        if isComplete { finish() }
        return count
    }

    /// Decodes a whole array.
    public mutating func decode(_ input: [UInt8], into output: inout [UInt8]) -> Int {
        input.withUnsafeBytes { decode($0, into: &output) }
    }

    /// Copies up to the next line end and returns where to go on.
    private mutating func copyLine(
        _ chunk: UnsafeRawBufferPointer, from start: Int, into output: inout [UInt8]
    ) -> Int {
        let end = chunk.firstLineEnd(from: start) ?? chunk.count
        output.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[start..<end]))
        size &+= end &- start
        lineLength &+= end &- start
        guard end < chunk.count else { return end }
        if chunk[end] == 0x0D {
            isAfterCR = true
        } else {
            output.append(0x0A)
            noteBareLF()
        }
        return end &+ 1
    }

    /// Looks at the byte after a CR; 0 when it must be looked at again as any other byte.
    private mutating func takeAfterCR(_ byte: UInt8, into output: inout [UInt8]) -> Int {
        isAfterCR = false
        guard byte == 0x0A else {
            noteBareCR()
            return 0
        }
        output.append(0x0A)
        countLine()
        return 1
    }

    private mutating func finish() {
        if isAfterCR { noteBareCR() }
        isAfterCR = false
        longestEnded = max(longestEnded, lineLength)
    }

    private mutating func countLine() {
        size &+= 2
        longestEnded = max(longestEnded, lineLength)
        lineLength = 0
    }

    private mutating func noteBareCR() {
        hasBareCR = true
        size &+= 1
        lineLength &+= 1
    }

    private mutating func noteBareLF() {
        hasBareLF = true
        if bareLineFeed == .mended { return countLine() }
        size &+= 1
        lineLength &+= 1
    }
}
