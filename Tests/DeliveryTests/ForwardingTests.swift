// Mail that users send on, through the real queue, manager and agent.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import MailQueue
import TestSupport
import Testing
import UnixIO

@testable import Delivery

@Suite struct ForwardingTests {
    private let world: LocalWorld
    private let queue: Service
    private let spool: String

    init() throws {
        world = try LocalWorld()
        try world.folder.write("root/run/.keep", "")
        spool = "\(world.root.spool)/queue"
        let root = world.root.arguments
        queue = try Service(
            Tool("queue-message", ["--serve"] + root), log: world.folder.file("queue.log"))
    }

    /// The agent and the manager.
    private func start() throws -> (agent: Service, manager: Service) {
        let root = world.root.arguments
        let agent = try Service(
            Tool(
                "deliver-local",
                ["--serve", world.root.socket("deliver-local")] + root
                    + (LocalWorld.isRoot ? ["--as-owner"] : [])),
            log: world.folder.file("agent.log"))
        let manager = try Service(
            Tool("queue-manager", root), log: world.folder.file("manager.log"))
        return (agent, manager)
    }

    private func submit(_ recipients: [String]) throws {
        var tool = try Tool("queue-message", world.root.arguments)
        tool.message = bytes("Subject: x\n\nhi\n")
        tool.envelope = bytes("Fs@x.test\0" + recipients.map { "T\($0)\0" }.joined() + "\0")
        #expect(try tool.run().code == 0)
    }

    private func isEmpty() -> Bool {
        let folders = ["new", "deferred"].flatMap { folder in
            world.folder.names(in: "root/spool/queue/\(folder)").map { "\(folder)/\($0)" }
        }
        return folders.allSatisfy { world.folder.names(in: "root/spool/queue/\($0)").isEmpty }
    }

    @Test func `what is sent on arrives, with where it was on top`() throws {
        try world.dotQmail("-one", "./Maildir/\n&alice-two@y.test\nalice-three@y.test\n")
        try world.dotQmail("-two", "./Two/\n")
        try world.dotQmail("-three", "|cat > three; echo \"$SENDER\" > sender\n")
        let services = try start()
        try submit(["alice-one@y.test"])
        let arrives = eventually { isEmpty() && world.count("Two") == 1 && world.count() == 1 }
        #expect(arrives, "\(services.manager.log)\(services.agent.log)")
        let text = String(decoding: try world.folder.read("home/alice/three"), as: UTF8.self)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.first?.hasPrefix("Received: (chainmail ") == true)
        #expect(lines.first?.contains("invoked by uid \(LocalWorld.user)); ") == true)
        #expect(lines.dropFirst().first == "Delivered-To: alice-one@y.test")
        #expect(text.hasSuffix("Subject: x\n\nhi\n"))
        #expect(try world.folder.read("home/alice/sender") == bytes("s@x.test\n"))
    }

    @Test func `a list with an owner has a reverse-path for each of its members`() throws {
        try world.dotQmail("-list", "alice-list-a@y.test\nalice-list-b@y.test\n", mode: 0o744)
        for name in ["-list-owner", "-list-owner-default"] { try world.dotQmail(name, "# none\n") }
        try world.dotQmail("-list-default", "|echo \"$SENDER\" > \"$EXT2\"\n")
        let services = try start()
        try submit(["alice-list@y.test"])
        #expect(eventually { isEmpty() }, "\(services.manager.log)\(services.agent.log)")
        for name in ["a", "b"] {
            let sender = "alice-list-owner-alice-list-\(name)=y.test@y.test\n"
            #expect(try world.folder.read("home/alice/\(name)") == bytes(sender))
        }
    }

    @Test func `what succeeded is not repeated, though the manager was another one then`() throws {
        try world.dotQmail("-x", "./Maildir/\n|test -e go || exit 111\n./Second/\n")
        var services = try start()
        try submit(["alice-x@y.test"])
        let isDeferred = eventually { services.manager.log.contains("event=deferred") }
        #expect(isDeferred, "\(services.manager.log)")
        try services.manager.stop()
        services.manager = try Service(
            Tool("queue-manager", world.root.arguments), log: world.folder.file("second.log"))
        try world.folder.write("home/alice/go", "")
        services.manager.process.signal(SIGALRM)
        let arrives = eventually { isEmpty() && world.count("Second") == 1 }
        #expect(arrives, "\(services.manager.log)\(services.agent.log)")
        #expect(world.count() == 1)
    }

    @Test func `what is handed over again since nobody heard of it is in the queue once`() throws {
        try world.dotQmail("-x", "&bob@x.test\n")
        for _ in 0..<2 {
            #expect(try world.deliver(["alice-x@y.test"])[0].outcome == .delivered)
        }
        let files = world.folder.names(in: "root/spool/queue/new").flatMap { folder in
            world.folder.names(in: "root/spool/queue/new/\(folder)")
        }
        #expect(files.count == 1)
    }

    @Test func `where somebody else took the id the mail waits, and is not taken for queued`()
        throws
    {
        let origin = ForwardOrigin(
            message: SessionID(microseconds: 1, random: 2).message(3), recipient: 0)
        let mailbox = try Mailbox(bytes("eve@x.test"))
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(bytes("a: b\n"), "message")
        let stranger = Submission(
            id: origin.id, envelope: Envelope(reversePath: .null, recipients: [mailbox]),
            messageLength: 5, isCopied: true)
        let client = QueueClient(socket: world.root.socket("queue-message"))
        let outcome = client.commit(stranger, file.borrowed, deadline: .after(.seconds(60)))
        #expect(outcome == .queued(origin.id))
        try world.dotQmail("-x", "&bob@x.test\n")
        let result = try world.deliver(["alice-x@y.test"])[0]
        #expect(result.outcome == .deferred)
        withExtendedLifetime(file) {}
    }
}
