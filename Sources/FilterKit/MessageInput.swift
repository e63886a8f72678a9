// MessageInput: the message on a descriptor of ours, wherever its bytes are best left.
// read(2), pread(2), memfd_create(2).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SystemPackage
import UnixIO

/// A message that is there, whole. A regular file stays where it is and is read with pread(2);
/// anything else is read to its end, into memory up to `memoryLimit`, beyond that into a
/// nameless file.
struct MessageInput: ~Copyable {
    /// What is held in memory at most: 1 MiB. Programs of a mail server run with little.
    static let memoryLimit = 1 << 20

    let base: MessageView.Base
    /// The file that holds what was too much for memory.
    private let spilled: OwnedDescriptor?

    /// Reads or measures what is on a descriptor, from its present offset on; a regular file from
    /// its beginning where the convention says so.
    /// - Throws: `FilterError` with exit 54 when it cannot be read.
    init(_ source: Descriptor, fromBeginning: Bool = false) throws(FilterError) {
        do throws(SystemError) {
            let extent = try MessageInput.extent(of: source, fromBeginning: fromBeginning)
            if let (offset, length) = extent {
                base = .file(source, offset: offset, length: length)
                spilled = nil
                return
            }
            var bytes: [UInt8] = []
            let isMore = try MessageInput.fill(&bytes, from: source)
            guard isMore else {
                base = .memory(bytes)
                spilled = nil
                return
            }
            let file = try TemporaryFile.make()
            let length = try MessageInput.spill(bytes, and: source, into: file.borrowed)
            base = .file(file.borrowed, offset: 0, length: length)
            spilled = consume file
        } catch {
            throw FilterError(error, otherwise: error.call == "write" ? .cannotWrite : .cannotRead)
        }
    }

    var isEmpty: Bool { MessageView(base).baseLength == 0 }

    /// Offset and length of what is left of a regular file, or of all of it; nil for anything else.
    static func extent(
        of source: Descriptor, fromBeginning: Bool = false
    ) throws(SystemError) -> (offset: Int, length: Int)? {
        let status = try source.status("message")
        guard status.st_mode & S_IFMT == S_IFREG else { return nil }
        guard fcntl(source.rawValue, F_GETFL) & O_ACCMODE != O_WRONLY else {
            throw SystemError("read", "message", .badFileDescriptor)
        }
        let offset =
            fromBeginning
            ? 0 : try retrying("lseek", "message") { lseek(source.rawValue, 0, SEEK_CUR) }
        return (offset, max(0, status.st_size - offset))
    }

    /// Reads until the end or the limit.
    /// - Returns: true when there is more.
    private static func fill(
        _ bytes: inout [UInt8], from source: Descriptor
    ) throws(SystemError) -> Bool {
        var room = 16_384
        while bytes.count <= memoryLimit {
            let piece = try read(room, from: source)
            if piece.isEmpty { return false }
            bytes = bytes.isEmpty ? piece : bytes + piece
            room = min(bytes.count, 262_144)
        }
        return true
    }

    private static func spill(
        _ bytes: [UInt8], and source: Descriptor, into file: Descriptor
    ) throws(SystemError) -> Int {
        try file.writeAll(bytes, "temporary file")
        var length = bytes.count
        while true {
            let piece = try read(262_144, from: source)
            if piece.isEmpty { return length }
            try file.writeAll(piece, "temporary file")
            length += piece.count
        }
    }

    private static func read(_ count: Int, from source: Descriptor) throws(SystemError) -> [UInt8] {
        var failure: SystemError?
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            do throws(SystemError) {
                filled = try source.readSome(into: UnsafeMutableRawBufferPointer(buffer), "message")
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }
}

/// Files without a name.
enum TemporaryFile {
    /// A nameless file in `TMPDIR`, else in /tmp, else in memory where neither folder's file
    /// system can hold one.
    static func make() throws(SystemError) -> OwnedDescriptor {
        let folder = Environment.text("TMPDIR") ?? "/tmp"
        do {
            return try Files.nameless(in: folder)
        } catch {
            return try Files.inMemory("message")
        }
    }
}
