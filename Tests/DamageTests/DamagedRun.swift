// DamagedRun: ten thousand damaged messages to the pool of a filter, some to its other conventions.
// filters(7), filter-protocol(7).
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

/// What is asked about one damaged message.
struct Damaged: Sendable {
    var message: [UInt8]
    var sender: [UInt8] = Array("me@example.org".utf8)
    var recipient: [UInt8] = Array("you@example.test".utf8)
    var facts = Facts()
}

/// A filter that must never accept what it is given here.
///
/// To hold a filter to more, add rules to its files and plant what they refuse: `plant` is given
/// a damaged message, and what comes back must be refused (or deferred) whatever the damage is.
struct DamagedRun: Sendable {
    let tool: String
    let options: [String]
    var files: [(name: String, bytes: [UInt8])] = []
    /// No message is larger.
    var limit: Int?
    /// At most so many of a thousand may be deferred instead of rejected.
    var deferred = 0
    /// Seconds within which every answer must come.
    var bound = 20
    /// Requests that must come first: what they are answered is not looked at.
    var before = 0
    let plant: @Sendable (inout Damage, inout Damaged) -> Void

    static let count = 10_000

    /// All of them through the socket, and every so many through a shell and as a queue.
    func run(also everyOther: Int = 400) throws {
        let folder = try TestFolder()
        for file in files { try folder.write(file.name, file.bytes) }
        var pool = try Tool(tool, options + ["--serve", folder.file("s"), "--workers", "2-2"])
        pool.folder = folder.path
        let service = try Service(pool, log: folder.file("log"))
        var damage = Damage(seed: -1)
        for _ in 0..<before {
            var first = Damaged(message: Array("Subject: x\n\n".utf8))
            plant(&damage, &first)
            _ = try? ask(first, folder.file("s"))
        }
        #expect(eventually { Self.workers(of: service.process.pid).count == 2 })
        let workers = Self.workers(of: service.process.pid)
        let tally = Tally()
        DispatchQueue.concurrentPerform(iterations: 2) { part in
            for number in stride(from: part, to: Self.count, by: 2) {
                judge(number, folder.file("s"), tally)
            }
        }
        #expect(tally.troubles.isEmpty, "\(tally.troubles.prefix(5))")
        #expect(tally.deferred * 1000 <= deferred * Self.count, "\(tally.deferred) were deferred")
        #expect(Self.workers(of: service.process.pid) == workers)
        #expect(!service.log.contains("worker-died"))
        #expect(service.process.termination == nil)
        for number in stride(from: 0, to: Self.count, by: everyOther) {
            try runOnce(number, folder)
        }
    }

    /// The message of a number: the same in every run.
    func damaged(_ number: Int) -> Damaged {
        var damage = Damage(seed: number, limit: limit)
        var damaged = Damaged(message: damage.message())
        plant(&damage, &damaged)
        return damaged
    }

    private func judge(_ number: Int, _ socket: String, _ tally: Tally) {
        let damaged = damaged(number)
        let began = ContinuousClock.now
        do {
            let verdict = try ask(damaged, socket)
            let took = ContinuousClock.now - began
            if took > .seconds(bound) { tally.note("\(number) took \(took)") }
            switch verdict {
            case .reject: break
            case .defer: tally.noteDeferred()
            case .accept, .discard: tally.note("\(number): \(verdict.word)")
            }
        } catch {
            tally.note("\(number): \(error)")
        }
    }

    private func ask(_ damaged: Damaged, _ socket: String) throws -> Verdict {
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(damaged.message, "message")
        let envelope = Envelope(
            reversePath: try ReversePath(damaged.sender),
            recipients: [try Mailbox(damaged.recipient)])
        let request = FilterRequest(
            stage: .message, facts: damaged.facts, envelope: envelope,
            messageLength: damaged.message.count)
        let reply = try Exchange.call(
            socket, request.fields, descriptors: [file.borrowed], deadline: .after(.seconds(60)))
        return try FilterReply(reply.fields).verdict
    }

    /// One message to processes of its own: never accepted, never a death.
    private func runOnce(_ number: Int, _ folder: TestFolder) throws {
        let damaged = damaged(number)
        var tool = try Tool(tool, options)
        tool.folder = folder.path
        tool.message = damaged.message
        for (fact, variable) in [(FactName.clientIP, "TCPREMOTEIP"), (.helo, "SMTPHELOHOST")] {
            tool.environment[variable] = damaged.facts[fact].map {
                String(decoding: $0, as: UTF8.self)
            }
        }
        // As bytes they could not be arguments.
        let text = String(decoding: damaged.sender, as: UTF8.self)
        let recipient = String(decoding: damaged.recipient, as: UTF8.self)
        var shell = tool
        shell.arguments += ["--sender", text, "--recipient", recipient]
        shell.input = number % 3 == 0 ? .pipe : .file
        let inShell = try shell.run()
        #expect(inShell.code > 0 && inShell.code != 99, "\(number): \(inShell.errors)")
        #expect(inShell.output.isEmpty)
        var queue = tool
        queue.arguments += ["--", "/bin/sh", "-c", "exit 0"]
        queue.envelope = Array("F".utf8) + damaged.sender + [0, 0x54] + damaged.recipient + [0, 0]
        queue.input = shell.input
        let inQueue = try queue.run()
        #expect(inQueue.code > 0, "\(number): \(inQueue.errors)")
    }

    /// The processes that a pool's parent started.
    private static func workers(of pid: pid_t) -> Set<String> {
        let path = "/proc/\(pid)/task/\(pid)/children"
        let bytes = (try? Files.contents(of: path)) ?? []
        return Set(bytes.split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) })
    }
}

/// What went wrong, counted by two threads.
private final class Tally: @unchecked Sendable {
    private let lock = NSLock()
    private(set) var troubles: [String] = []
    private(set) var deferred = 0

    func note(_ trouble: String) { lock.withLock { troubles.append(trouble) } }
    func noteDeferred() { lock.withLock { deferred += 1 } }
}
