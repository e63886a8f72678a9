// QuarantineTests: virus-scan sets messages aside, chainmail lists, releases and removes them.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@Suite struct QuarantineTests {
    private static let infected = Array("Subject: to be kept\n\n".utf8) + Samples.eicar + [0, 0xFF]
    private let folder: TestFolder
    private let database: String
    private var quarantine: String { folder.file("root/spool/quarantine") }

    init() throws {
        folder = try TestFolder()
        database = try Samples.database(in: folder)
        try Files.makeFolders(folder.file("root/spool"))
        try Files.makeFolders(folder.file("root/run"))
    }

    private func scan(_ arguments: [String] = [], _ message: [UInt8] = infected) throws
        -> ToolResult
    {
        var tool = try Tool(
            "virus-scan",
            [
                "--root", folder.file("root"), "--database", database, "--on-found", "quarantine",
                "--sender", "a@example.org", "--recipient", "b@example.test", "--recipient",
                "c@example.test", "--client-ip", "192.0.2.9",
            ] + arguments)
        tool.message = message
        tool.environment = ["TMPDIR": folder.path]
        return try tool.run()
    }

    private func chainmail(_ arguments: String...) throws -> ToolResult {
        try Tool("chainmail", arguments + ["--root", folder.file("root")]).run()
    }

    private var ids: [String] { folder.names(in: "root/spool/quarantine") }

    private func queueService() throws -> Service {
        try Service(
            try Tool("queue-message", ["--root", folder.file("root"), "--serve"]),
            log: folder.file("queue.log"))
    }

    @Test func `a kept message is dropped, listed and shown, byte for byte`() throws {
        let result = try scan()
        #expect(result.code == FilterExit.discard.rawValue)
        #expect(result.output.isEmpty)
        let id = try #require(ids.first)
        #expect(ids.count == 1)
        let list = try chainmail("quarantine").text
        #expect(list.hasPrefix("\(id) \(Self.infected.count) bytes, "))
        #expect(list.contains(", from <a@example.org>, virus-scan: Test.EICAR.UNOFFICIAL\n"))
        #expect(list.hasSuffix("    b@example.test\n    c@example.test\n"))
        let shown = try chainmail("quarantine", "show", id).text
        #expect(shown.contains("client-ip     192.0.2.9\n"))
        #expect(shown.hasSuffix("\nSubject: to be kept\n"))
        #expect(try chainmail("quarantine", "show", "--message", id).output == Self.infected)
    }

    @Test func `the list as JSON can be read`() throws {
        #expect(try scan().code == 99)
        let line = try chainmail("quarantine", "list", "--json").output
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(line)) as? [String: Any])
        #expect(object["reason"] as? String == "Test.EICAR.UNOFFICIAL")
        #expect(object["recipients"] as? [String] == ["b@example.test", "c@example.test"])
        #expect(object["sender"] as? String == "a@example.org")
        #expect(object["size"] as? Int == Self.infected.count)
        #expect((object["facts"] as? [String: String])?["client-ip"] == "192.0.2.9")
    }

    @Test func `a released message is in the queue as it was, and no longer here`() throws {
        #expect(try scan().code == 99)
        let id = try #require(ids.first)
        let service = try queueService()
        let result = try chainmail("quarantine", "release", id)
        #expect(result.text == "\(id) released as \(id)-1\n", "\(result.errors)")
        #expect(ids.isEmpty)
        let queued = try chainmail("queue", "list").text
        #expect(queued.contains("\(id)-1 new \(Self.infected.count) bytes"))
        #expect(queued.contains("    c@example.test"))
        #expect(try chainmail("queue", "show", "\(id)-1").text.contains("client-ip     192.0.2.9"))
        try service.stop()
    }

    @Test func `a release that was cut off is done once when it is done again`() throws {
        #expect(try scan().code == 99)
        let id = try #require(ids.first)
        let copy = try folder.read("root/spool/quarantine/\(id)")
        let service = try queueService()
        #expect(try chainmail("quarantine", "release", id).code == 0)
        // As if the crash had been between the queue and the removal.
        try folder.write("root/spool/quarantine/\(id)", copy)
        #expect(try chainmail("quarantine", "release", id).code == 0)
        #expect(ids.isEmpty)
        let queued = try chainmail("queue", "list").text
        #expect(queued.components(separatedBy: "\(id)-1 new").count == 2)
        try service.stop()
    }

    @Test func `without a queue a message stays`() throws {
        #expect(try scan().code == 99)
        let id = try #require(ids.first)
        #expect(try chainmail("quarantine", "release", id).code != 0)
        #expect(ids == [id])
    }

    @Test func `the owner of a queue that nobody serves may release`() throws {
        #expect(try scan().code == 99)
        let id = try #require(ids.first)
        // The first message makes the queue.
        var first = try Tool("queue-message", ["--root", folder.file("root")])
        first.message = Array("Subject: x\n\n".utf8)
        first.envelope = Array("Fa@example.org\0Tb@example.test\0\0".utf8)
        #expect(try first.run().code == 0)
        #expect(try chainmail("quarantine", "release", id).code == 0)
        #expect(ids.isEmpty)
        #expect(try chainmail("queue", "list").text.contains("\(id)-1 new"))
    }

    @Test func `messages are removed by id and by age`() throws {
        for _ in 0..<3 { #expect(try scan().code == 99) }
        let first = try #require(ids.first)
        #expect(try chainmail("quarantine", "remove", first).text == "\(first) removed\n")
        #expect(ids.count == 2)
        #expect(try chainmail("quarantine", "remove", "--older-than", "1h").text.isEmpty)
        #expect(ids.count == 2)
        #expect(try chainmail("quarantine", "remove", "--older-than", "0s").code == 0)
        #expect(ids.isEmpty)
    }

    @Test(arguments: [
        (["quarantine", "show", "1k160ep73ptw3y5jggrzx"], 66),
        (["quarantine", "show", "../x"], 66),
        (["quarantine", "release", "nothing"], 66), (["quarantine", "remove"], 64),
        (["quarantine", "remove", "--older-than", "x"], 64), (["quarantine", "list"], 71),
    ])
    func `what cannot be done has its exit code`(arguments: [String], code: Int) throws {
        let tool = try Tool("chainmail", arguments + ["--quarantine", folder.file("none")])
        #expect(Int(try tool.run().code) == code)
    }

    @Test func `a damaged message hides no other`() throws {
        for _ in 0..<2 { #expect(try scan().code == 99) }
        let (first, last) = (ids[0], ids[1])
        let bytes = try folder.read("root/spool/quarantine/\(first)")
        try folder.write("root/spool/quarantine/\(first)", bytes.dropLast(5))
        let list = try chainmail("quarantine").text
        #expect(list.contains("\(first) cannot be read"))
        #expect(list.contains("\(last) "))
        #expect(try chainmail("quarantine", "release", first).code == 65)
        #expect(ids == [first, last])
        // Nor does it keep another from being done, or itself from being removed.
        let result = try chainmail("quarantine", "remove", "nothing", last)
        #expect(result.code == 66 && result.text == "\(last) removed\n")
        #expect(try chainmail("quarantine", "remove", "--older-than", "0s").code == 0)
        #expect(ids.isEmpty)
    }

    @Test func `two releases at once are one`() async throws {
        #expect(try scan().code == 99)
        let id = try #require(ids.first)
        let service = try queueService()
        let codes = try await withThrowingTaskGroup(of: UInt8.self) { group in
            for _ in 0..<4 {
                group.addTask { UInt8(try chainmail("quarantine", "release", id).code) }
            }
            return try await group.reduce(into: [UInt8]()) { $0.append($1) }
        }
        // The others met it busy, or gone.
        #expect(codes.filter { $0 == 0 }.count == 1)
        #expect(codes.allSatisfy { [0, 66, 75].contains($0) }, "\(codes)")
        let queued = try chainmail("queue", "list").text
        #expect(queued.components(separatedBy: "\(id)-1 new").count == 2)
        try service.stop()
    }

    @Test func `a terminal is told nothing by a message`() throws {
        let evil = "\u{1B}]0;x\u{07}\u{9B}31m"
        var tool = try Tool(
            "virus-scan",
            [
                "--root", folder.file("root"), "--database", database, "--on-found", "quarantine",
                "--sender", "a\(evil)@example.org", "--recipient", "b@example.test",
                "--helo", evil,
            ])
        tool.message = Array("Subject: \(evil)\n\n".utf8) + Samples.eicar
        #expect(try tool.run().code == 99)
        let id = try #require(ids.first)
        let controls = { (text: String) in
            text.unicodeScalars.filter {
                $0.properties.generalCategory == .control && $0 != "\n"
            }.count
        }
        for arguments in [["list"], ["list", "--json"], ["show", id]] {
            let root = ["--root", folder.file("root")]
            let text = try Tool("chainmail", ["quarantine"] + arguments + root).run().text
            #expect(text.contains(id))
            #expect(controls(text) == 0, "\(arguments): \(text.debugDescription)")
        }
    }

    @Test func `what cannot be looked into may be kept too, and what is clean is not`() throws {
        let message = Samples.mail([Samples.encryptedZip])
        #expect(try scan(["--on-unscannable", "quarantine"], message).code == 99)
        #expect(try chainmail("quarantine").text.contains("virus-scan: unscannable: encrypted\n"))
        #expect(try scan([], Samples.mail([])).code == 0)
        #expect(ids.count == 1)
    }

    @Test func `a trial keeps nothing`() throws {
        #expect(try scan(["--check"]).code == 99)
        #expect(ids.isEmpty)
    }

    @Test func `in a pool the message is kept with the edits of earlier steps`() throws {
        let scanner = try ResidentScanner(
            folder,
            ["--database", database, "--on-found", "quarantine", "--quarantine", quarantine])
        let field = try #require(HeaderField("X-First", "yes"))
        let edits = [Edit.prepend(field), .remove(name: Array("subject".utf8))]
        #expect(try scanner.verdict(Self.infected, edits: edits, isTrial: true) == .discard)
        #expect(ids.isEmpty)
        #expect(try scanner.verdict(Self.infected, edits: edits) == .discard)
        let id = try #require(ids.first)
        let kept = try chainmail("quarantine", "show", "--message", id).output
        #expect(kept == Array("X-First: yes\n\n".utf8) + Samples.eicar + [0, 0xFF])
        #expect(scanner.service.log.contains("quarantine=\(id)"))
        // What cannot be kept is not dropped.
        try FileManager.default.removeItem(atPath: quarantine)
        guard case .defer = try scanner.verdict(Self.infected) else {
            Issue.record("it was dropped")
            return
        }
    }

    @Test func `on a full disk a message is deferred`() throws {
        // Files of 4 KiB at the most; the message is longer.
        let script = "trap '' XFSZ; ulimit -f 8; exec \"$@\""
        let scan = [
            "virus-scan", "--root", folder.file("root"), "--database", database, "--on-found",
            "quarantine", "--sender", "a@example.org", "--recipient", "b@example.test",
        ]
        var tool = try Tool("/bin/sh", ["-c", script, "sh"] + scan)
        let line = Array((String(repeating: "x", count: 63) + "\n").utf8)
        tool.message = Self.infected + [0x0A] + Array(repeating: line, count: 500).flatMap(\.self)
        let result = try tool.run()
        #expect(result.code == FilterExit.cannotWrite.rawValue, "\(result.errors)")
        #expect(ids.isEmpty)
    }
}
