// ConstantDatabaseWriter: writes a cdb file.
// https://cr.yp.to/cdb/cdb.txt
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// Writes a cdb that takes its place at once and whole, or not at all.
///
/// Records are written as they come; 8 bytes a record stay in memory, and 24 while the tables are
/// made. Until `commit` the file has a name of its own beside the one that it will get.
public struct ConstantDatabaseWriter: ~Copyable {
    /// Where a record is, and the hash of its key.
    private struct Entry {
        var hash: UInt32 = 0
        var position: UInt32 = 0
    }

    /// Why the file cannot be made.
    public enum Failure: Error {
        /// The system says no.
        case system(SystemError)
        /// Two records have this key.
        case duplicate(key: [UInt8])
        /// A cdb has at most 4 GiB.
        case tooLarge
    }

    private static let pieceSize = 1 << 18
    private static let largest = Int(UInt32.max)

    private let path: String
    private let temporary: TemporaryFile
    private var piece: [UInt8] = []
    /// Where the next byte goes.
    private var position = ConstantDatabase.headerSize
    private var entries: [Entry] = []

    /// Begins a file beside the one that it will replace, which gets the permissions of `mode`.
    /// - Throws: `SystemError` when none can be made there.
    public init(replacing path: String, mode: UInt32) throws(SystemError) {
        self.path = path
        temporary = try TemporaryFile("\(path).\(getpid()).tmp", mode: mode)
        piece.reserveCapacity(ConstantDatabaseWriter.pieceSize + 4096)
        piece.append(contentsOf: repeatElement(0, count: ConstantDatabase.headerSize))
    }

    /// Adds a record.
    public mutating func add(
        _ key: some Collection<UInt8>, _ data: some Collection<UInt8>
    ) throws(Failure) {
        guard 8 + key.count + data.count <= ConstantDatabaseWriter.largest - position else {
            throw .tooLarge
        }
        entries.append(
            Entry(hash: ConstantDatabase.hash(key), position: UInt32(truncatingIfNeeded: position)))
        append(UInt32(key.count), UInt32(data.count))
        piece.append(contentsOf: key)
        piece.append(contentsOf: data)
        position += 8 + key.count + data.count
        if piece.count >= ConstantDatabaseWriter.pieceSize { try flush() }
    }

    /// Writes tables and header, syncs, and gives the file its name.
    /// - Parameter modified: what the file shall say of when it was changed; nil for now.
    /// - Throws: `Failure.duplicate` when two records have the same key: then nothing is replaced.
    public consuming func commit(modified: timespec? = nil) throws(Failure) {
        guard position <= ConstantDatabaseWriter.largest - entries.count * 16 else {
            throw .tooLarge
        }
        try flush()
        let header = try writeTables()
        try flush()
        let file = temporary.descriptor.borrowed
        do throws(SystemError) {
            let name = temporary.path
            _ = try retrying("lseek", name) { lseek(file.rawValue, 0, SEEK_SET) }
            try file.writeAll(header, name)
            if let modified {
                let times = [modified, modified]
                _ = try retrying("futimens", name) { futimens(file.rawValue, times) }
            }
            try file.sync(name)
            try temporary.replace(path)
        } catch {
            throw .system(error)
        }
    }

    /// Writes the tables in order; gives the header that points to them.
    private mutating func writeTables() throws(Failure) -> [UInt8] {
        var counts = [Int](repeating: 0, count: 256)
        for entry in entries { counts[Int(entry.hash & 255)] += 1 }
        var ends: [Int] = []
        for count in counts { ends.append((ends.last ?? 0) + count) }
        // Sorted by table, in the order of the file within each: the first of equal keys counts.
        var sorted = [Entry](repeating: Entry(), count: entries.count)
        var free = zip(ends, counts).map { $0 - $1 }
        for entry in entries {
            let table = Int(entry.hash & 255)
            sorted[free[table]] = entry
            free[table] += 1
        }
        entries = []
        var header: [UInt8] = []
        for (end, count) in zip(ends, counts) {
            header += ConstantDatabaseWriter.bytes(UInt32(position), UInt32(count * 2))
            try writeTable(sorted[(end - count)..<end])
        }
        return header
    }

    private mutating func writeTable(_ entries: ArraySlice<Entry>) throws(Failure) {
        let slots = entries.count * 2
        var table = [Entry](repeating: Entry(), count: slots)
        for entry in entries {
            var slot = Int(entry.hash >> 8) % slots
            while table[slot].position != 0 {
                if table[slot].hash == entry.hash {
                    try refuseDuplicate(table[slot].position, entry.position)
                }
                slot = (slot + 1) % slots
            }
            table[slot] = entry
        }
        for entry in table { append(entry.hash, entry.position) }
        position += slots * 8
        if piece.count >= ConstantDatabaseWriter.pieceSize { try flush() }
    }

    /// Reads two keys of one hash again; that they are different ones is rare.
    private func refuseDuplicate(_ one: UInt32, _ other: UInt32) throws(Failure) {
        let key = try key(at: one)
        guard try key != self.key(at: other) else { throw .duplicate(key: key) }
    }

    private func key(at position: UInt32) throws(Failure) -> [UInt8] {
        do throws(SystemError) {
            let file = temporary.descriptor.borrowed
            let lengths = try file.bytes(at: Int(position), count: 8, temporary.path)
            guard lengths.count == 8 else { return [] }
            let length = ConstantDatabase.pair(lengths, at: 0).0
            return try file.bytes(at: Int(position) + 8, count: length, temporary.path)
        } catch {
            throw .system(error)
        }
    }

    private mutating func append(_ one: UInt32, _ other: UInt32) {
        piece.append(contentsOf: ConstantDatabaseWriter.bytes(one, other))
    }

    private static func bytes(_ one: UInt32, _ other: UInt32) -> [UInt8] {
        [one, other].flatMap { number in
            (0..<4).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
        }
    }

    private mutating func flush() throws(Failure) {
        do throws(SystemError) {
            try temporary.descriptor.borrowed.writeAll(piece, temporary.path)
        } catch {
            throw .system(error)
        }
        piece.removeAll(keepingCapacity: true)
    }
}

/// A file that is removed again unless it replaces another one.
private final class TemporaryFile {
    let path: String
    let descriptor: OwnedDescriptor
    private var isReplacing = false

    init(_ path: String, mode: UInt32) throws(SystemError) {
        self.path = path
        // One that a killed process with our number left.
        do throws(SystemError) { try Files.unlink(path) } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw error }
        }
        descriptor = try Files.open(path, O_RDWR | O_CREAT | O_EXCL, mode: 0o600)
        _ = try retrying("fchmod", path) { fchmod(descriptor.number, mode) }
    }

    deinit { if !isReplacing { unlink(path) } }

    func replace(_ other: String) throws(SystemError) {
        try Files.rename(path, to: other)
        isReplacing = true
        let folder = other.split(separator: "/", omittingEmptySubsequences: false).dropLast()
            .joined(separator: "/")
        let name = folder.isEmpty ? (other.hasPrefix("/") ? "/" : ".") : folder
        let open = try Files.openFolder(name)
        try open.borrowed.sync(name)
    }
}
