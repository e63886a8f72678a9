import Control
import Glibc
import TestSupport
import Testing

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

    @Test func `a FIFO in its place does not hold us up`() throws {
        try #require(mkfifo(folder.file("fifo.cdb"), 0o600) == 0)
        #expect(throws: ControlError.self) { try ConstantDatabase(folder.file("fifo.cdb")) }
    }

    /// A cdb has no checksum, but its parts must agree with each other: what is in it is found, or
    /// nothing is known.
    @Test func `after a thousand mutations no key that is there is said to be missing`() throws {
        let records = (0..<40).map { ("key\($0)", "value \($0)") }
        let whole = constantDatabase(records)
        var generator = SystemRandomNumberGenerator()
        for round in 0..<1000 {
            var bytes = whole
            for _ in 0...(round % 20) {
                // Most of them where it hurts: a file is mostly header.
                let first = round % 2 == 0 ? 2048 : 0
                let index = Int.random(in: first..<bytes.count, using: &generator)
                bytes[index] = UInt8.random(in: 0...255, using: &generator)
            }
            if round % 10 == 9 { bytes.removeLast(Int.random(in: 1..<bytes.count)) }
            let path = try folder.write("bad.cdb", bytes)
            guard let database = try? ConstantDatabase(path) else { continue }
            for (key, _) in records[(round % 30)..<(round % 30 + 3)] {
                do { #expect(try database.value(for: key.utf8) != nil) } catch {}
            }
            do {
                #expect(try database.value(for: "key99".utf8) == nil)
                try database.forEachKey { _ in }
            } catch {}
        }
    }

    @Test func `positions beyond the end are an error, and so is what is cut short`() throws {
        let all = [UInt8](repeating: 0xFF, count: 2048)
        for bytes in [all, Array(all.dropLast()), [], constantDatabase([("a", "1")]).dropLast(1)] {
            let path = try folder.write("bad.cdb", bytes)
            #expect(throws: ControlError.self) { try ConstantDatabase(path) }
        }
    }

    @Test func `a table without an empty slot does not hold us up`() throws {
        // Every slot of the one table points to the one record.
        var bytes = constantDatabase([("a", "1")])
        bytes.replaceSubrange((bytes.count - 16)..., with: bytes[(bytes.count - 8)...])
        bytes += bytes[(bytes.count - 8)...]
        let database = try ConstantDatabase(try folder.write("bad.cdb", bytes))
        #expect(throws: ControlError.self) {
            // Another key of the same hash table.
            try database.value(for: try key(besides: "a"))
        }
    }

    private func key(besides other: String) throws -> [UInt8] {
        func hash(_ key: some Sequence<UInt8>) -> UInt32 {
            key.reduce(5381) { ($0 &* 33) ^ UInt32($1) }
        }
        let keys = (0..<100_000).map { Array("\($0)".utf8) }
        return try #require(keys.first { hash($0) & 255 == hash(other.utf8) & 255 })
    }

    @Test func `every key is listed in the order of the file`() throws {
        let long = String(repeating: "k", count: 100_000)
        let keys = (0..<3000).map { "key\($0)" } + [long, "", "last"]
        let path = try folder.write("some.cdb", constantDatabase(keys.map { ($0, "value") }))
        var found: [String] = []
        try ConstantDatabase(path).forEachKey { found.append(String(decoding: $0, as: UTF8.self)) }
        #expect(found == keys)
    }

    @Test func `an empty cdb has no keys`() throws {
        let database = try ConstantDatabase(try folder.write("some.cdb", constantDatabase([])))
        #expect(try database.value(for: "a".utf8) == nil)
    }
}
