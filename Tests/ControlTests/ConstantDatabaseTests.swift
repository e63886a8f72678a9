import Control
import TestSupport
import Testing

/// Writes a cdb: the format of https://cr.yp.to/cdb/cdb.txt.
func constantDatabase(_ records: [(String, String)]) -> [UInt8] {
    func number(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }
    var body: [UInt8] = []
    var tables = [[(UInt32, Int)]](repeating: [], count: 256)
    for (key, data) in records {
        let hash = key.utf8.reduce(UInt32(5381)) { ($0 &* 33) ^ UInt32($1) }
        tables[Int(hash & 255)].append((hash, 2048 + body.count))
        body += number(key.utf8.count) + number(data.utf8.count) + key.utf8 + data.utf8
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

@Suite struct ConstantDatabaseTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    @Test func `every record is found and nothing else`() throws {
        let records = (0..<500).map { ("key\($0)", "value \($0)") }
        let path = try folder.write("some.cdb", constantDatabase(records))
        let database = try ConstantDatabase(path)
        for (key, value) in records {
            #expect(try database.value(for: key.utf8) == Array(value.utf8))
        }
        #expect(try database.value(for: "key500".utf8) == nil)
        #expect(try database.value(for: "".utf8) == nil)
    }

    @Test func `of two records with one key the first counts`() throws {
        let path = try folder.write("some.cdb", constantDatabase([("a", "1"), ("a", "2")]))
        #expect(try ConstantDatabase(path).value(for: "a".utf8) == Array("1".utf8))
    }

    @Test func `a missing file is nil where that is asked for`() throws {
        #expect(try ConstantDatabase.ifPresent(folder.file("none.cdb")) == nil)
        #expect(throws: ControlError.self) { try ConstantDatabase(folder.file("none.cdb")) }
    }

    @Test func `random damage gives an answer or an error, never a trap`() throws {
        let whole = constantDatabase((0..<40).map { ("key\($0)", "value \($0)") })
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<300 {
            var bytes = whole
            for _ in 0..<20 {
                bytes[Int.random(in: bytes.indices, using: &generator)] = .random(in: 0...255)
            }
            if Bool.random() { bytes.removeLast(Int.random(in: 0..<(bytes.count - 2048))) }
            let database = try ConstantDatabase(try folder.write("bad.cdb", bytes))
            for key in 0..<40 { _ = try? database.value(for: "key\(key)".utf8) }
        }
    }

    @Test func `positions beyond the end are an error`() throws {
        let all = [UInt8](repeating: 0xFF, count: 2048)
        let database = try ConstantDatabase(try folder.write("bad.cdb", all))
        #expect(throws: ControlError.self) { try database.value(for: "a".utf8) }
    }
}
