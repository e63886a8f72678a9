// Tests of Pool, through the process pool-example.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

struct PoolTests {
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

        func ask(_ what: String = "answer") throws(ExchangeError) -> (pid: Int, loaded: String) {
            var request = Fields()
            request.append("do", what)
            let reply = try Exchange.call(socket, request, deadline: .after(.seconds(30)))
            let pid = (try? reply.fields.number("pid")) ?? 0
            return (pid, reply.fields.text("loaded") ?? "")
        }

        /// A connection that keeps one worker busy while it is open.
        func hold() throws -> Connection {
            var request = Fields()
            request.append("do", "hold")
            let connection = try UnixSocket.connect(to: socket, deadline: .after(.seconds(30)))
            try Exchange.send(request, on: connection, deadline: .after(.seconds(30)))
            return connection
        }

        /// Asks until the answer is the one wanted; a wrong one in the end is returned.
        func ask(until isWanted: ((pid: Int, loaded: String)) -> Bool) -> Bool {
            eventually { (try? ask()).map(isWanted) ?? false }
        }
    }

    @Test func `the ready line comes when the pool answers`() throws {
        let example = try Example(1...1)
        #expect(example.service.ready == "READY \(example.socket)")
        #expect(try example.ask().loaded == "one")
    }

    @Test func `a worker that crashes cuts its own reply only, and is replaced`() throws {
        let example = try Example(1...1)
        let before = try example.ask().pid
        #expect(throws: ExchangeError.self) { _ = try example.ask("crash") }
        #expect(try example.ask().pid != before)
    }

    @Test func `requests are answered while a worker is held, by another`() throws {
        let example = try Example(1...3)
        let first = try example.hold()
        #expect(try example.ask().pid > 0)
        let second = try example.hold()
        #expect(try example.ask().pid > 0)
        #expect(first.descriptor.number != second.descriptor.number)
    }

    @Test func `with every worker held a request is a time-out, not a process more`() throws {
        let example = try Example(1...1)
        let held = try example.hold()
        let error = #expect(throws: ExchangeError.self) {
            _ = try Exchange.call(
                example.socket, Fields(), deadline: .after(.milliseconds(100)))
        }
        #expect(error?.isTimeout == true)
        #expect(held.descriptor.number > 0)
    }

    @Test func `SIGHUP loads anew`() throws {
        let example = try Example(1...2)
        try example.folder.write("state", "two")
        example.service.process.signal(SIGHUP)
        #expect(example.ask { $0.loaded == "two" })
    }

    @Test func `what does not load leaves the old generation`() throws {
        let example = try Example(1...1)
        let before = try example.ask()
        try Files.unlink(example.folder.file("state"))
        example.service.process.signal(SIGHUP)
        #expect(eventually { example.service.log.contains("reload-failed") })
        #expect(try example.ask() == before)
    }

    @Test func `a worker retires after its share of requests`() throws {
        let example = try Example(1...1)
        let first = try example.ask().pid
        #expect(example.ask { $0.pid != first })
    }

    @Test func `SIGTERM ends the pool and its workers`() throws {
        let example = try Example(2...2)
        let worker = pid_t(try example.ask().pid)
        example.service.process.signal(SIGTERM)
        #expect(hasEnded(worker))
        #expect(try example.service.process.wait(.seconds(30), "pool-example") == .exited(0))
    }

    @Test func `workers end when their parent is killed`() throws {
        let example = try Example(2...2)
        let worker = pid_t(try example.ask().pid)
        example.service.process.signal(SIGKILL)
        #expect(hasEnded(worker))
    }

    /// True once the process is gone or only its parent's to reap.
    private func hasEnded(_ pid: pid_t) -> Bool {
        eventually {
            guard let stat = try? Files.contents(of: "/proc/\(pid)/stat") else { return true }
            let state = String(decoding: stat, as: UTF8.self).split(separator: ")").last ?? ""
            return state.hasPrefix(" Z")
        }
    }
}
