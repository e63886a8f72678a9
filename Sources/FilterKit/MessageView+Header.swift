// MessageView+Header: the header of a message and its fields.
// RFC 5322, sections 2.2 and 4.5.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// The header of a message with the pending edits made.
public struct Header: Sendable {
    /// The header up to the empty line, which is not part of it. Without an empty line the whole
    /// message is header.
    public let bytes: [UInt8]
    /// False when the header is longer than the limit it was read with: then the rest of it was
    /// not looked at, which is "not known".
    public let isWhole: Bool

    /// The fields from top to bottom.
    public var fields: Fields { Fields(bytes) }

    /// The values of all fields of a name, from top to bottom, unfolded and trimmed.
    public func values(_ name: String) -> [[UInt8]] {
        fields.lazy.filter { $0.isNamed(name) }.map { Array($0.value.trimmed) }
    }

    /// One field with its folds.
    public struct Field: Sendable {
        /// The field without its final line end.
        public let line: ArraySlice<UInt8>
        /// The name without blanks around it; empty for a line that is no field, such as the
        /// `From ` line of an mbox.
        public let name: ArraySlice<UInt8>
        /// What follows the colon, unfolded.
        public var value: [UInt8] {
            guard !name.isEmpty, let colon = line.firstIndex(of: 0x3A) else { return unfolded }
            return Field.unfold(line[(colon + 1)...])
        }
        /// The field as one line: the line ends of its folds are gone, the blanks stay.
        public var unfolded: [UInt8] { Field.unfold(line) }

        /// Compares the name without regard to ASCII case.
        public func isNamed(_ other: String) -> Bool { name.equalsIgnoringASCIICase(other.utf8) }

        /// Compares the name without regard to ASCII case.
        public func isNamed(_ other: [UInt8]) -> Bool { name.equalsIgnoringASCIICase(other) }

        init(_ line: ArraySlice<UInt8>) {
            self.line = line
            let colon = line.firstIndex(of: 0x3A)
            let candidate = line[..<(colon ?? line.startIndex)].trimmed
            name = HeaderField.isName(candidate) ? candidate : []
        }

        private static func unfold(_ line: ArraySlice<UInt8>) -> [UInt8] {
            guard line.contains(0x0A) else { return Array(line) }
            var result: [UInt8] = []
            result.reserveCapacity(line.count)
            for byte in line {
                if byte != 0x0A {
                    result.append(byte)
                } else if result.last == 0x0D {
                    result.removeLast()
                }
            }
            return result
        }
    }

    /// Walks over the fields of a header.
    public struct Fields: Sequence, IteratorProtocol {
        private var rest: ArraySlice<UInt8>

        init(_ bytes: [UInt8]) { rest = bytes[...] }

        /// The next field, with the lines that continue it.
        public mutating func next() -> Field? {
            guard !rest.isEmpty else { return nil }
            var end = rest.startIndex
            repeat {
                end = Fields.lineEnd(in: rest, from: end)
            } while end < rest.endIndex && rest[end].isBlank
            var line = rest[..<end]
            rest = rest[end...]
            if line.last == 0x0A { line.removeLast() }
            if line.last == 0x0D { line.removeLast() }
            return Field(line)
        }

        /// Where the line after the one that holds this index begins.
        private static func lineEnd(in bytes: ArraySlice<UInt8>, from start: Int) -> Int {
            bytes.withUnsafeBytes { buffer in
                let offset = start - bytes.startIndex
                guard let base = buffer.baseAddress,
                    let found = memchr(base + offset, 0x0A, buffer.count - offset)
                else { return bytes.endIndex }
                return bytes.startIndex + (UnsafeRawPointer(found) - base) + 1
            }
        }
    }
}

extension MessageView {
    /// The header. Only as much of the message is read as the header is long, and no more than
    /// `limit` bytes.
    public func header(limit: Int = MessageView.headerLimit) throws(FilterError) -> Header {
        var filter = HeaderFieldFilter(removing: overlay.removedNames)
        var bytes = overlay.top
        var position = 0
        // The first piece is small: most headers fit, and start-up counts.
        var count = 4096
        while !filter.isDone, position < min(limit, baseLength) {
            let piece = try basePiece(at: position, count: min(count, limit - position))
            position += piece.withUnsafeBytes { filter.take($0, into: &bytes) }
            count = MessageView.chunkSize
        }
        let isWhole = filter.isDone || position >= baseLength
        filter.finish(into: &bytes)
        // The empty line is the end of the header and no part of it.
        if filter.isDone {
            bytes.removeLast()
            if bytes.last == 0x0D { bytes.removeLast() }
        }
        return Header(bytes: bytes, isWhole: isWhole)
    }

    /// At most so many bytes of the base from a position within it.
    private func basePiece(at position: Int, count: Int) throws(FilterError) -> [UInt8] {
        let count = min(count, baseLength - position)
        switch base {
        case .memory(let bytes): return Array(bytes[position..<(position + count)])
        case .file(let file, let offset, _):
            guard let start = offset.checkedSum(position) else { throw MessageView.cutShort }
            return try MessageView.read(file, at: start, count: count)
        }
    }
}
