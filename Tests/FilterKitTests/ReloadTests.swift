// Tests of new rules under load: broken ones change nothing, mended ones take over, and nobody is
// turned away meanwhile. filters(7), option --serve.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

struct ReloadTests {
    /// Clients that ask without a pause until they are told to stop.
    private final class Load: @unchecked Sendable {
        private let lock = NSLock()
        private var isOver = false
        private var answers: [String: Int] = [:]
        private var failures: [String] = []

        func stop() { lock.withLock { isOver = true } }
        var count: Int { lock.withLock { answers.values.reduce(0, +) } }
        var result: (answers: [String: Int], failures: [String]) {
            lock.withLock { (answers, failures) }
        }

        func ask(_ socket: String) {
            while !lock.withLock({ isOver }) {
                do {
                    let answer = try ReloadTests.answer(socket)
                    lock.withLock { answers[answer, default: 0] += 1 }
                } catch {
                    lock.withLock { failures.append("\(error)") }
                }
            }
        }
    }

    private static func answer(_ socket: String) throws -> String {
        let message = Array("Subject: x\n\n".utf8)
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(message, "message")
        let request = FilterRequest(
            stage: .message, facts: Facts(), envelope: Envelope(reversePath: .null),
            messageLength: message.count)
        let reply = try Exchange.call(
            socket, request.fields, descriptors: [file.borrowed], deadline: .after(.seconds(30)))
        return try FilterReply(reply.fields).verdict.reply?.text ?? "accept"
    }

    @Test func `rules are broken and mended under load, and every request is answered`() throws {
        let folder = try TestFolder()
        try folder.write("rules", "header:Subject /x/ reject 550 5.7.1 round 0\n")
        var tool = try Tool(
            "regex-filter", ["--rules", "rules", "--serve", "s", "--workers", "2-4"])
        tool.folder = folder.path
        let service = try Service(tool, log: folder.file("log"))
        let load = Load()
        let group = DispatchGroup()
        for _ in 0..<3 {
            DispatchQueue.global().async(group: group) { load.ask(folder.file("s")) }
        }
        for round in 1...4 {
            try folder.write(
                "rules", "header:Subject /x/ reject 550 5.7.1 round \(round)\nbroken\n")
            service.process.signal(SIGHUP)
            #expect(eventually { Self.count("reload-failed", service) == round })
            #expect(try Self.answer(folder.file("s")) == "round \(round - 1)")
            let before = load.count
            #expect(eventually { load.count > before + 20 })
            try folder.write("rules", "header:Subject /x/ reject 550 5.7.1 round \(round)\n")
            service.process.signal(SIGHUP)
            #expect(try eventually { try Self.answer(folder.file("s")) == "round \(round)" })
        }
        load.stop()
        group.wait()
        let (answers, failures) = load.result
        #expect(failures.isEmpty, "\(failures.prefix(3))")
        #expect(Set(answers.keys).isSubset(of: Set((0...4).map { "round \($0)" })), "\(answers)")
        #expect(!service.log.contains("worker-died"))
        #expect(service.log.contains("rules:2"))
    }

    private static func count(_ word: String, _ service: Service) -> Int {
        service.log.components(separatedBy: word).count - 1
    }
}
