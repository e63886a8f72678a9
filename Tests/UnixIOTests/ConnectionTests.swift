// Tests of UnixSocket and Connection.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing
import UnixIO

struct ConnectionTests {
    private let testFolder: TestFolder
    private var folder: String { testFolder.path }

    init() throws { testFolder = try TestFolder() }

    @Test func `bytes and descriptors arrive together`() throws {
        let path = "\(folder)/s"
        let listener = try UnixSocket.listen(at: path)
        let client = try UnixSocket.connect(to: path, deadline: .after(.seconds(10)))
        let server = try UnixSocket.accept(listener.borrowed, path)
        let memory = try Files.inMemory("passed")
        try memory.borrowed.writeAll(Array("passed".utf8), "memory")
        try client.send(Array("hello".utf8), descriptors: [memory.borrowed])
        var received = Received()
        let got = try server.receive(
            into: &received, limit: 100, deadline: .after(.seconds(10)))
        #expect(got == 5)
        #expect(received.bytes == Array("hello".utf8))
        guard let passed = received.first.take() else {
            Issue.record("no descriptor came along")
            return
        }
        #expect(try passed.borrowed.bytes(at: 0, count: 10, "passed") == Array("passed".utf8))
        let isAlone = received.second == nil
        #expect(isAlone)
    }

    @Test func `a path longer than sun_path works`() throws {
        let long = "\(folder)/\(String(repeating: "x", count: 120))"
        try Files.makeFolders(long)
        let listener = try UnixSocket.listen(at: "\(long)/socket")
        let client = try UnixSocket.connect(to: "\(long)/socket", deadline: .after(.seconds(10)))
        #expect(listener.number != client.descriptor.number)
    }

    @Test func `a socket file left behind is replaced, and one nobody serves refuses`() throws {
        let path = "\(folder)/left"
        do { _ = try UnixSocket.listen(at: path) }
        let error = #expect(throws: SystemError.self) {
            _ = try UnixSocket.connect(to: path, deadline: .after(.seconds(10)))
        }
        #expect(error?.errno == .connectionRefused)
        let again = try UnixSocket.listen(at: path)
        let client = try UnixSocket.connect(to: path, deadline: .after(.seconds(10)))
        #expect(again.number != client.descriptor.number)
    }

    @Test func `the end of the other side is no bytes`() throws {
        let path = "\(folder)/end"
        let listener = try UnixSocket.listen(at: path)
        do { _ = try UnixSocket.connect(to: path, deadline: .after(.seconds(10))) }
        let server = try UnixSocket.accept(listener.borrowed, path)
        var received = Received()
        #expect(
            try server.receive(into: &received, limit: 10, deadline: .after(.seconds(10))) == 0)
    }

    @Test func `who says nothing is a time-out`() throws {
        let path = "\(folder)/silent"
        let listener = try UnixSocket.listen(at: path)
        let client = try UnixSocket.connect(to: path, deadline: .after(.seconds(10)))
        var received = Received()
        let error = #expect(throws: SystemError.self) {
            _ = try client.receive(
                into: &received, limit: 10, deadline: .after(.milliseconds(20)))
        }
        #expect(error?.errno == .timedOut)
        #expect(listener.number >= 0)
    }

    @Test func `a full backlog is a time-out`() throws {
        let path = "\(folder)/full"
        let listener = try UnixSocket.listen(at: path, backlog: 0)
        let first = try UnixSocket.connect(to: path, deadline: .after(.seconds(10)))
        let error = #expect(throws: SystemError.self) {
            for _ in 0..<3 {
                // Kept open by the listener's queue, though closed here.
                _ = try UnixSocket.connect(to: path, deadline: .after(.milliseconds(50)))
            }
        }
        #expect(error?.errno == .timedOut)
        #expect(first.descriptor.number != listener.number)
    }
}
