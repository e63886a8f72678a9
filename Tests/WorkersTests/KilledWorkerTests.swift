// KilledWorkerTests: tests Sources/Workers/Recall.swift, through the process pool-example.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

struct KilledWorkerTests {
    /// Far more than an answer takes, and less than a pool waits before it tries again something.
    private static let promptly = Duration.seconds(5)

    /// A running pool-example.
    private struct Example {
        let folder: TestFolder
        let socket: String
        let service: Service

        init(_ workers: ClosedRange<Int>) throws {
            folder = try TestFolder()
            socket = folder.file("socket")
            let state = try folder.write("state", "one")
            let bounds = ["\(workers.lowerBound)", "\(workers.upperBound)"]
            service = try Service(
                Tool("pool-example", [socket] + bounds + [state]), log: folder.file("log"))
        }

        /// All processes but the first.
        var workers: [pid_t] { Processes.below(service.process.pid) }

        func connect() throws -> Connection {
            try UnixSocket.connect(to: socket, deadline: .after(.seconds(30)))
        }

        /// Sends a request, after which a worker is killed, and takes the answer.
        /// - Returns: the worker that answered; nil when it closed instead.
        @discardableResult
        func ask(_ what: String = "answer", killing victim: pid_t? = nil) throws -> pid_t? {
            let deadline = Deadline.after(KilledWorkerTests.promptly)
            let connection = try connect()
            if let victim { kill(victim, SIGKILL) }
            var request = Fields()
            request.append("do", what)
            do {
                try Exchange.send(request, on: connection, deadline: deadline)
                let reply = try Exchange.receive(on: connection, deadline: deadline).fields
                return pid_t(try reply.number("pid"))
            } catch let error as ExchangeError where !error.isTimeout {
                return nil
            }
        }

        /// Keeps workers busy until there are as many as there may be.
        func grow(to count: Int) throws {
            var held: [Held] = []
            while held.count < count - 1 {
                let connection = try connect()
                var request = Fields()
                request.append("do", "hold")
                try Exchange.send(request, on: connection, deadline: .after(.seconds(30)))
                held.append(Held(connection))
                let wanted = held.count + 1
                #expect(eventually { workers.count >= wanted })
            }
        }

        /// How long a process has worked, in hundredths of a second.
        func ticks(of pid: pid_t) throws -> Int {
            let stat = try Files.contents(of: "/proc/\(pid)/stat")
            let rest = String(decoding: stat, as: UTF8.self).split(separator: ")").last ?? ""
            let words = rest.split(separator: " ")
            try #require(words.count > 12)
            return try #require(Int(words[11])) + #require(Int(words[12]))
        }

        /// True while the process waits for something.
        func sleeps(_ pid: pid_t) -> Bool {
            let stat = (try? Files.contents(of: "/proc/\(pid)/stat")) ?? []
            let state = String(decoding: stat, as: UTF8.self).split(separator: ")").last ?? ""
            return state.hasPrefix(" S")
        }
    }

    private final class Held {
        private let connection: Connection
        init(_ connection: consuming Connection) { self.connection = connection }
    }

    @Test func `a worker that may open no more files does not spin, and serves when it may`() throws
    {
        let example = try Example(1...1)
        let pid = try #require(try example.ask())
        try limit(pid, "0:1024")
        let before = try example.ticks(of: pid)
        let connection = try example.connect()
        usleep(1_000_000)
        // Of a hundred.
        #expect(try example.ticks(of: pid) - before < 30)
        try limit(pid, "1024:1024")
        var request = Fields()
        request.append("do", "answer")
        let deadline = Deadline.after(Self.promptly)
        try Exchange.send(request, on: connection, deadline: deadline)
        let reply = try Exchange.receive(on: connection, deadline: deadline).fields
        #expect(pid_t(try reply.number("pid")) == pid)
    }

    private func limit(_ pid: pid_t, _ files: String) throws {
        let result = try Tool("/usr/bin/prlimit", ["--pid", "\(pid)", "--nofile=\(files)"]).run()
        try #require(result.code == 0, "\(result.errors)")
    }

    @Test func `a connection that woke a worker which was killed goes to an idle one at once`()
        throws
    {
        let example = try Example(1...12)
        try example.grow(to: 12)
        // Above the lower bound no worker takes the place of one that died.
        for _ in 0..<11 {
            // The kernel wakes the same one again while it is idle.
            let pid = try #require(try example.ask())
            #expect(eventually { example.sleeps(pid) })
            try example.ask(killing: pid)
        }
        #expect(try example.ask() != nil)
    }

    @Test func `workers killed at random under load cost a connection, and no time`() async throws {
        let example = try Example(1...12)
        try example.grow(to: 12)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { for _ in 0..<200 { try example.ask() } }
            for number in 0..<200 {
                let workers = example.workers
                let isDeadly = number.isMultiple(of: 10) && workers.count > 2
                try example.ask(killing: isDeadly ? workers.randomElement() : nil)
            }
            try await group.waitForAll()
        }
        #expect(example.service.log.contains("worker-died"))
    }

    @Test func `a generation that is killed when it can serve leaves the old one, and no request`()
        throws
    {
        let example = try Example(2...2)
        for number in 0..<5 {
            let known = Set(example.workers)
            try example.folder.write("state", "set \(number)")
            example.service.process.signal(SIGHUP)
            var parent: pid_t?
            let hasWorkers = eventually {
                parent = example.workers.first {
                    !known.contains($0) && !Processes.below($0).isEmpty
                }
                return parent != nil
            }
            #expect(hasWorkers)
            try example.ask(killing: parent)
            #expect(eventually { (try? example.ask()) != nil })
        }
    }
}
