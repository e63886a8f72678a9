// LineFile: the lines of a file, piece by piece.
// pread(2).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// A file that is read line by line; in memory is one piece of it.
final class LineFile {
    private static let pieceSize = 1 << 18

    let status: stat
    private let path: String
    private let file: OwnedDescriptor
    private var piece: [UInt8] = []
    private var start = 0
    private var offset = 0
    private var number = 0

    /// Opens a file; a FIFO is not waited for.
    init(_ path: String) throws(ControlError) {
        self.path = path
        do throws(SystemError) {
            file = try Files.open(path, O_RDONLY | O_NONBLOCK)
            status = try file.borrowed.status(path)
        } catch { throw .unreadable(error) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw .invalid(file: path, line: nil, reason: "not a regular file")
        }
    }

    /// Opens a file; nil when it is missing.
    static func ifPresent(_ path: String) throws(ControlError) -> LineFile? {
        do {
            return try LineFile(path)
        } catch .unreadable(let error) where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }

    /// The next line without its end, and its number from 1; nil at the end of the file.
    func next() throws(ControlError) -> (number: Int, bytes: ArraySlice<UInt8>)? {
        while true {
            if let end = lineEnd {
                defer { start = end + 1 }
                number += 1
                return (number, piece[start..<end])
            }
            guard try readMore() else { break }
        }
        guard start < piece.count else { return nil }
        defer { start = piece.count }
        number += 1
        return (number, piece[start...])
    }

    private var lineEnd: Int? {
        piece.withUnsafeBytes { bytes in
            guard start < bytes.count, let base = bytes.baseAddress,
                let found = memchr(base + start, 0x0A, bytes.count - start)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    /// False at the end of the file.
    private func readMore() throws(ControlError) -> Bool {
        let rest = piece[start...]
        guard rest.count <= UserLine.longestLine else {
            throw .invalid(
                file: path, line: number + 1,
                reason: "the line has more than \(UserLine.longestLine) bytes")
        }
        let more: [UInt8]
        do throws(SystemError) {
            more = try file.borrowed.bytes(at: offset, count: LineFile.pieceSize, path)
        } catch { throw .unreadable(error) }
        offset += more.count
        piece = rest.isEmpty ? more : rest + more
        start = 0
        return !more.isEmpty
    }
}

extension ArraySlice<UInt8> {
    /// False for an empty line and a comment.
    var isUserLine: Bool {
        guard let first = first(where: { !$0.isBlank }) else { return false }
        return first != 0x23
    }
}
