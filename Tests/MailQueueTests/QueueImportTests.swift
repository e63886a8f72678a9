import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// `chainmail queue export` and `import`.
@Suite struct QueueImportTests {
    private let old: QueueStage
    private let new: QueueStage

    init() throws {
        (old, new) = (try QueueStage(), try QueueStage())
        for stage in [old, new] { stage.now = WallClock.microseconds }
        _ = try new.spool()
    }

    private func run(_ stage: QueueStage, _ arguments: [String], input: [UInt8] = []) throws
        -> ToolResult
    {
        var tool = try Tool("chainmail", ["queue"] + arguments + ["--root", stage.folder.path])
        tool.message = input
        return try tool.run()
    }

    /// One that was delivered to bob and is deferred for another, one new, one held.
    private func fill() throws -> [QueueID] {
        let deferred = try old.accept(["bob@local.test", "later@remote.test"], number: 1)
        try old.run()
        return [
            deferred, try old.accept(["carol@local.test"], number: 2),
            try old.accept(["dave@local.test"], number: 3, edits: [.hold]),
        ]
    }

    private func expectWholeQueue(_ ids: [QueueID]) throws {
        new.agents.acceptLater()
        new.now += 1_000_000_000
        try new.run()
        #expect(
            new.agents.delivered.map(\.recipient).sorted() == [
                "carol@local.test", "later@remote.test",
            ])
        #expect(new.files == ["held/\(ids[2])", "import/ledger"])
    }

    @Test func `a queue goes to another host with all that became of it`() throws {
        let ids = try fill()
        let export = try run(old, ["export"])
        #expect(export.code == 0, "\(export.errors)")
        let imported = try run(new, ["import", "-"], input: export.output)
        #expect(imported.code == 0, "\(imported.errors)")
        #expect(Set(imported.text.split(separator: "\n")) == Set(ids.map { "\($0) imported" }))
        try expectWholeQueue(ids)
        // Delivered, held or not: what was imported is not imported again.
        let again = try run(new, ["import", "-"], input: export.output)
        #expect(again.code == 0)
        #expect(again.text.components(separatedBy: "is here already").count == 4, "\(again.text)")
        #expect(new.files == ["held/\(ids[2])", "import/ledger"])
    }

    @Test func `the folder of a dead host is imported as it is`() throws {
        let ids = try fill()
        #expect(try run(new, ["import", old.root.spool]).code == 0)
        try expectWholeQueue(ids)
    }

    @Test func `the folder of a living manager is not`() throws {
        _ = try fill()
        let lock = try old.spool().lockForManager()
        let result = try run(new, ["import", old.root.spool])
        #expect(result.code == 75)
        #expect(result.errors.contains("stop it first"))
        #expect(new.files.isEmpty || new.files == ["import/ledger"])
        withExtendedLifetime(lock) {}
    }

    @Test func `a message that is here is not replaced`() throws {
        let id = try old.accept(["carol@local.test"])
        let export = try run(old, ["export"])
        try new.accept(["carol@local.test", "bob@local.test"])
        let result = try run(new, ["import", "-"], input: export.output)
        #expect(result.text == "\(id) is here already, or was\n")
        try new.run()
        #expect(new.agents.delivered.count == 2)
    }

    @Test(arguments: [1, 50, 200, -1, -20])
    func `an export that is cut short gives what is whole`(kept: Int) throws {
        _ = try old.accept(["carol@local.test"])
        var bytes = try run(old, ["export"]).output
        bytes = kept < 0 ? bytes.dropLast(-kept) : Array(bytes.prefix(kept))
        let result = try run(new, ["import", "-"], input: bytes)
        #expect(result.code == 65, "\(result.text) \(result.errors)")
        #expect(new.files == ["import/ledger"])
    }

    @Test func `an export with a wrong byte is refused from there on`() throws {
        _ = try old.accept(["carol@local.test"])
        let bytes = try run(old, ["export"]).output
        var random = SeededRandom(3)
        for _ in 0..<10 {
            var damaged = bytes
            damaged[random.below(bytes.count)] ^= UInt8(1 + random.below(255))
            let result = try run(new, ["import", "-"], input: damaged)
            #expect(result.code == 65)
            #expect(!new.files.contains { $0.hasPrefix("new/") })
        }
    }

    /// Each state that a crash may leave: done again, the import comes to its end.
    @Test(arguments: 0..<6)
    func `an import that was cut off is finished by the next`(step: Int) throws {
        let ids = try fill()
        let export = try run(old, ["export"]).output
        let spool = try new.spool()
        var reader = OneShot(export)
        var messages: [ExportedMessage] = []
        while let message = try reader.next() { messages.append(message) }
        _ = try QueueImport(into: spool)
        for message in messages {
            try new.folder.write("spool/queue/import/\(message.id)", message.file)
            if !message.state.isEmpty {
                try new.folder.write("spool/queue/import/\(message.id).state", message.state)
            }
            let mark = message.isHeld ? "held" : "new"
            try new.folder.write("spool/queue/import/\(message.id).\(mark)", "")
        }
        func move(_ name: String, _ target: String) throws {
            try? Files.rename("\(new.queuePath)/\(name)", to: "\(new.queuePath)/\(target)")
        }
        if step > 0 {
            let lines = ids.map { "\($0)\n" }.joined()
            // The last line is cut where the crash was in its write.
            try new.folder.write(
                "spool/queue/import/ledger", step == 1 ? String(lines.dropLast(4)) : lines)
        }
        if step > 2 { for id in ids { try move("import/\(id)", MessagePlace.held.path(id)) } }
        if step > 3 { for id in ids { try move("import/\(id).state", Spool.stateName(id)) } }
        if step > 4 { try move(MessagePlace.held.path(ids[1]), MessagePlace.new.path(ids[1])) }
        let result = try run(new, ["import", "-"], input: export)
        #expect(result.code == 0, "\(result.errors)")
        try expectWholeQueue(ids)
    }
}

/// Reads an export that is in memory.
private struct OneShot {
    private var reader: ExportReader

    init(_ bytes: [UInt8]) {
        let rest = Box(bytes[...])
        reader = ExportReader { count in
            defer { rest.value = rest.value.dropFirst(count) }
            return Array(rest.value.prefix(count))
        }
    }

    mutating func next() throws -> ExportedMessage? { try reader.next() }
}
