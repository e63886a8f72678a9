// Tests of steps behind a socket: real workers, and pools that are busy, gone, or lie.
// filter-protocol(7), filters.d(5).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

struct ResidentStepTests {
    private let world: World

    init() throws {
        world = try World()
        // Where no pool answers, the program leaves a trace.
        let path = try world.folder.write(
            "started", "touch '\(world.folder.file("ran"))'\nexit 31\n")
        try world.describe("10-a", "run /bin/sh \"\(path)\"", "timeout 2s")
    }

    private var socket: String { world.folder.file("run/filters/10-a") }
    private var wasStarted: Bool { world.trace("ran") != nil }

    private func judge(
        answeredBy answer: @escaping @Sendable (FilterRequest, borrowing Connection) throws -> Void
    ) throws -> Answer {
        let pool = try FakePool(socket, answer: answer)
        let result = try world.judge()
        #expect(!wasStarted)
        withExtendedLifetime(pool) {}
        return result
    }

    @Test func `workers of a filter answer`() throws {
        let rules = try world.folder.write(
            "rules", "header:Subject /evil/ reject 550 5.7.1 evil\n")
        try world.describe("10-a", "run regex-filter --rules \"\(rules)\"")
        let step = try #require(try world.chain().residentSteps.first)
        let service = try Service(
            Tool(step.program, step.arguments), log: world.folder.file("log"))
        #expect(try world.judge("Subject: evil\n\n").status == "550 5.7.1")
        #expect(try world.judge("Subject: good\n\n").verdict == .accept)
        try service.stop()
        // The socket is there still, but nobody serves it.
        #expect(try world.judge("Subject: good\n\n").verdict.word == "defer")
        unlink(socket)
        #expect(try world.judge("Subject: evil\n\n").status == "550 5.7.1")
    }

    @Test func `a record is the verdict`() throws {
        let field = try #require(HeaderField("X-Test", "1"))
        let verdicts: [Verdict] = [
            .accept([.prepend(field), .note(name: "a", value: [0x62]), .hold]),
            ProcessStepTests.no, ProcessStepTests.later, .discard,
        ]
        for verdict in verdicts {
            let answer = try judge { _, connection in
                try connection.send(FilterReply(verdict).frame)
            }
            #expect(answer.verdict == verdict)
        }
    }

    @Test func `a pool whose workers are all busy is 451 4.3.2, and no process is started`() throws
    {
        let listener = try UnixSocket.listen(at: socket)
        #expect(try world.judge().status == ProcessStepTests.busy)
        withExtendedLifetime(listener) {}
        #expect(!wasStarted)
    }

    @Test func `a pool whose backlog is full is 451 4.3.2, and no process is started`() throws {
        let listener = try UnixSocket.listen(at: socket, backlog: 0)
        var waiting: [Int32] = []
        defer { for number in waiting { close(number) } }
        while let one = try? UnixSocket.connect(to: socket, deadline: .after(.milliseconds(100))) {
            waiting.append(dup(one.descriptor.number))
            try #require(waiting.count < 100)
        }
        #expect(try world.judge().status == ProcessStepTests.busy)
        withExtendedLifetime(listener) {}
        #expect(!wasStarted)
    }

    @Test func `without a socket a process is started`() throws {
        #expect(try world.judge().verdict.word == "defer")
        #expect(wasStarted)
    }

    @Test func `a socket that nobody serves is defer`() throws {
        do { _ = try UnixSocket.listen(at: socket) }
        #expect(try world.judge().status == ProcessStepTests.broken)
        #expect(!wasStarted)
    }

    @Test func `a file in the place of the socket is defer`() throws {
        try world.folder.write("run/filters/10-a", "not a socket")
        #expect(try world.judge().verdict.word == "defer")
        #expect(!wasStarted)
    }

