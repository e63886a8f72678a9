// TestAgents: delivery agents in threads of the test, which do what a recipient's name says.
// delivery-protocol(7).
// SPDX-License-Identifier: MIT

import Control
import Foundation
import Glibc
import MailModel
import TestSupport
import UnixIO
import Workers

@testable import MailQueue

/// Both agents of a root, and what they delivered. A recipient whose local-part begins with
/// `fail`, `defer` or `die` is treated so; `later` is deferred, `slow` waits, and nobody at
/// `silent.test` and what ends so can be reached, until `acceptLater`; one
/// that begins with the name of a notice gets it.
final class TestAgents: @unchecked Sendable {
    struct Delivered: Hashable {
        var recipient: String
        var id: QueueID
        var message: [UInt8]
        var sender = ""
        var options = EnvelopeOptions()

        var text: String { String(decoding: message, as: UTF8.self) }
    }

    private let lock = NSLock()
    private var all: [Delivered] = []
    private var attempts: [String: Int] = [:]
    private var isLaterAccepted = false
    private var takesMore = false
    private var served = 0
    private var isClosed = false
    private var paths: [String] = []

    init(_ root: Root) throws {
        for channel in DeliveryChannel.allCases {
            let path = root.socket("deliver-\(channel.rawValue)")
            paths.append(path)
            let listener = try UnixSocket.listen(at: path).take()
            Thread.detachNewThread { [weak self] in
                let owned = OwnedDescriptor(listener)
                while true {
                    let socket = accept(owned.number, nil, nil)
                    guard socket >= 0 else { return }
                    let connection = OwnedDescriptor(socket)
                    guard let self, !self.lock.withLock({ self.isClosed }) else { return }
                    let number = connection.take()
                    Thread.detachNewThread {
                        self.serve(Connection(OwnedDescriptor(number), path))
                    }
                }
            }
        }
    }

    deinit { close() }

    /// Ends the threads.
    func close() {
        lock.withLock { isClosed = true }
        for path in paths { _ = try? UnixSocket.connect(to: path, deadline: .after(.seconds(1))) }
    }

    var delivered: [Delivered] { lock.withLock { all } }

    /// The connections that came.
    var connections: Int { lock.withLock { served } }

    /// From now on a connection may be used for more than one delivery.
    func takeMore() { lock.withLock { takesMore = true } }

    func acceptLater() { lock.withLock { isLaterAccepted = true } }

    /// How many deliveries a domain was asked for, or the local agent as `local`.
    func attempts(at domain: String) -> Int { lock.withLock { attempts[domain, default: 0] } }

    /// What was delivered to a recipient.
    func delivered(to recipient: String) -> [Delivered] {
        delivered.filter { $0.recipient == recipient }
    }

    private func serve(_ connection: borrowing Connection) {
        lock.withLock { served += 1 }
        while serveOne(connection), lock.withLock({ takesMore }) {}
    }

    private func serveOne(_ connection: borrowing Connection) -> Bool {
        let deadline = Deadline.after(.seconds(30))
        guard var received = try? Exchange.receive(on: connection, deadline: deadline),
            let request = try? DeliveryRequest(received.fields),
            let file = received.first.take(),
            let bytes = try? file.borrowed.bytes(
                at: request.messageOffset, count: request.messageLength, "message")
        else { return false }
        let asked = request.domain.map { String(decoding: $0, as: UTF8.self) } ?? "local"
        lock.withLock { attempts[asked, default: 0] += 1 }
        var results: [DeliveryResult] = []
        for recipient in request.envelope.recipients {
            let name = recipient.description
            guard !name.hasPrefix("die") else { return false }
            if name.hasPrefix("slow") {
                _ = eventually { lock.withLock { isLaterAccepted } }
            }
            let result = result(for: name)
            if result.outcome == .delivered {
                let message = request.edits.overlay.top + bytes
                lock.withLock {
                    all.append(
                        Delivered(
                            recipient: name, id: request.id, message: message,
                            sender: request.envelope.reversePath.bytes.printable,
                            options: request.envelope.options))
                }
            }
            results.append(result)
        }
        let domain = request.domain.map { String(decoding: $0, as: UTF8.self) } ?? ""
        let isSilent = domain.hasSuffix("silent.test") && !lock.withLock { isLaterAccepted }
        var reply = DeliveryReply(results, isUnreachable: isSilent)
        // The lock goes before the reply, as with the real ones.
        try? file.close("message")
        reply.takesMore = request.channel == .remote && lock.withLock { takesMore }
        try? Exchange.send(reply.fields, on: connection, deadline: deadline)
        return true
    }

