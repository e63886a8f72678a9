import Foundation
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// `chainmail queue`, as the administrator runs it.
@Suite struct QueueCommandTests {
    private let stage: QueueStage

    init() throws {
        stage = try QueueStage()
        stage.now = WallClock.microseconds
    }

    private func run(_ arguments: [String], input: [UInt8] = []) throws -> ToolResult {
        var tool = try Tool("chainmail", ["queue"] + arguments + ["--root", stage.folder.path])
        tool.message = input
        return try tool.run()
    }

    /// A deferred message for `later@remote.test`, one for bob that is new, and one that is held.
    private func fill() throws -> [QueueID] {
        let deferred = try stage.accept(["later@remote.test"], number: 1)
        try stage.run()
        let new = try stage.accept(["bob@local.test"], from: "carol@local.test", number: 2)
        let held = try stage.accept(["dave@local.test"], from: "", number: 3, edits: [.hold])
        return [deferred, new, held]
    }

    /// Ids of the lines that are about messages.
    private func ids(_ text: String) -> [String] {
        text.split(separator: "\n").filter { !$0.hasPrefix(" ") }
            .map { String($0.prefix { $0 != " " }) }
    }

    @Test(
        arguments: [
            ([], [0, 1, 2]), (["--sender", "alice@*"], [0]), (["--sender", "<>"], [2]),
            (["--recipient", "*@LOCAL.test"], [1, 2]),
            (["--recipient", "*", "--place", "held"], [2]),
            (["--destination", "local"], [1, 2]), (["--destination", "remote.test"], [0]),
            (["--reply", "4.1.1"], [0]), (["--reply", "no such words"], []),
            (["--place", "new", "--place", "deferred"], [0, 1]), (["--older-than", "1h"], []),
            (["--newer-than", "1h"], [0, 1, 2]),
        ] as [([String], [Int])])
    func `filters choose messages`(arguments: [String], expected: [Int]) throws {
        let all = try fill()
        let result = try run(["list"] + arguments)
        #expect(result.code == 0, "\(result.errors)")
        #expect(Set(ids(result.text)) == Set(expected.map { "\(all[$0])" }), "\(result.text)")
    }

    @Test(
        arguments: [
            (["list", "--place", "old"], 64), (["list", "--older-than", "soon"], 64),
            (["hold"], 64),
            (["remove", "--all", "--sender", "*"], 64), (["remove", "no-id"], 66),
            (["show", "1"], 66),
            (["release", "1k0z3kc7800000000000z-9"], 66), (["export", "--place", "x"], 64),
        ] as [([String], Int32)])
    func `a wrong command says what to do`(arguments: [String], code: Int32) throws {
        _ = try stage.spool()
        let result = try run(arguments)
        #expect(result.code == code, "\(result.errors)")
        #expect(!result.errors.isEmpty)
        #expect(stage.files.isEmpty)
    }

    @Test func `each object of JSON is one message`() throws {
        let all = try fill()
        let lines = try run(["list", "--json"]).text.split(separator: "\n")
        #expect(lines.count == 3)
        for line in lines {
            let object = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            let recipients = try #require(object["recipients"] as? [[String: Any]])
            #expect(recipients.count == 1)
            if object["id"] as? String == "\(all[0])" {
                #expect(object["place"] as? String == "deferred")
                #expect(recipients[0]["reply"] as? String == "451 4.1.1 words")
                #expect(recipients[0]["host"] as? String == "mx.example.test")
            }
        }
    }

    @Test func `cat gives the message as it would be delivered`() throws {
        let field = try #require(HeaderField("X-Top", "one"))
        let id = try stage.accept(
            ["bob@local.test"], edits: [.prepend(field), .remove(name: Array("Subject".utf8))])
        let result = try run(["cat", "\(id)"])
        #expect(result.text == "X-Top: one\n\nbody\n", "\(result.errors)")
    }

    @Test func `a held message stays until it is released`() throws {
        let id = try stage.accept(["bob@local.test"])
        #expect(try run(["hold", "\(id)"]).text == "\(id) held\n")
        try stage.run()
        #expect(stage.agents.delivered.isEmpty)
        #expect(try run(["hold", "\(id)"]).text.contains("held already"))
        #expect(try run(["flush", "\(id)"]).text.contains("release it first"))
        #expect(try run(["release", "\(id)"]).code == 0)
        try stage.run()
        #expect(stage.agents.delivered(to: "bob@local.test").count == 1)
        #expect(stage.files.isEmpty)
    }

    @Test func `what is flushed is tried now, and nothing else`() throws {
        let first = try stage.accept(["later1@remote.test"], number: 1)
        try stage.accept(["later2@remote.test"], number: 2)
        try stage.run()
        #expect(stage.agents.delivered.isEmpty)
        stage.agents.acceptLater()
        #expect(try run(["flush", "--recipient", "later1@*"]).text == "\(first) to be tried now\n")
        try stage.run()
        #expect(stage.agents.delivered.map(\.recipient) == ["later1@remote.test"])
    }

    @Test func `without a manager nobody is told to flush`() throws {
        _ = try stage.spool()
        let result = try run(["flush"])
        #expect(result.code == 75)
        #expect(result.errors.contains("no queue-manager listens"))
    }

    @Test func `a running manager flushes all at a word`() throws {
        _ = try stage.accept(["later@remote.test"])
        let manager = try Service(
            Tool("queue-manager", ["--root", stage.folder.path]), log: stage.folder.file("log"))
        #expect(eventually { stage.files.contains { $0.hasPrefix("deferred/") } })
        stage.agents.acceptLater()
        #expect(try run(["flush"]).code == 0)
        #expect(eventually { stage.agents.delivered.count == 1 }, "\(manager.log)")
        try manager.stop()
    }

    @Test func `a bounced message comes back once`() throws {
        let id = try stage.accept(["later@remote.test", "bob@local.test"])
        try stage.run()
        #expect(try run(["bounce", "\(id)"]).text == "\(id) to be returned\n")
        try stage.run()
        let reports = stage.agents.delivered(to: "alice@local.test")
        #expect(reports.count == 1)
        let text = String(decoding: reports.first?.message ?? [], as: UTF8.self)
        #expect(text.contains("later@remote.test"))
        #expect(text.contains("returned by the administrator"))
        #expect(!text.contains("bob@local.test"))
        #expect(stage.files.isEmpty)
    }

    @Test func `a removed message is gone, and nobody is told`() throws {
        let all = try fill()
        let result = try run(["remove", "--all"])
        #expect(Set(result.text.split(separator: "\n")) == Set(all.map { "\($0) removed" }))
        #expect(stage.files.isEmpty)
        stage.agents.acceptLater()
        try stage.run()
        #expect(stage.agents.delivered.isEmpty)
    }

    @Test func `a message in flight is left alone`() throws {
        let id = try stage.accept(["bob@local.test"])
        let spool = try stage.spool()
        guard case .open(let delivery) = try spool.openForDelivery(id, at: .new) else {
            throw TestFailure("not open")
        }
        for command in ["hold", "remove", "bounce", "flush"] {
            let result = try run([command, "\(id)"])
            #expect(result.code == 75)
            #expect(result.errors.contains("is being delivered"))
        }
        #expect(stage.files == [MessagePlace.new.path(id)])
        try delivery.close("message")
        #expect(try run(["remove", "\(id)"]).code == 0)
    }
}