    @Test func `a path longer than a socket's name may be works too`() throws {
        let root = world.folder.file(String(repeating: "a", count: 150))
        for path in ["etc/filters.d", "run/filters"] { try Files.makeFolders("\(root)/\(path)") }
        #expect(
            link(world.folder.file("etc/filters.d/10-a"), "\(root)/etc/filters.d/10-a") == 0)
        let chain = try Chain(Root(root))
        var request = try World.request()
        request.messageLength = 0
        #expect(chain.judge(request, nil, log: Log("test")).verdict.word == "defer")
        let pool = try FakePool("\(root)/run/filters/10-a", ProcessStepTests.no)
        #expect(chain.judge(request, nil, log: Log("test")).verdict == ProcessStepTests.no)
        withExtendedLifetime(pool) {}
    }

    @Test(arguments: [0, 1, 10, 30])
    func `a reply cut anywhere is defer`(length: Int) throws {
        let answer = try judge { _, connection in
            try connection.send(Array(FilterReply(.accept).frame.prefix(length)))
        }
        #expect(answer.status == ProcessStepTests.broken)
    }

    @Test(arguments: ["HTTP/1.0 200 OK\r\n\r\n", "0:,", "3:abc,", "99999999999:", "999999999:x"])
    func `a reply that is none is defer`(text: String) throws {
        let answer = try judge { _, connection in try connection.send(Array(text.utf8)) }
        #expect(answer.status == ProcessStepTests.broken)
    }

    @Test func `a reply that does not end is defer in time`() throws {
        let answer = try judge { _, connection in
            try connection.send(Array("100:".utf8))
            var received = Received()
            // Until the chain goes away.
            _ = try? connection.receive(into: &received, limit: 1, deadline: .after(.seconds(60)))
        }
        #expect(answer.status == ProcessStepTests.busy)
    }

    // MARK: Another message

    private func judge(
        replacing range: (offset: Int, length: Int), with text: String?
    ) throws -> Answer {
        try judge { _, connection in
            let edit = Edit.replaceMessage(offset: range.offset, length: range.length)
            let frame = FilterReply(.accept([edit])).frame
            guard let text else { return try connection.send(frame) }
            let file = try Files.inMemory("replacement")
            try file.borrowed.writeAll(Array(text.utf8), "replacement")
            try connection.send(frame, descriptors: [file.borrowed])
        }
    }

    @Test func `a message in place of the old one is taken from where it is said to be`() throws {
        #expect(try judge(replacing: (4, 5), with: "1234hello6789").message == "hello")
        #expect(try judge(replacing: (4, 0), with: "1234").message == "")
    }

    @Test(arguments: [(0, 5), (4, 1), (5, 0), (Int.max, 1), (1, Int.max), (0, 1 << 40)])
    func `a message that is shorter than it is said to be is defer`(offset: Int, length: Int) throws
    {
        #expect(
            try judge(replacing: (offset, length), with: "1234").status == ProcessStepTests.broken)
    }

    @Test func `a message without a file is defer`() throws {
        #expect(try judge(replacing: (0, 0), with: nil).status == ProcessStepTests.broken)
    }

    @Test func `a message in a pipe is defer`() throws {
        let answer = try judge { _, connection in
            let pipe = try OwnedPipe()
            let edit = Edit.replaceMessage(offset: 0, length: 0)
            try connection.send(
                FilterReply(.accept([edit])).frame, descriptors: [pipe.reading])
        }
        #expect(answer.status == ProcessStepTests.broken)
    }

    @Test func `later steps see the new message, and header edits of the old one are gone`() throws
    {
        let field = try #require(HeaderField("X-Old", "1"))
        let after = try #require(HeaderField("X-New", "2"))
        let first = try FakePool(socket) { _, connection in
            let file = try Files.inMemory("replacement")
            try file.borrowed.writeAll(Array("--Subject: new\n\nnew\n--".utf8), "replacement")
            let edits: [Edit] = [
                .prepend(field), .replaceMessage(offset: 2, length: 18), .prepend(after),
            ]
            try connection.send(
                FilterReply(.accept(edits)).frame, descriptors: [file.borrowed])
        }
        try world.script("20-b", "cat > '\(world.folder.file("seen"))'")
        let answer = try world.judge()
        #expect(world.trace("seen") == "X-New: 2\nSubject: new\n\nnew\n")
        #expect(answer.message == "X-New: 2\nSubject: new\n\nnew\n")
        withExtendedLifetime(first) {}
    }

    @Test func `a message before there is one is defer`() throws {
        try world.describe("10-a", "run cat", "stage data", "timeout 5s")
        let pool = try FakePool(socket) { _, connection in
            let file = try Files.inMemory("replacement")
            try connection.send(
                FilterReply(.accept([.replaceMessage(offset: 0, length: 0)])).frame,
                descriptors: [file.borrowed])
        }
        let answer = try world.judge {
            $0.stage = .data
            $0.messageLength = 0
        }
        #expect(answer.status == ProcessStepTests.broken)
        withExtendedLifetime(pool) {}
    }
}
