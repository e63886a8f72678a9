// StoredRange: a part of a file that holds a message.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

/// So many bytes of a file, read where they are wanted.
struct StoredRange {
    private static let pieceSize = 65_536
    /// More header than any MTA takes.
    private static let headerLimit = 16 << 20

    let file: Descriptor
    let start: Int
    let end: Int

    var length: Int { max(0, end - start) }

    /// Bytes from an offset within the range on.
    /// - Throws: `SystemError`, `EIO` when the file is shorter.
    func bytes(_ offset: Int, _ count: Int) throws(SystemError) -> [UInt8] {
        let count = max(0, min(count, length - offset))
        let bytes = try file.bytes(at: start + offset, count: count, "message")
        guard bytes.count == count else { throw SystemError("pread", "message", .ioError) }
        return bytes
    }

    /// The bytes up to an empty line, or more; all where there is none.
    /// - Throws: `SystemError`, `EFBIG` when there is none in 16 MiB.
    func header() throws(SystemError) -> [UInt8] {
        var header: [UInt8] = []
        var searched = 0
        while header.count < length {
            header += try bytes(header.count, Self.pieceSize)
            if header.first == 0x0A { return header }
            for index in max(1, searched)..<max(1, header.count)
            where header[index] == 0x0A && header[index - 1] == 0x0A { return header }
            searched = header.count
            guard header.count <= Self.headerLimit else {
                throw SystemError("read", "header", .fileTooLarge)
            }
        }
        return header
    }

    /// True when another range holds the same bytes.
    func equals(_ other: StoredRange) throws(SystemError) -> Bool {
        guard length == other.length else { return false }
        var offset = 0
        while offset < length {
            let piece = try bytes(offset, Self.pieceSize)
            guard try piece == other.bytes(offset, Self.pieceSize) else { return false }
            offset += piece.count
        }
        return true
    }

    /// Calls with all of the range, in pieces with CRLF line ends; once, with nothing, for none.
    func withWirePieces(_ body: ([UInt8]) throws -> Void) throws {
        var offset = 0
        repeat {
            let piece = try bytes(offset, Self.pieceSize / 2)
            var wire: [UInt8] = []
            wire.reserveCapacity(piece.count + piece.count / 16 + 2)
            for byte in piece {
                if byte == 0x0A { wire.append(0x0D) }
                wire.append(byte)
            }
            // A body ends with a line end on this wire.
            offset += piece.count
            if offset == length, let last = wire.last, last != 0x0A { wire += [0x0D, 0x0A] }
            try body(wire)
        } while offset < length
    }
}
