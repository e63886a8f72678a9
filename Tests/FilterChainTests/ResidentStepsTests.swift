// Tests of steps behind a socket, and of sockets behind which something is wrong.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

/// Answers every request with the same bytes, and perhaps a file, then closes.
private final class FixedAnswer: Sendable {
    private let bytes: [UInt8]
    private let file: [UInt8]?

    init(_ path: String, _ bytes: [UInt8], file: [UInt8]? = nil) throws {
        self.bytes = bytes
        self.file = file
        let listener = try UnixSocket.listen(at: path).take()
        Thread.detachNewThread { [self] in
            while let connection = try? UnixSocket.accept(Descriptor(rawValue: listener), path) {
                try? answer(connection)
            }
        }
    }

    private func answer(_ connection: borrowing Connection) throws {
        _ = try Exchange.receive(on: connection, deadline: .after(.seconds(30)))
        let memory = try Files.inMemory("file")
        if let file { try memory.borrowed.writeAll(file, "file") }
        try connection.send(
            bytes, descriptors: file == nil ? [] : [memory.borrowed],
            deadline: .after(.seconds(30)))
    }
}

struct ResidentStepsTests {
    private let root: ChainFolder
    private var socket: String { root.folder.file("run/filters/10-a") }

    init() throws {
        root = try ChainFolder()
        try root.folder.write("run/filters/.keep", "")
        // Were it started for the message, it would accept.
        let script = "touch \(root.folder.path)/started; \(ChainFolder.saying(.accept))"
        try root.step("10-a", script: script, "timeout 500ms")
    }

    private static func frame(_ verdict: Verdict) -> [UInt8] { FilterReply(verdict).fields.frame }

    private static let replacing = frame(.accept([.replaceMessage(offset: 2, length: 6)]))

    private static let broken: [[UInt8]] = [
        [], Array("28:7:verdict,6:acc".utf8), Array("accept".utf8), Array("0:,".utf8),
        frame(.accept).dropLast(), frame(.accept).map { $0 == 0x31 ? 0x32 : $0 },
        // A replacement without a file.
        replacing,
    ]

    @Test(arguments: broken)
    func `an answer that is none is defer, and nothing is started`(answer: [UInt8]) throws {
        let server = try FixedAnswer(socket, answer)
        let result = try root.byHand()
        #expect(result.code == 71)
        #expect(result.errors.contains("error="))
        #expect(root.text("started") == nil)
        withExtendedLifetime(server) {}
    }

    @Test func `a step without a socket is started`() throws {
        #expect(try root.byHand().code == 0)
        #expect(root.text("started") != nil)
    }

    @Test func `a socket that nobody serves is defer`() throws {
        let listener = try UnixSocket.listen(at: socket)
        _ = consume listener
        #expect(try root.byHand().code == 71)
        #expect(root.text("started") == nil)
    }

    @Test func `a pool that is busy for too long is 451 4.3.2`() throws {
        let listener = try UnixSocket.listen(at: socket)
        let result = try root.byHand()
        #expect(result.code == 71)
        #expect(result.errors.contains("451 4.3.2"), "\(result.errors)")
        #expect(root.text("started") == nil)
        withExtendedLifetime(listener) {}
    }

    @Test func `a message that comes with an answer takes the place of the old one`() throws {
        let server = try FixedAnswer(socket, Self.replacing, file: Array("xxA: b\n\nyy".utf8))
        try root.drop("20-b", "sed s/A/B/")
        #expect(try root.byHand().text == "B: b\n\n")
        #expect(try root.queued().message == "B: b\n\n")
        withExtendedLifetime(server) {}
    }

    @Test func `a message longer than its file is defer`() throws {
        let server = try FixedAnswer(socket, Self.replacing, file: Array("xxA: b".utf8))
        #expect(try root.byHand().code == 71)
        withExtendedLifetime(server) {}
    }

    @Test func `a message that comes before its stage is defer`() throws {
        try root.step("10-a", "run cat\nstage mail\n")
        let server = try FixedAnswer(socket, Self.replacing, file: Array("xxA: b\n\nyy".utf8))
        #expect(try root.byHand().code == 71)
        withExtendedLifetime(server) {}
    }

    @Test func `a resident filter and one started for the message say the same`() throws {
        let rules = try root.folder.write(
            "rules",
            "header:Subject /evil/ reject 554 5.7.0 No thanks\nheader:X-Mark /1/ reject 550 5.7.1 m\n"
        )
        try root.step("10-a", "run regex-filter --rules \(rules)\n")
        try root.step("05-b", "run cat\nworkers 0\nconvention qfilter\n")
        let evil = Array("Subject: evil\n\nx\n".utf8)
        let before = try [root.byHand(), root.byHand([], evil)]
        let service = try Service(
            Tool("filter-chain", ["--serve", "--root", root.folder.path]),
            log: root.folder.file("log"))
        let after = try [root.byHand(), root.byHand([], evil)]
        #expect(before.map(\.code) == [0, 31])
        #expect(after.map(\.code) == [0, 31])
        #expect(after.map(\.output) == before.map(\.output))
        #expect(after.last?.errors.contains("554 5.7.0 No thanks") == true)
        #expect(try service.stop() == .exited(0))
    }

    @Test func `--serve runs once a root, and ends its steps with it`() throws {
        let rules = try root.folder.write("rules", "")
        try root.step("10-a", "run regex-filter --rules \(rules)\n")
        let service = try Service(
            Tool("filter-chain", ["--serve", "--root", root.folder.path]),
            log: root.folder.file("log"))
        let second = try Tool("filter-chain", ["--serve", "--root", root.folder.path]).run()
        #expect(second.code == 55)
        #expect(second.errors.contains("\(service.process.pid)"))
        try service.stop(9)
        let isGone = eventually {
            do {
                _ = try UnixSocket.connect(to: socket, deadline: .after(.seconds(1)))
                return false
            } catch {
                return true
            }
        }
        #expect(isGone)
    }
}
