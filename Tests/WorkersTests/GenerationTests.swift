// GenerationTests: tests Sources/Workers/Generations.swift, through the process pool-example.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

struct GenerationTests {
    /// A running pool-example whose loads can be made slow, heavy or useless.
    private struct Example {
        let folder: TestFolder
        let socket: String
        let service: Service

        init(_ workers: ClosedRange<Int> = 1...2, _ state: String = "one") throws {
            folder = try TestFolder()
            socket = folder.file("socket")
            let state = try folder.write("state", state)
            let bounds = ["\(workers.lowerBound)", "\(workers.upperBound)"]
            service = try Service(
                Tool("pool-example", [socket] + bounds + [state]), log: folder.file("log"))
        }

        @discardableResult
        func ask(
            _ what: String = "answer"
        ) throws -> (pid: pid_t, parent: pid_t, loaded: String) {
            var request = Fields()
            request.append("do", what)
            let reply = try Exchange.call(socket, request, deadline: .after(.seconds(30))).fields
            return (
                pid_t(try reply.number("pid")), pid_t(try reply.number("parent")),
                reply.text("loaded") ?? ""
            )
        }

        func reload(_ state: String) throws {
            try folder.write("state", state)
            service.process.signal(SIGHUP)
        }

        func answers(_ state: String) throws -> Bool {
            try eventually { try ask().loaded == state }
        }

        /// The next loads wait until somebody writes to the FIFO.
        func makeLoadsSlow() throws { try Files.makeFIFO(folder.file("state.fifo")) }

        func endLoad() throws {
            let fifo = try Files.open(folder.file("state.fifo"), O_WRONLY)
            try Files.unlink(folder.file("state.fifo"))
            try fifo.borrowed.writeAll(Array("x".utf8), "fifo")
        }
    }

    @Test func `while a load takes long requests are answered and dead workers replaced`() throws {
        let example = try Example(1...1)
        try example.makeLoadsSlow()
        try example.reload("two")
        for _ in 0..<5 {
            let before = try example.ask()
            #expect(before.loaded == "one")
            #expect(throws: ExchangeError.self) { try example.ask("crash") }
            #expect(try example.ask().pid != before.pid)
        }
        try example.endLoad()
        #expect(try example.answers("two"))
        #expect(!example.service.log.contains("reload-failed"))
    }

    @Test func `no request is lost in many reloads`() async throws {
        let example = try Example(2...4)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask { for _ in 0..<400 { try example.ask() } }
            }
            for number in 0..<20 {
                try example.reload("set \(number)")
                #expect(try example.answers("set \(number)"))
            }
            try await group.waitForAll()
        }
        // Old generations leave nothing: a parent, its workers, and the process that was started.
        #expect(eventually { Processes.below(example.service.process.pid).count <= 5 })
        #expect(try example.service.stop() == .exited(0))
    }

    @Test func `what is asked for during a load is done afterwards`() throws {
        let example = try Example()
        try example.makeLoadsSlow()
        try example.reload("two")
        let isLoading = eventually {
            !Processes.below(example.service.process.pid).filter {
                Processes.below($0).isEmpty && isBlocked($0)
            }.isEmpty
        }
        #expect(isLoading)
        try example.reload("three")
        try example.endLoad()
        #expect(try example.answers("three"))
    }

    @Test func `a generation whose workers cannot begin does not take over`() throws {
        let example = try Example()
        let before = try example.ask()
        try example.reload("useless")
        #expect(eventually { example.service.log.contains("reload-failed") })
        #expect(example.service.log.contains("no worker could begin"))
        #expect(try example.ask().parent == before.parent)
        #expect(try example.ask().loaded == "one")
    }

    @Test func `after the death of the generation that serves another one is loaded`() throws {
        let example = try Example()
        try example.reload("two")
        // An old worker may answer once more after the first new one has.
        var parent = example.service.process.pid
        let isNew = try eventually {
            let answer = try example.ask()
            parent = answer.parent
            return answer.loaded == "two" && example.service.log.contains("event=reloaded")
        }
        #expect(isNew && parent != example.service.process.pid)
        kill(parent, SIGKILL)
        let isBack = eventually {
            (try? example.ask()).map { $0.parent != parent && $0.loaded == "two" } ?? false
        }
        #expect(isBack, "\(example.service.log)")
        #expect(example.service.log.contains("generation-died"))
    }

    @Test func `a pool notices by itself that what it loaded is out of date`() throws {
        let example = try Example()
        try example.folder.write("state", "two")
        #expect(try example.ask().loaded == "one")
        try example.folder.write("state.wanted", "two")
        #expect(try example.answers("two"))
        // And again, in a generation that is not the first.
        try example.folder.write("state", "three")
        try example.folder.write("state.wanted", "three")
        #expect(try example.answers("three"))
        #expect(example.service.log.contains("out-of-date"))
    }

    @Test func `without the memory for two the old generation stays, and the log says why`() throws
    {
        let example = try Example(1...1, "heavy")
        let before = try example.ask()
        try limitMemory(of: before.parent, to: "+8M")
        try example.reload("heavy too")
        #expect(eventually { example.service.log.contains("not enough memory") })
        #expect(try example.ask().pid == before.pid)
        try limitMemory(of: before.parent, to: "unlimited")
        try example.reload("heavy three")
        #expect(try example.answers("heavy three"))
        // The old set went with its generation.
        let first = example.service.process.pid
        #expect(eventually { (Memory.taken(by: first) ?? .max) < 100 << 20 })
    }

    /// Sets RLIMIT_AS of a process: `unlimited`, or `+8M` for 8 MiB more than it has now.
    private func limitMemory(of pid: pid_t, to limit: String) throws {
        let status = String(decoding: try Files.contents(of: "/proc/\(pid)/status"), as: UTF8.self)
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmSize:") }
        let size = line?.split { $0 == " " || $0 == "\t" }.dropFirst().first.flatMap { Int($0) }
        let bytes = limit == "+8M" ? "\(try #require(size) << 10 + 8 << 20)" : limit
        let tool = try Tool("/usr/bin/prlimit", ["--pid", "\(pid)", "--as=\(bytes):unlimited"])
        #expect(try tool.run().code == 0)
    }

    private func isBlocked(_ pid: pid_t) -> Bool {
        let wait = (try? Files.contents(of: "/proc/\(pid)/syscall")) ?? []
        // openat(2), which waits for the other end of the FIFO.
        return wait.starts(with: "257 ".utf8)
    }
}
