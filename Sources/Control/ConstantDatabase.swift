// ConstantDatabase: reads a cdb file with pread.
// cdb(5); https://cr.yp.to/cdb/cdb.txt
// SPDX-License-Identifier: MIT

import Glibc
import UnixIO

/// A cdb file that is open. Nothing of it is kept in memory or mapped, and nothing that it says
/// is believed: every position and length is held against the size of the file.
public final class ConstantDatabase: Sendable {
    /// 256 pairs of position and slot count.
    private static let headerSize = 2048

    private let file: OwnedDescriptor
    private let path: String
    private let size: Int

    /// Opens a file.
    /// - Throws: `ControlError`: it cannot be read, or is shorter than a cdb's header.
    public init(_ path: String) throws(ControlError) {
        do throws(SystemError) {
            file = try Files.open(path, O_RDONLY)
            size = Int(clamping: try file.borrowed.status(path).st_size)
        } catch {
            throw .unreadable(error)
        }
        self.path = path
        guard size >= ConstantDatabase.headerSize else {
            throw .invalid(file: path, line: nil, reason: "not a cdb file: the header is missing")
        }
    }

    /// Opens a file; nil when it is missing.
    public static func ifPresent(_ path: String) throws(ControlError) -> ConstantDatabase? {
        do {
            return try ConstantDatabase(path)
        } catch .unreadable(let error) where error.errno == .noSuchFileOrDirectory {
            return nil
        }
    }

    /// The data of the first record with this key; nil when there is none.
    /// - Throws: `ControlError`: the file cannot be read or contradicts itself.
    public func value(for key: some Collection<UInt8>) throws(ControlError) -> [UInt8]? {
        let key = Array(key)
        let hash = ConstantDatabase.hash(key)
        let (table, slots) = try pair(at: Int(hash & 255) * 8)
        guard slots > 0 else { return nil }
        guard slots <= size / 8, table <= size - slots * 8 else { throw damaged }
        let start = Int(hash >> 8) % slots
        for step in 0..<slots {
            let (slotHash, position) = try pair(at: table + (start + step) % slots * 8)
            guard position != 0 else { return nil }
            guard slotHash == Int(hash) else { continue }
            if let value = try record(at: position, with: key) { return value }
        }
        return nil
    }

    /// The record's data; nil when its key is another one of the same hash.
    private func record(at position: Int, with key: [UInt8]) throws(ControlError) -> [UInt8]? {
        let (keyLength, dataLength) = try pair(at: position)
        let keyStart = position + 8
        guard keyLength <= size - keyStart, dataLength <= size - keyStart - keyLength else {
            throw damaged
        }
        guard keyLength == key.count, try bytes(at: keyStart, count: keyLength) == key else {
            return nil
        }
        return try bytes(at: keyStart + keyLength, count: dataLength)
    }

    /// Two numbers of 32 bits, the least significant byte first.
    private func pair(at position: Int) throws(ControlError) -> (Int, Int) {
        let bytes = try bytes(at: position, count: 8)
        func number(_ from: Int) -> Int {
            (0..<4).reduce(0) { $0 | Int(bytes[from + $1]) << ($1 * 8) }
        }
        return (number(0), number(4))
    }

    private func bytes(at position: Int, count: Int) throws(ControlError) -> [UInt8] {
        guard position <= size - count else { throw damaged }
        do {
            let bytes = try file.borrowed.bytes(at: position, count: count, path)
            guard bytes.count == count else { throw damaged }
            return bytes
        } catch let error as SystemError {
            throw .unreadable(error)
        } catch {
            throw damaged
        }
    }

    private var damaged: ControlError {
        .invalid(file: path, line: nil, reason: "not a cdb file: a position is outside of it")
    }

    private static func hash(_ key: [UInt8]) -> UInt32 {
        key.reduce(5381) { ($0 &* 33) ^ UInt32($1) }
    }
}