    private func result(for name: String) -> DeliveryResult {
        if name.hasPrefix("fail") { return Samples.result(550, "no such user") }
        if name.hasPrefix("defer") { return Samples.result(451) }
        if name.hasPrefix("later") || name.hasSuffix("silent.test"),
            !lock.withLock({ isLaterAccepted })
        {
            return Samples.result(451)
        }
        var result = DeliveryResult(Reply(250, EnhancedStatus(2, 0, 0), "ok"))
        result.notice = DeliveryNotice.allCases.first { name.hasPrefix($0.rawValue) }
        return result
    }
}

/// A root with control files, a queue and agents, and a clock that the test sets.
final class QueueStage {
    let folder: TestFolder
    let root: Root
    let agents: TestAgents
    var now = Samples.now

    init() throws {
        folder = try TestFolder()
        root = Root(folder.path)
        try folder.write("etc/control/me", "mail.test\n")
        try folder.write("etc/control/locals", "local.test\n")
        try folder.write("run/.keep", "")
        agents = try TestAgents(root)
    }

    deinit { agents.close() }

    var queuePath: String { "\(root.spool)/queue" }

    func spool(_ probe: Spool.Probe? = nil) throws -> Spool {
        try Spool(queuePath, makes: true, probe: probe)
    }

    /// Runs a manager until nothing is left to do now.
    func run(turns: Int = 600, _ probe: Spool.Probe? = nil) throws {
        let runner = try QueueRunner(
            try spool(probe), try RunnerSettings(root), log: Log("test"), clock: { self.now })
        try run(runner, turns: turns)
    }

    func run(_ runner: QueueRunner, turns: Int = 600) throws {
        for _ in 0..<turns {
            runner.work()
            if runner.isIdle { return }
            try runner.wait(nil, atMost: 50)
            // Gathering, pauses and second thoughts are a matter of microseconds.
            now += 20_000
        }
        throw TestFailure(
            "the manager did not come to rest: active \(runner.active.keys), "
                + "waiting \(runner.active.values.map(\.open)), running \(runner.running.count), "
                + "away \(runner.away), new \(runner.source.newMoment), "
                + "deferred \(runner.source.deferredMoment), now \(runner.now), \(files)")
    }

    /// The message and state files, by their paths in the queue.
    var files: [String] {
        let names = try? FileManager.default.subpathsOfDirectory(atPath: queuePath)
        return (names ?? []).filter { name in
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(
                atPath: "\(queuePath)/\(name)", isDirectory: &isFolder)
            return !isFolder.boolValue && name != "trigger" && name != "lock"
        }.sorted()
    }

    @discardableResult
    func accept(
        _ recipients: [String], from sender: String = "alice@local.test", number: UInt32 = 1,
        edits: [Edit] = [], notify: [Notify?] = [], ret: ReturnedContent? = nil,
        requireTLS: Bool = false, _ probe: Spool.Probe? = nil
    ) throws -> QueueID {
        var envelope = Envelope(reversePath: try ReversePath(Array(sender.utf8)))
        envelope.options.ret = ret
        envelope.options.requireTLS = requireTLS
        for (index, recipient) in recipients.enumerated() {
            let notify = notify.indices.contains(index) ? notify[index] : nil
            envelope.append(
                try Mailbox(Array(recipient.utf8)), RecipientOptions(notify: notify))
        }
        let submission = Samples.submission(envelope, edits, id: Samples.id(number))
        try spool(probe).accept(submission, bytes: Samples.text, submitter: "1 0", now: now)
        return submission.id
    }
}
