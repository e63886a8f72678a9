// Tests of a resident filter: what a pool answers to requests that are broken, and to clients that
// are worse.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

struct ResidentTests {
    private let folder: TestFolder
    private let service: Service
    private var socket: String { folder.file("s") }

    init() throws {
        folder = try TestFolder()
        let rules = try folder.write("rules", "header:Subject /evil/ reject 550 5.7.1 evil\n")
        service = try Service(
            Tool(
                "regex-filter",
                ["--rules", rules, "--serve", folder.file("s"), "--workers", "1-2"]),
            log: folder.file("log"))
    }

    private func request(_ message: String, offset: Int = 0, length: Int? = nil) -> FilterRequest {
        FilterRequest(
            stage: .message, facts: Facts(), envelope: Envelope(reversePath: .null),
            messageOffset: offset, messageLength: length ?? message.utf8.count)
    }

    private func ask(_ request: FilterRequest, _ message: String) throws -> Verdict {
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(Array(message.utf8), "message")
        let reply = try Exchange.call(
            socket, request.fields, descriptors: [file.borrowed], deadline: .after(.seconds(30)))
        return try FilterReply(reply.fields).verdict
    }

    private func ask(_ message: String) throws -> Verdict { try ask(request(message), message) }

    private static let evil = Verdict.reject(EnhancedStatus(5, 7, 1), "evil")

    @Test func `a message that is shorter than the request says is deferred`() throws {
        for (offset, length) in [(0, 100), (9, 9), (100, 1), (Int.max, 1), (0, Int.max)] {
            let verdict = try ask(
                request("Subject: x", offset: offset, length: length), "Subject: x")
            #expect(verdict.word == "defer")
        }
    }

    @Test func `a filter that has no use for outcomes judges none`() throws {
        var told = request("Subject: evil\n\n")
        told.outcome = .refused
        #expect(try ask(told, "Subject: evil\n\n") == .accept)
        #expect(eventually { service.log.contains("verdict=accept outcome=refused") })
    }

    @Test func `edits of earlier steps are laid over the message`() throws {
        let field = try #require(HeaderField("Subject", "evil"))
        var edited = request("Subject: good\n\n")
        edited.edits = [.prepend(field)]
        #expect(try ask(edited, "Subject: good\n\n") == Self.evil)
        edited.edits = [.prepend(field), .remove(name: Array("subject".utf8))]
        #expect(try ask(edited, "Subject: evil\n\n") == .accept)
    }

    @Test(arguments: [
        [UInt8](), Array("x".utf8), Array("5:abc".utf8), Array("999999999:".utf8),
        Array("9999999999:".utf8), Array("3:abc,".utf8), Array("0:,".utf8), Array("-1:,".utf8),
        Array("5:1:a,,".utf8), Array("14:9:chainmail,2,,".utf8), (0...255).map { UInt8($0) },
    ])
    func `what is no request gets no answer, and harms nobody`(bytes: [UInt8]) throws {
        let connection = try UnixSocket.connect(to: socket, deadline: .after(.seconds(30)))
        try connection.send(bytes)
        shutdown(connection.descriptor.number, Int32(SHUT_WR))
        var received = Received()
        let got = try connection.receive(
            into: &received, limit: 1000, deadline: .after(.seconds(30)))
        #expect(got == 0)
        #expect(try ask("Subject: evil\n\n") == Self.evil)
    }

    @Test func `a request for a message without a message gets no answer`() throws {
        #expect(throws: ExchangeError.self) {
            _ = try Exchange.call(socket, request("x").fields, deadline: .after(.seconds(30)))
        }
    }

    @Test func `a descriptor that is no file is deferred`() throws {
        let folder = try Files.openFolder("/")
        let reply = try Exchange.call(
            socket, request("x").fields, descriptors: [folder.borrowed],
            deadline: .after(.seconds(30)))
        #expect(try FilterReply(reply.fields).verdict.word == "defer")
    }

    /// A connection whose request comes when the test wants it.
    private final class Silent {
        let connection: Connection

        init(_ socket: String) throws {
            connection = try UnixSocket.connect(to: socket, deadline: .after(.seconds(30)))
        }

        func ask(_ request: FilterRequest, _ message: String) throws -> Verdict {
            let file = try Files.inMemory("message")
            try file.borrowed.writeAll(Array(message.utf8), "message")
            try Exchange.send(
                request.fields, descriptors: [file.borrowed], on: connection,
                deadline: .after(.seconds(30)))
            let reply = try Exchange.receive(on: connection, deadline: .after(.seconds(30)))
            return try FilterReply(reply.fields).verdict
        }

        /// True once the other end has closed.
        var isClosed: Bool {
            var byte: UInt8 = 0
            let flags = Int32(MSG_DONTWAIT) | Int32(MSG_PEEK)
            return recv(connection.descriptor.number, &byte, 1, flags) == 0
        }
    }

    @Test func `clients that say nothing hold no worker, and are served once they speak`() throws {
        // 100 of them would hold two workers for 25 seconds at half a second each.
        let silent = try (0..<100).map { _ in try Silent(socket) }
        let began = ContinuousClock.now
        #expect(try ask("Subject: evil\n\n") == Self.evil)
        #expect(ContinuousClock.now - began < .seconds(15))
        for client in silent.prefix(20) {
            #expect(
                try client.ask(request("Subject: evil\n\n"), "Subject: evil\n\n") == Self.evil)
        }
        #expect(silent.dropFirst(20).allSatisfy { !$0.isClosed })
        try service.stop()
        #expect(eventually { silent.allSatisfy(\.isClosed) })
    }

    @Test func `clients that say nothing outlive new rules, and those that waited longest go`()
        throws
    {
        let silent = try (0..<300).map { _ in try Silent(socket) }
        #expect(eventually { silent.prefix(30).allSatisfy(\.isClosed) })
        try folder.write("rules", "header:Subject /good/ discard\n")
        service.process.signal(SIGHUP)
        #expect(try eventually { try ask("Subject: good\n\n") == .discard })
        // A worker with the old rules may be there for a moment still, and get the first of them.
        var guests = silent.suffix(100)
        #expect(guests.allSatisfy { !$0.isClosed })
        let isServed = try eventually {
            guard let guest = guests.popLast() else { return false }
            return try guest.ask(request("Subject: good\n\n"), "Subject: good\n\n") == .discard
        }
        #expect(isServed)
    }

    @Test func `rules are loaded anew on SIGHUP, and the old ones stay when they do not load`()
        throws
    {
        try folder.write("rules", "no rule\n")
        service.process.signal(SIGHUP)
        #expect(eventually { service.log.contains("reload-failed") })
        #expect(service.log.contains("rules:1: no scope no"))
        #expect(try ask("Subject: evil\n\n") == Self.evil)
        try folder.write("rules", "header:Subject /good/ discard\n")
        service.process.signal(SIGHUP)
        #expect(try eventually { try ask("Subject: good\n\n") == .discard })
    }

    @Test func `rules that do not load leave no socket behind`() throws {
        let rules = try folder.write("broken", "no rule\n")
        let result = try Tool(
            "regex-filter", ["--rules", rules, "--serve", folder.file("other")]
        ).run()
        #expect(result.code == 55)
        #expect(access(folder.file("other"), F_OK) != 0)
    }
}
