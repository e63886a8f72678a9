// CounterProcessTests: tests Sources/Counters with several real processes.
// SPDX-License-Identifier: MIT

import Counters
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

/// A store that helper processes charge; their clock stands still.
private struct SharedStore {
    let folder: TestFolder
    static let time = 1_700_000_000_000_000_000

    init() throws { folder = try TestFolder() }

    var path: String { folder.file("store") }

    func tool(_ command: String, _ rate: String, _ count: Int) throws -> Tool {
        try Tool("counters-example", [command, path, "k", rate, "\(count)", "\(SharedStore.time)"])
    }

    /// How many of so many charges one process was granted; nil when it crashed.
    func charge(_ rate: String, _ count: Int) throws -> Int? {
        let result = try tool("charge", rate, count).run()
        guard case .exited = result.termination else { return nil }
        #expect(result.code == 0, "\(result.errors)")
        return Int(result.text.prefix { $0.isNumber })
    }

    /// Starts a process that has the store to itself, and kills it there.
    func killHolder() throws {
        let log = folder.file("holder")
        let file = try Files.open(log, O_WRONLY | O_CREAT)
        var command = Command(
            try Tool.path("counters-example"), ["hold", path, "k", "100/1h", "1"])
        command.descriptors = [1: file.number]
        let holder = try Child(command)
        let isHolding = try eventually { try folder.read("holder").count > 7 }
        #expect(isHolding)
        holder.signal(SIGKILL)
        #expect(try holder.wait() == .killed(SIGKILL))
    }
}

@Suite struct CounterProcessTests {
    @Test func `many processes together admit exactly the limit`() async throws {
        let store = try SharedStore()
        let granted = try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<8 { group.addTask { try store.charge("500/1h", 200) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(granted.count == 8)
        #expect(granted.reduce(0) { $0 + ($1 ?? 1000) } == 500)
    }

    @Test func `who is killed while it holds the store holds up nobody and loses nothing`() throws {
        let store = try SharedStore()
        #expect(try store.charge("100/1h", 30) == 30)
        for _ in 0..<3 { try store.killHolder() }
        #expect(try store.charge("100/1h", 200) == 70)
    }

    @Test func `a store that somebody crashed in is begun afresh by everybody`() throws {
        let store = try SharedStore()
        let own = CounterStore(folder: store.path, log: Log("test")) { UInt64(SharedStore.time) }
        let charge = Charge(Array("k".utf8), try #require(Rate(100, perSeconds: 3600)))
        #expect(try own.charge([charge]).isCharged)
        #expect(try store.charge("100/1h", 200) == 99)
        let crash = try store.tool("crash", "100/1h", 1).run()
        #expect(crash.termination == .killed(SIGSEGV))
        // This process had the old file open. Both count in the new one.
        #expect(try own.charge([charge]).isCharged)
        #expect(try store.charge("100/1h", 200) == 99)
        #expect(try !own.charge([charge]).isCharged)
    }

    @Test(arguments: [
        0,  // the first meta page: LMDB goes by its magic number
        1,  // the second one
        2, 3, 4, 5, 6, 7,  // pages of the tree and its free list
    ])
    func `a damaged page costs at most one process`(page: Int) throws {
        let store = try SharedStore()
        #expect(try store.tool("map", "10/1h", 200).run().text == "200\n")
        #expect(try store.charge("100/1h", 100) == 100)
        let file = try Files.open("\(store.path)/counters.mdb", O_RDWR)
        let garbage = [UInt8](repeating: 0xA5, count: 4096)
        try file.borrowed.writeAll(garbage, at: page * 4096, "counters.mdb")
        let first = try store.charge("100/1h", 1)
        if first == nil { #expect(try store.charge("100/1h", 1) != nil) }
    }

    @Test(arguments: [0, 1, 100, 4096, 8192, 10_000])
    func `a file cut short costs at most one process`(length: Int) throws {
        let store = try SharedStore()
        #expect(try store.tool("map", "10/1h", 200).run().text == "200\n")
        #expect(truncate("\(store.path)/counters.mdb", length) == 0)
        let first = try store.charge("100/1h", 1)
        if first == nil { #expect(try store.charge("100/1h", 1) == 1) }
    }

    @Test func `a file of something else is put away and said so`() throws {
        let store = try SharedStore()
        try store.folder.write("store/counters.mdb", String(repeating: "not LMDB\n", count: 2000))
        let result = try store.tool("charge", "3/1h", 9).run()
        #expect(result.text == "3\n")
        #expect(result.errors.contains("event=store-replaced"))
        #expect(store.folder.names(in: "store").contains("counters.mdb.damaged"))
    }

    @Test func `a damaged value is found by its check`() throws {
        let store = try SharedStore()
        #expect(try store.charge("3/1h", 9) == 3)
        var bytes = try store.folder.read("store/counters.mdb")
        // The key, 1 and k, stands before its value; every copy of it is damaged.
        var damaged = 0
        for index in bytes.indices.dropLast(26) where bytes[index...].starts(with: [1, 0x6B]) {
            bytes[index + 4] ^= 0x10
            damaged += 1
        }
        #expect(damaged > 0)
        try store.folder.write("store/counters.mdb", bytes)
        #expect(try store.charge("3/1h", 9) == 3)
    }

    @Test func `it opens where little memory is allowed`() throws {
        let store = try SharedStore()
        var tool = try store.tool("charge", "3/1h", 9)
        // The tests are not linked statically; the libraries of Swift take the rest.
        let words = ["ulimit -v 400000; exec \"$0\" \"$@\"", tool.path] + tool.arguments
        tool = try Tool("/bin/sh", ["-c"] + words)
        #expect(try tool.run().text == "3\n")
    }
}
