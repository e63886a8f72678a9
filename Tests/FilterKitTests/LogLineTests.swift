// Tests of what is said about a verdict: one line, and with --explain one object, in every
// convention. filters(7), option --explain; chainmail(7), section LOGS.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

struct LogLineTests {
    private let folder: TestFolder
    private static let message = Array("Subject: evil\n\n".utf8)
    private static let envelope = Array("Fa@example.org\0Tb@example.test\0\0".utf8)
    private static let logged =
        "regex-filter: event=verdict stage=message client=192.0.2.1 sender=a@example.org verdict="

    init() throws { folder = try TestFolder() }

    private func tool(_ action: String, _ more: [String] = []) throws -> Tool {
        try folder.write("rules", "header:Subject /evil/ \(action)\n")
        var tool = try Tool("regex-filter", ["--rules", "rules", "--explain"] + more)
        tool.folder = folder.path
        tool.message = Self.message
        tool.environment = ["TCPREMOTEIP": "192.0.2.1"]
        return tool
    }

    /// One object, then one line about the verdict.
    private func check(_ errors: String, _ verdict: String, _ line: String) throws {
        let lines = errors.split(separator: "\n").map(String.init)
        try #require(lines.count == 2, "\(errors)")
        let object =
            try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: Any]
        #expect(object?["filter"] as? String == "regex-filter")
        #expect(object?["verdict"] as? String == verdict)
        #expect(lines[1].hasPrefix("\(line)\(verdict)"), "\(lines[1])")
    }

    @Test(arguments: ["accept", "reject", "defer", "discard"])
    func `a shell`(action: String) throws {
        var tool = try tool(action)
        tool.arguments += ["--sender", "a@example.org", "--recipient", "b@example.test"]
        try check(try tool.run().errors, action, "regex-filter: ")
    }

    @Test(arguments: ["accept", "reject", "defer", "discard"])
    func `a queue`(action: String) throws {
        var tool = try tool(action, ["--", "true"])
        tool.envelope = Self.envelope
        try check(try tool.run().errors, action, Self.logged)
    }

    @Test(arguments: ["accept", "reject", "defer", "discard"])
    func `qmail-qfilter`(action: String) throws {
        let launcher = QfilterLauncher(
            [try tool(action)], message: Self.message, envelope: Self.envelope)
        try check(try launcher.run().errors, action, Self.logged)
    }

    @Test(arguments: ["accept", "reject", "defer", "discard"])
    func `a chain`(action: String) throws {
        let envelope = try Files.inMemory("envelope")
        try envelope.borrowed.writeAll(Self.envelope, "envelope")
        try envelope.borrowed.rewind("envelope")
        let record = try Files.inMemory("record")
        var tool = try tool(action)
        tool.environment["FILTER_STAGE"] = "message"
        tool.environment["FILTER_VERDICT_FD"] = "7"
        tool.descriptors = [3: envelope.number, 7: record.number]
        try check(try tool.run().errors, action, Self.logged)
    }

    @Test(arguments: ["accept", "reject", "defer", "discard"])
    func `a pool`(action: String) throws {
        let service = try Service(
            tool(action, ["--serve", folder.file("s"), "--workers", "1-1"]),
            log: folder.file("log"))
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(Self.message, "message")
        var facts = Facts()
        facts[.clientIP] = Array("192.0.2.1".utf8)
        let request = FilterRequest(
            stage: .message, facts: facts, envelope: try Envelope(queueFormat: Self.envelope),
            messageLength: Self.message.count)
        _ = try Exchange.call(
            folder.file("s"), request.fields, descriptors: [file.borrowed],
            deadline: .after(.seconds(30)))
        #expect(eventually { service.log.split(separator: "\n").count >= 2 })
        try check(service.log, action, Self.logged)
    }
}
