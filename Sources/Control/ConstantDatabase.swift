// ConstantDatabase: reads a cdb file with pread.
// cdb(5); https://cr.yp.to/cdb/cdb.txt
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// A cdb file that is open. Nothing of it is kept in memory or mapped but its header, and nothing
/// that it says is believed: every position and length is held against the size of the file.
///
/// A cdb has no checksum. That a key is not there is only said when what was looked at is as every
/// writer leaves it: tables one after the other up to the end of the file, slots whose hashes are
/// those of the keys they point to. Where it is not, the file is damaged, and nothing is known.
public final class ConstantDatabase: Sendable {
    /// 256 pairs of position and slot count.
    static let headerSize = 2048
    /// The most slots that are looked at for one key; a sound file has a handful.
    static let maximumProbes = 4096
    /// The longest key or value that is read, in bytes.
    public static let maximumLength = 1 << 20

    private let file: OwnedDescriptor
    let path: String
    let size: Int
    private let tables: [(position: Int, slots: Int)]

    /// Opens a file.
    /// - Throws: `ControlError`: it cannot be read, or its header is not one of a cdb of its size.
    public init(_ path: String) throws(ControlError) {
        let header: [UInt8]
        do throws(SystemError) {
            // A FIFO must not make us wait: such files may be in folders of users.
            file = try Files.open(path, O_RDONLY | O_NONBLOCK)
            size = Int(clamping: try file.borrowed.status(path).st_size)
            header = try file.borrowed.bytes(
                at: 0, count: ConstantDatabase.headerSize, path)
        } catch {
            throw .unreadable(error)
        }
        self.path = path
        guard header.count == ConstantDatabase.headerSize else {
            throw .invalid(file: path, line: nil, reason: "not a cdb file: the header is missing")
        }
        tables = (0..<256).map { ConstantDatabase.pair(header, at: $0 * 8) }
        guard ConstantDatabase.areSound(tables, size: size) else { throw damaged }
    }

    /// Opens a file; nil when it is missing.
    public static func ifPresent(_ path: String) throws(ControlError) -> ConstantDatabase? {
        do {
            return try ConstantDatabase(path)
        } catch .unreadable(let error) where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }

    /// What the open file is: when it was changed, who owns it.
    public func status() throws(ControlError) -> Glibc.stat {
        do throws(SystemError) { return try file.borrowed.status(path) } catch {
            throw .unreadable(error)
        }
    }

    /// The data of the first record with this key; nil when there is none.
    /// - Throws: `ControlError`: the file cannot be read or contradicts itself.
    public func value(for key: some Collection<UInt8>) throws(ControlError) -> [UInt8]? {
        let key = Array(key)
        let hash = ConstantDatabase.hash(key)
        let (table, slots) = tables[Int(hash & 255)]
        guard slots > 0 else { return nil }
        let start = Int(hash >> 8) % slots
        var group: [UInt8] = []
        var first = 0
        for step in 0..<min(slots, ConstantDatabase.maximumProbes) {
            let slot = (start + step) % slots
            if step == 0 || slot == 0 || slot - first >= group.count / 8 {
                first = slot
                group = try bytes(at: table + slot * 8, count: min(8, slots - slot) * 8)
            }
            let (slotHash, position) = ConstantDatabase.pair(group, at: (slot - first) * 8)
            guard position != 0 else {
                guard slotHash == 0 else { throw damaged }
                return nil
            }
            let record = try self.record(at: position)
            if slotHash == Int(hash), record.key == key { return try data(of: record) }
            guard Int(ConstantDatabase.hash(record.key)) == slotHash, slotHash & 255 == hash & 255
            else { throw damaged }
        }
        // There is an empty slot in every table of a sound file.
        throw damaged
    }

    /// A record without its data.
    struct Record {
        let key: [UInt8]
        let dataStart: Int
        let dataLength: Int
        /// What was read behind the key in passing.
        let ahead: ArraySlice<UInt8>
    }

    /// The record at a position, which must be before the tables.
    func record(at position: Int) throws(ControlError) -> Record {
        let end = endOfRecords
        guard position >= ConstantDatabase.headerSize, position <= end - 8 else { throw damaged }
        let head = try bytes(at: position, count: min(192, end - position))
        let (keyLength, dataLength) = ConstantDatabase.pair(head, at: 0)
        let keyStart = position + 8
        guard keyLength <= end - keyStart, dataLength <= end - keyStart - keyLength,
            keyLength <= ConstantDatabase.maximumLength
        else { throw damaged }
        let isAllThere = 8 + keyLength <= head.count
        let key =
            isAllThere
            ? Array(head[8..<(8 + keyLength)]) : try bytes(at: keyStart, count: keyLength)
        return Record(
            key: key, dataStart: keyStart + keyLength, dataLength: dataLength,
            ahead: isAllThere ? head[(8 + keyLength)...] : [])
    }

    private func data(of record: Record) throws(ControlError) -> [UInt8] {
        guard record.dataLength <= ConstantDatabase.maximumLength else { throw damaged }
        if record.dataLength <= record.ahead.count {
            return Array(record.ahead.prefix(record.dataLength))
        }
        return try bytes(at: record.dataStart, count: record.dataLength)
    }

    /// Where the tables begin.
    var endOfRecords: Int { tables.first { $0.slots > 0 }?.position ?? size }

    func bytes(at position: Int, count: Int) throws(ControlError) -> [UInt8] {
        guard count >= 0, position >= 0, position <= size - count else { throw damaged }
        let bytes: [UInt8]
        do throws(SystemError) {
            bytes = try file.borrowed.bytes(at: position, count: count, path)
        } catch {
            throw .unreadable(error)
        }
        guard bytes.count == count else { throw damaged }
        return bytes
    }

    var damaged: ControlError {
        .invalid(file: path, line: nil, reason: "not a cdb file: a position is outside of it")
    }

    /// True when the tables follow each other from behind the records up to the end of the file, as
    /// every writer leaves them. Of an empty one some writers do not say where it would be.
    private static func areSound(_ tables: [(position: Int, slots: Int)], size: Int) -> Bool {
        var next: Int?
        for (position, slots) in tables {
            if slots == 0, position == 0 { continue }
            guard position == next ?? position, position >= headerSize, slots <= size / 8 else {
                return false
            }
            next = position + slots * 8
        }
        return next ?? size == size
    }

    /// Two numbers of 32 bits, the least significant byte first.
    static func pair(_ bytes: [UInt8], at index: Int) -> (Int, Int) {
        func number(_ from: Int) -> Int {
            var value = 0
            for place in 0..<4 { value |= Int(bytes[from + place]) << (place * 8) }
            return value
        }
        return (number(index), number(index + 4))
    }

    static func hash(_ key: some Collection<UInt8>) -> UInt32 {
        var hash: UInt32 = 5381
        for byte in key { hash = (hash &* 33) ^ UInt32(byte) }
        return hash
    }
}
