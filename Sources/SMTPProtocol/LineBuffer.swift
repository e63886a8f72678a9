// LineBuffer: what has arrived and is not yet used, as command lines or as bytes.
// RFC 5321, sections 2.3.8 and 4.5.3.1.4.
// SPDX-License-Identifier: MIT

import MailModel

/// What the next line of a client is.
public enum CommandLine: Equatable, Sendable {
    /// A line without its CRLF. It may hold any byte but LF.
    case line([UInt8])
    /// A line that exceeds the buffer's limit; it was thrown away up to its LF.
    case tooLong
    /// A line that ended in LF without CR; it was thrown away. It is never obeyed, since whoever
    /// sent it and whoever passed it on may have seen it differently.
    case bareLF
    /// One of these two that begins with BDAT: what follows it may be no command, and cannot be told
    /// from one.
    case badChunk
}

/// A buffer of fixed size between a socket and the protocol.
public struct LineBuffer: Sendable {
    /// The longest command line that is kept, without CRLF, in bytes.
    public let lineLimit: Int

    private var bytes: [UInt8]
    private var start = 0
    private var end = 0
    /// Up to here no LF was found yet, so that one byte at a time stays cheap.
    private var searched = 0
    private var isSkipping = false
    /// True when what is skipped began with BDAT.
    private var isSkippingChunk = false

    /// A buffer of this many bytes. `lineLimit` must be less than `capacity`; it is lowered
    /// where it is not. The longest lines are those of AUTH: RFC 4954, section 4.
    public init(capacity: Int = 32768, lineLimit: Int = 12_286) {
        bytes = [UInt8](repeating: 0, count: max(16, capacity))
        self.lineLimit = min(lineLimit, bytes.count - 2)
    }

    /// True when every byte was used.
    public var isEmpty: Bool { start == end }

    /// Bytes that are not yet used.
    public var count: Int { end - start }

    /// The bytes that are not yet used.
    public var unread: [UInt8] { Array(bytes[start..<end]) }

    /// True while the rest of a line that was too long is thrown away.
    public var isInLongLine: Bool { isSkipping }

    /// Reads more: `read` gets the free room and returns how many bytes it put there. There is
    /// always room, provided that lines or bytes were taken until there was none.
    public mutating func fill<Failure: Error>(
        _ read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        makeRoom()
        var result: Result<Int, Failure> = .success(0)
        bytes.withUnsafeMutableBytes { all in
            let room = UnsafeMutableRawBufferPointer(rebasing: all[end...])
            do throws(Failure) {
                result = .success(try read(room))
            } catch {
                result = .failure(error)
            }
        }
        let count = min(max(0, try result.get()), bytes.count - end)
        end += count
        return count
    }

    /// Adds bytes as if they had been read; only as many as fit are taken, and their number is
    /// returned.
    public mutating func append(_ new: some Collection<UInt8>) -> Int {
        fill { room in
            let taken = new.prefix(room.count)
            room.copyBytes(from: taken)
            return taken.count
        }
    }

    /// The next line; nil when more must be read first.
    public mutating func nextLine() -> CommandLine? {
        let found = bytes.withUnsafeBytes { all in
            UnsafeRawBufferPointer(rebasing: all[..<end]).firstLF(from: max(start, searched))
        }
        guard let lineEnd = found else {
            searched = end
            if count > lineLimit + 1 {
                if !isSkipping { isSkippingChunk = isChunk }
                isSkipping = true
                discard(count)
            }
            return nil
        }
        defer { discard(lineEnd + 1 - start) }
        guard !isSkipping else {
            isSkipping = false
            return isSkippingChunk ? .badChunk : .tooLong
        }
        guard lineEnd > start, bytes[lineEnd - 1] == 0x0D else {
            return isChunk ? .badChunk : .bareLF
        }
        guard lineEnd - 1 - start <= lineLimit else { return isChunk ? .badChunk : .tooLong }
        return .line(Array(bytes[start..<(lineEnd - 1)]))
    }

    /// Lends the unused bytes; `body` returns how many of them it took.
    public mutating func take(_ body: (UnsafeRawBufferPointer) -> Int) {
        let taken = bytes.withUnsafeBytes { all in
            body(UnsafeRawBufferPointer(rebasing: all[start..<end]))
        }
        discard(min(max(0, taken), count))
    }

    /// Forgets everything unused. What came before STARTTLS must not be believed after it.
    public mutating func removeAll() {
        discard(count)
        isSkipping = false
    }

    /// True when the next line begins with BDAT.
    private var isChunk: Bool {
        bytes[start..<end].prefix(5).equalsIgnoringASCIICase("BDAT ".utf8)
    }

    private mutating func discard(_ amount: Int) {
        start += amount
        if start == end { (start, end) = (0, 0) }
        searched = start
    }

    private mutating func makeRoom() {
        guard start > 0, bytes.count - end < bytes.count / 2 else { return }
        let kept = end - start
        bytes.withUnsafeMutableBytes { all in
            all.copyMemory(from: UnsafeRawBufferPointer(rebasing: all[start..<end]))
        }
        searched -= start
        (start, end) = (0, kept)
    }
}
