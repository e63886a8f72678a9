import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO
import Workers

@testable import MailQueue

/// queue-message as it is run for real: once, with and without the resident service.
@Suite struct QueueMessageTests {
    private let folder: TestFolder
    private var queue: String { folder.file("spool/queue") }

    init() throws {
        folder = try TestFolder()
        try folder.write("spool/.keep", "")
    }

    private func tool(_ envelope: String, message: [UInt8] = Samples.text) throws -> Tool {
        var tool = try Tool("queue-message", ["--root", folder.path])
        tool.message = message
        tool.envelope = Array(envelope.utf8)
        return tool
    }

    private func service(_ arguments: [String] = []) throws -> Service {
        try Service(
            Tool(
                "queue-message",
                ["--root", folder.path, "--serve", "--workers", "1-3"] + arguments),
            log: folder.file("log"))
    }

    /// What is in `new`, read.
    private func queued() throws -> [(stored: QueuedMessage, bytes: [UInt8])] {
        let spool = try Spool(queue, makes: true)
        var found: [(QueuedMessage, [UInt8])] = []
        for shard in Spool.shards {
            for name in folder.names(in: "spool/queue/new/\(shard)") {
                let file = try spool.open("new/\(shard)/\(name)")
                let stored = try MessageFooter.read(file.borrowed, name)
                let bytes = try file.borrowed.bytes(
                    at: stored.messageOffset, count: stored.messageLength, name)
                found.append((stored, bytes))
            }
        }
        return found
    }

    private static let envelope = "Fx@b.test\0Tbob@local.test\0Tcarol@local.test\0\0"

