import Control
import Glibc
import TestSupport
import Testing

@Suite struct ConstantDatabaseWriterTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func write(_ records: [(String, String)], mode: UInt32 = 0o640) throws {
        var writer = try ConstantDatabaseWriter(replacing: folder.file("some.cdb"), mode: mode)
        for (key, data) in records { try writer.add(key.utf8, data.utf8) }
        try writer.commit()
    }

    @Test(arguments: [0, 1, 2, 700])
    func `a file is the one that the format says, byte for byte`(count: Int) throws {
        let records = (0..<count).map { ("key\($0)", String(repeating: "v", count: $0)) }
        try write(records)
        #expect(try folder.read("some.cdb") == constantDatabase(records))
    }

    @Test func `until it is committed the old file stays, and nothing else is left`() throws {
        try write([("old", "1")])
        do {
            var writer = try ConstantDatabaseWriter(replacing: folder.file("some.cdb"), mode: 0o600)
            try writer.add("new".utf8, "2".utf8)
        }
        #expect(folder.names() == ["some.cdb"])
        let database = try ConstantDatabase(folder.file("some.cdb"))
        #expect(try database.value(for: "old".utf8) != nil)
    }

    @Test func `a reader keeps the file that it has open`() throws {
        try write([("old", "1")])
        let database = try ConstantDatabase(folder.file("some.cdb"))
        try write([("new", "2")])
        #expect(try database.value(for: "old".utf8) == Array("1".utf8))
        #expect(try ConstantDatabase(folder.file("some.cdb")).value(for: "new".utf8) != nil)
    }

    @Test func `two records of one key are refused`() throws {
        try write([("old", "1")])
        let error = #expect(throws: ConstantDatabaseWriter.Failure.self) {
            try write([("a", "1"), ("b", "2"), ("a", "3")])
        }
        guard case .duplicate(let key)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(key == Array("a".utf8))
        #expect(folder.names() == ["some.cdb"])
    }

    @Test func `it has the permissions and the time that were asked for`() throws {
        var writer = try ConstantDatabaseWriter(replacing: folder.file("some.cdb"), mode: 0o604)
        try writer.add("a".utf8, "1".utf8)
        try writer.commit(modified: timespec(tv_sec: 1_000_000_000, tv_nsec: 5))
        let status = try ConstantDatabase(folder.file("some.cdb")).status()
        #expect(status.st_mode & 0o777 == 0o604)
        #expect(status.st_mtim.tv_sec == 1_000_000_000 && status.st_mtim.tv_nsec == 5)
    }
}
