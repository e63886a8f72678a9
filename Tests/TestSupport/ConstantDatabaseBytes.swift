// ConstantDatabaseBytes: a cdb, written by the tests themselves.
// https://cr.yp.to/cdb/cdb.txt
// SPDX-License-Identifier: MIT

/// The bytes of a cdb with these records, in the format of https://cr.yp.to/cdb/cdb.txt.
public func constantDatabase(of records: [(key: [UInt8], data: [UInt8])]) -> [UInt8] {
    func number(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
    var body: [UInt8] = []
    var tables = [[(UInt32, Int)]](repeating: [], count: 256)
    for (key, data) in records {
        let hash = key.reduce(UInt32(5381)) { ($0 &* 33) ^ UInt32($1) }
        tables[Int(hash & 255)].append((hash, 2048 + body.count))
        body += number(key.count) + number(data.count) + key + data
    }
    var header: [UInt8] = []
    for table in tables {
        let slots = table.count * 2
        header += number(2048 + body.count) + number(slots)
        var filled = [(UInt32, Int)](repeating: (0, 0), count: slots)
        for entry in table {
            var slot = Int(entry.0 >> 8) % slots
            while filled[slot].1 != 0 { slot = (slot + 1) % slots }
            filled[slot] = entry
        }
        for entry in filled { body += number(Int(entry.0)) + number(entry.1) }
    }
    return header + body
}

/// The bytes of a cdb with records that are text.
public func constantDatabase(_ records: [(String, String)]) -> [UInt8] {
    constantDatabase(of: records.map { (Array($0.0.utf8), Array($0.1.utf8)) })
}

/// The bytes of a cdb whose records are lines `KEY->DATA`. What is before the first `->` is the key.
public func constantDatabase(lines: [UInt8]) -> [UInt8] {
    constantDatabase(
        of: lines.split(separator: 0x0A).map { line in
            let end =
                line.indices.first { line[$0...].starts(with: [0x2D, 0x3E]) } ?? line.endIndex
            return (Array(line[..<end]), Array(line[end...].dropFirst(2)))
        })
}