    @Test(arguments: [false, true], [Tool.Input.file, .pipe])
    func `a message is queued as it came, with a field on top`(
        isResident: Bool, input: Tool.Input
    ) throws {
        let service = isResident ? try service() : nil
        var tool = try tool(Self.envelope)
        tool.input = input
        let result = try tool.run()
        #expect(result.code == 0)
        #expect(result.errors.isEmpty)
        let messages = try queued()
        #expect(messages.count == 1)
        #expect(messages.first?.bytes == Samples.text)
        let stored = try #require(messages.first?.stored)
        #expect(
            stored.envelope.recipients.map(\.description) == ["bob@local.test", "carol@local.test"])
        let top = String(decoding: stored.edits.overlay.top, as: UTF8.self)
        #expect(top.contains(/^Received: \(chainmail [0-9]+ invoked by uid [0-9]+\); .* -0000\n$/))
        try service?.stop()
    }

    @Test(arguments: [false, true])
    func `a message over 256 KiB is queued whole`(isResident: Bool) throws {
        let service = isResident ? try service() : nil
        let bytes = (0..<(QueueEntrance.inMemory * 3 + 5)).map {
            UInt8(truncatingIfNeeded: $0 >> 3)
        }
        #expect(try tool(Self.envelope, message: bytes).run().code == 0)
        #expect(try queued().first?.bytes == bytes)
        try service?.stop()
    }

    @Test(
        arguments: [
            ("", 54), ("Fa@b.test\0Tbob@local.test\0", 54), ("Fa@b.test\0Tbob@local", 54),
            ("Xa@b.test\0Tbob@local.test\0\0", 91), ("Fa@b.test\0Xbob@local.test\0\0", 91),
            ("Fa@b.test\0Tbob@local.test\0\0more", 91), ("Fa@b.test\0T\0\0", 91),
            ("Fa@b.test\0T\(String(repeating: "x", count: 1003))\0\0", 11), ("Fa@b.test\0\0", 0),
        ] as [(String, Int32)])
    func `an envelope that is not right queues nothing`(envelope: String, code: Int32) throws {
        let service = try service()
        #expect(try tool(envelope).run().code == code)
        #expect(try queued().isEmpty)
        try service.stop()
    }

    @Test func `an address of 1002 bytes passes`() throws {
        let address = String(repeating: "x", count: 990) + "@local.test"
        #expect(try tool("F\0T\(address)\0\0").run().code == 0)
        #expect(try queued().count == 1)
    }

    @Test func `without a service and a spool it is 56`() throws {
        var tool = try Tool("queue-message", ["--root", folder.file("nowhere")])
        tool.envelope = Array(Self.envelope.utf8)
        #expect(try tool.run().code == 56)
    }

    @Test func `a queue that cannot be made is 53`() throws {
        try folder.write("spool/queue", "a file")
        #expect(try tool(Self.envelope).run().code == 53)
    }

    @Test func `an unreadable message is 54, and bad usage is 55`() throws {
        var unreadable = try tool(Self.envelope)
        let directory = try Files.openFolder(folder.path)
        unreadable.descriptors[0] = directory.number
        unreadable.path = "/bin/sh"
        unreadable.arguments = [
            "-c", "exec \(try Tool.path("queue-message")) --root \(folder.path) < /",
        ]
        #expect(try unreadable.run().code == 54)
        #expect(try Tool("queue-message", ["--no"]).run().code == 55)
    }

    @Test func `it runs in 50 MB of address space`() throws {
        var tool = try tool(Self.envelope)
        let program = try Tool.path("queue-message")
        // The debug build links its runtime dynamically and needs more.
        tool.path = "/bin/sh"
        tool.arguments = ["-c", "ulimit -v 400000; exec \(program) --root \(folder.path)"]
        #expect(try tool.run().code == 0)
    }

    @Test func `a service that hangs up is temporary`() throws {
        try folder.write("run/.keep", "")
        let path = folder.file("run/queue-message")
        let listener = try UnixSocket.listen(at: path)
        let number = listener.number
        detachedThread {
            // Takes the request and goes away.
            _ = try? UnixSocket.accept(Descriptor(rawValue: number), path)
        }
        #expect(try tool(Self.envelope).run().code == 56)
        #expect(try queued().isEmpty)
    }

    @Test func `facts are believed of our own user, and what is asked wrongly is said`() throws {
        let service = try service()
        let client = QueueClient(socket: folder.file("run/queue-message"))
        var submission = Samples.submission(try Samples.envelope(to: "bob@local.test"))
        submission.facts[.clientIP] = Array("192.0.2.7".utf8)
        let file = try client.open(deadline: .after(.seconds(30)))
        try file.writing.borrowed.writeAll(Samples.text, at: 0, "message")
        #expect(throws: SystemError.self, "the other descriptor is for reading") {
            try file.reading.borrowed.writeAll([1], at: 0, "message")
        }
        let outcome = client.commit(
            submission, file.writing.borrowed, deadline: .after(.seconds(30)))
        #expect(outcome == .queued(submission.id))
        #expect(try queued().first?.stored.facts[.clientIP] == Array("192.0.2.7".utf8))

        // Again: the file has a name now.
        let again = client.commit(
            submission, file.writing.borrowed, deadline: .after(.seconds(30)))
        #expect(again == .refused(.badRequest("not a file of the queue")))
        var fields = Fields()
        fields.append("request", "dance")
        let answer = try Exchange.call(
            client.socket, fields, deadline: .after(.seconds(30)))
        #expect(QueueOutcome(answer.fields) == .refused(.badRequest("request")))
        #expect(service.log.contains("event=queued message=\(submission.id)"))
        try service.stop()
    }

    @Test func `the log knows a message by its Message-ID`() throws {
        let service = try service()
        let message = Array("Subject: x\nMessage-ID:\n <a@b.test>\n\n".utf8)
        let envelope = "Fx@b.test\0Tc@d.test\0\0"
        #expect(try tool(envelope, message: message).run().code == 0)
        #expect(try tool(envelope).run().code == 0)
        try service.stop()
        let trace = try Tool("chainmail", ["trace", "a@b.test", folder.file("log")]).run()
        #expect(trace.text.contains("message-id=<a@b.test>"))
        #expect(trace.text.split(separator: "\n").count == 1)
    }

    @Test func `many clients at once are all served, and killed workers come back`() throws {
        let service = try service()
        let path = folder.path
        let accepted = Box(0)
        let lock = Lock()
        let done = Box(0)
        for _ in 0..<4 {
            detachedThread {
                for _ in 0..<25 {
                    var tool = try? Tool("queue-message", ["--root", path])
                    tool?.message = Samples.text
                    tool?.envelope = Array(Self.envelope.utf8)
                    let code = (try? tool?.run().code) ?? -1
                    lock.locked { if code == 0 { accepted.value += 1 } }
                }
                lock.locked { done.value += 1 }
            }
        }
        #expect(eventually(within: .seconds(60)) { lock.locked { accepted.value } > 20 })
        for pid in children(of: service.process.pid) { kill(pid, SIGKILL) }
        #expect(eventually(within: .seconds(120)) { lock.locked { done.value } == 4 })
        let messages = try queued()
        #expect(messages.count >= lock.locked { accepted.value })
        #expect(messages.allSatisfy { $0.bytes == Samples.text })
        #expect(lock.locked { accepted.value } >= 90)
        try service.stop()
    }
}
