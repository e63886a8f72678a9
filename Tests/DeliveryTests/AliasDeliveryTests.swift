// Deliveries that the aliases file asks for, as the user alias.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Delivery
@testable import Recipients

@Suite struct AliasDeliveryTests {
    private let world: LocalWorld
    private let queue: Service

    init() throws {
        world = try LocalWorld()
        try world.folder.write("root/run/.keep", "")
        try world.folder.write("root/etc/alias/.keep", "")
        try Files.makeFolders(world.folder.file("open"))
        for path in ["root/etc", "root/etc/alias", "open"] {
            chmod(world.folder.file(path), 0o755)
        }
        if LocalWorld.isRoot {
            for path in ["root/etc/alias", "open"] {
                chown(world.folder.file(path), LocalWorld.user, LocalWorld.group)
            }
        }
        queue = try Service(
            Tool("queue-message", ["--serve"] + world.root.arguments),
            log: world.folder.file("queue.log"))
    }

    private var open: String { world.folder.file("open") }

    private func aliases(_ text: String) throws {
        try world.folder.write("root/etc/control/aliases", text)
    }

    /// The envelopes in the queue, as text.
    private func queued() throws -> [String] {
        try world.folder.names(in: "root/spool/queue/new").flatMap { part in
            try world.folder.names(in: "root/spool/queue/new/\(part)").map { name in
                String(
                    decoding: try world.folder.read("root/spool/queue/new/\(part)/\(name)"),
                    as: UTF8.self)
            }
        }
    }

    @Test func `each kind of value is delivered, by the user alias`() throws {
        try world.folder.write("open/list", "one@x.test\ntwo@x.test\n")
        chmod("\(open)/list", 0o644)
        try aliases(
            "all: \(open)/box, \(open)/dir/, \"|id -u > \(open)/id\", :include:\(open)/list,\n"
                + " three@x.test, one@x.test, /dev/null\n")
        let result = try #require(try world.deliver(["ALL@y.test"]).first)
        #expect(result.reply.code == 250, "\(result.reply)")
        #expect(try world.folder.read("open/id") == bytes("\(LocalWorld.user)\n"))
        #expect(world.folder.names(in: "open/dir/new").count == 1)
        #expect(try world.folder.read("open/box").isEmpty == false)
        let messages = try queued()
        #expect(messages.count == 1)
        for address in ["one@x.test", "two@x.test", "three@x.test"] {
            #expect(messages.joined().components(address) == 1, "\(address)")
        }
    }

    @Test func `what succeeded is not repeated when another is deferred or fails`() throws {
        try aliases(
            "all: \"|exit 100\", \"|test -e \(open)/go || exit 111\", \(open)/dir/, x@x.test\n")
        let first = try #require(try world.deliver(["all@y.test"]).first)
        #expect(first.outcome == .deferred, "\(first.reply)")
        #expect(world.folder.names(in: "open/dir/new").count == 1)
        #expect(try queued().count == 1)
        #expect(first.done.contains(bytes("forward")))
        try world.folder.write("open/go", "")
        let second = try #require(try world.deliver(["all@y.test"], done: [0: first.done]).first)
        // Only what failed for good is left to be told.
        #expect(second.reply.code == 554 || second.reply.code == 550, "\(second.reply)")
        #expect(world.folder.names(in: "open/dir/new").count == 1)
        #expect(try queued().count == 1)
    }

    @Test(arguments: [
        ("sender@x.test", "owner-list@y.test"), ("", ""), ("#@[]", "#@[]"),
    ])
    func `a list's owner has the reports, but for reports`(sender: String, becomes: String) throws {
        try aliases("list: \"|echo \\\"$NEWSENDER\\\" > \(open)/sender\"\nowner-list: alice\n")
        _ = try world.deliver(["list@y.test"], from: sender)
        #expect(try world.folder.read("open/sender") == bytes("\(becomes)\n"))
    }

    @Test func `a user who is among his own alias has the mail`() throws {
        try aliases("alice: alice, \(open)/dir/\n")
        _ = try world.deliver(["alice@y.test"])
        #expect(world.folder.names(in: "open/dir/new").count == 1)
        #expect(try queued().joined().components("\\alice@y.test") >= 1)
        let text = "Delivered-To: alice@y.test\nSubject: x\n\nx\n"
        let result = try #require(try world.deliver(["\\alice@y.test"], text: text).first)
        #expect(result.reply.code == 250, "\(result.reply)")
        #expect(world.count() == 1)
    }

    @Test func `a client does not get past an alias by a backslash`() throws {
        try aliases("alice: /dev/null\n")
        try world.folder.write("root/etc/alias/.qmail-default", "./Maildir/\n")
        var sources = try RecipientSources(world.root)
        let client = try Mailbox(Array("\\alice@y.test".utf8))
        #expect(try sources.find(client) == .noSuchMailbox)
        #expect(try sources.find(Mailbox(Array("bob@y.test".utf8))) != .noSuchMailbox)
    }

    @Test func `no command runs as the owner of all mailboxes`() throws {
        try aliases("run: \"|id > \(open)/id\"\nby-way: run\nfile: \(open)/box\n")
        chown(world.root.mail, LocalWorld.user, LocalWorld.group)
        #expect(rename(world.folder.file("root/etc/alias"), world.folder.file("root/gone")) == 0)
        for name in ["run", "by-way"] {
            let result = try #require(try world.deliver(["\(name)@y.test"]).first)
            #expect(result.outcome == .deferred, "\(result.reply)")
        }
        #expect(!world.folder.names(in: "open").contains("id"))
        let result = try #require(try world.deliver(["file@y.test"]).first)
        #expect(result.reply.code == 250, "\(result.reply)")
        #expect(try world.folder.read("open/box").isEmpty == false)
    }

    @Test func `a list by many names is told in pieces that are no longer than may be`() throws {
        let address = String(repeating: "a", count: 700) + "@x.test"
        try world.folder.write(
            "open/list", (0..<1000).map { "\($0)\(address)\n" }.joined())
        chmod("\(open)/list", 0o644)
        try aliases("list: :include:\(open)/list, \(open)/dir/\n")
        let names = (0..<24).map { "list+\($0)@y.test" }
        let results = try world.deliver(names)
        #expect(results.filter { $0.outcome == .delivered }.count == 24, "\(results[0].reply)")
        #expect(world.folder.names(in: "open/dir/new").count == 24)
    }

    @Test func `a loop through the queue ends at our own Delivered-To`() throws {
        try aliases("a: b@x.test\n")
        let text = "Delivered-To: a@y.test\nSubject: x\n\nx\n"
        let result = try #require(try world.deliver(["a@y.test"], text: text).first)
        #expect(result.outcome == .failed, "\(result.reply)")
    }

    @Test(arguments: ["a: b c\n", "a: c\nc: a\n", "a: :include:/none/such\n", "a: b\r\n"])
    func `what is not known is deferred`(text: String) throws {
        try aliases("x: y\n")
        let stored = try StoredMessage("Subject: x\n\nx\n")
        var agent = try LocalAgent(world.root, becomesOwner: LocalWorld.isRoot)
        try aliases(text)
        let request = try stored.request(["a@y.test"], from: "s@x.test")
        let result = try #require(agent.deliver(request, stored.file.borrowed).results.first)
        #expect(result.outcome == .deferred, "\(result.reply)")
        #expect(try queued().isEmpty)
    }
}

extension String {
    /// How often a text is in it.
    fileprivate func components(_ text: String) -> Int {
        let (all, part) = (Array(utf8), Array(text.utf8))
        guard !part.isEmpty, all.count >= part.count else { return 0 }
        return (0...(all.count - part.count)).count { all[$0...].starts(with: part) }
    }
}
