// Each line of a dot-qmail file, and what is done with its mail.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing

@testable import Delivery
@testable import Recipients

/// Contract of qmail-local and qmail-command, row by row.
@Suite struct DotQmailDeliveryTests {
    private let world: LocalWorld

    init() throws { world = try LocalWorld() }

    @Test(arguments: [
        ("al", "# comment\n./Maildir/\n", "250", 1), ("to", "./Maildir/", "250", 1),
        ("blanks", "./Maildir/ \t\n\n\n", "250", 1), ("none", "# nothing\n", "250", 0),
        ("empty", "", "250", 1), ("first", "\n./Maildir/\n", "451", 0),
        ("twice", "./Maildir/\n./Maildir/\n", "250", 2),
        ("list", "+list\n./Maildir/\n", "451", 0), ("lists", "+lists\n./Maildir/\n", "250", 1),
        ("prog", "+list\n|exit 0\n", "451", 0),
        ("exit0", "|exit 0\n./Maildir/\n", "250", 1),
        ("exit99", "|exit 99\n./Maildir/\n", "250", 0),
        ("exit100", "|exit 100\n./Maildir/\n", "554", 0),
        ("exit111", "|exit 111\n./Maildir/\n", "451", 0),
        ("exit64", "|exit 64", "554", 0), ("exit65", "|exit 65", "554", 0),
        ("exit70", "|exit 70", "554", 0), ("exit76", "|exit 76", "554", 0),
        ("exit77", "|exit 77", "554", 0), ("exit78", "|exit 78", "554", 0),
        ("exit112", "|exit 112", "554", 0), ("exit71", "|exit 71", "451", 0),
        ("exit75", "|exit 75", "451", 0), ("exit1", "|exit 1", "451", 0),
        ("none127", "|/nonexistent/program", "451", 0), ("crash", "|kill -9 $$", "451", 0),
        ("late", "./Maildir/\n|exit 100\n", "554", 1),
        ("bad", "&\n", "451", 0), ("long", "&\(String(repeating: "a", count: 5000))\n", "451", 0),
    ])
    func `a file does what its lines say`(
        ext: String, text: String, code: String, messages: Int
    ) throws {
        try world.dotQmail("-\(ext)", text)
        #expect(try world.reply("alice-\(ext)@y.test").prefix(3) == code)
        #expect(world.count() == messages)
    }

    @Test(arguments: [
        ("./Maildir/\n", "451"), ("|exit 0\n", "451"), ("./mbox\n", "451"), ("# only\n", "250"),
        ("", "250"),
    ])
    func `a file with the execute bit only forwards`(text: String, code: String) throws {
        try world.dotQmail("-x", text, mode: 0o744)
        #expect(try world.reply("alice-x@y.test").prefix(3) == code)
    }

    @Test func `nothing is done when a later line cannot be used`() throws {
        try world.dotQmail("-x", "./Maildir/\n+list\n|exit 0\n")
        #expect(try world.reply("alice-x@y.test").hasPrefix("451 4.7.0 Uh-oh"))
        #expect(world.count() == 0)
    }

    @Test func `without a file the user has his Maildir, and an extension none`() throws {
        #expect(try world.reply("alice@y.test").hasPrefix("250 2.1.5"))
        #expect(world.count() == 1)
        #expect(try world.reply("alice-none@y.test").hasPrefix("550 5.1.1"))
        #expect(try world.reply("nobody@y.test").hasPrefix("550 5.1.1"))
        #expect(try world.reply("@y.test").hasPrefix("250"))
        #expect(world.count() == 1)
    }

    @Test func `defaultdelivery is what a user without a file gets`() throws {
        try world.folder.write("root/etc/control/defaultdelivery", "./Inbox/\n# comment\n")
        #expect(try world.reply("alice@y.test").hasPrefix("250"))
        try world.dotQmail("-empty", "")
        #expect(try world.reply("alice-empty@y.test").hasPrefix("250"))
        #expect(world.count("Inbox") == 2)
        #expect(world.count() == 0)
        try world.folder.write("root/etc/control/defaultdelivery", "\nblank\n")
        #expect(throws: (any Error).self) { try LocalAgent(world.root) }
    }

    @Test(arguments: [(0o757 as UInt32, "4.7.0"), (0o1755, "4.2.1")])
    func `a home that is open or sticky waits`(mode: UInt32, status: String) throws {
        chmod(world.home, mode)
        #expect(try world.reply("alice@y.test").hasPrefix("451 \(status)"))
        #expect(world.count() == 0)
    }

    @Test func `a file that everybody may write to, or that is too large, waits`() throws {
        try world.dotQmail("-open", "./Maildir/\n", mode: 0o646)
        #expect(try world.reply("alice-open@y.test").hasPrefix("451"))
        try world.dotQmail("-large", String(repeating: "# comment\n", count: 10_000))
        #expect(try world.reply("alice-large@y.test").hasPrefix("451"))
        try world.dotQmail("-many", String(repeating: "|exit 0\n", count: 1001))
        #expect(try world.reply("alice-many@y.test").hasPrefix("451"))
        #expect(world.count() == 0)
    }

    @Test func `a message that was here is looping, whatever the instructions are`() throws {
        try world.dotQmail("-x", "|touch ran\n")
        let text = "Delivered-To: alice-x@y.test\nSubject: x\n\nhi\n"
        let results = try world.deliver(["alice-x@y.test"], text: text)
        #expect(results[0].reply.status == EnhancedStatus(5, 4, 6))
        #expect(!world.folder.names(in: "home/alice").contains("ran"))
    }

    @Test func `virtual users and the percent hack lead to the same files`() throws {
        try world.dotQmail("-virtual-bob", "./Maildir/\n")
        #expect(try world.reply("bob@virtual.test").hasPrefix("250"))
        #expect(try world.reply("bob%virtual.test@y.test").hasPrefix("250"))
        #expect(world.count() == 2)
        for name in world.folder.names(in: "home/alice/Maildir/new") {
            let content = try world.folder.read("home/alice/Maildir/new/\(name)")
            let text = String(decoding: content, as: UTF8.self)
            #expect(text.contains("\nDelivered-To: alice-virtual-bob@virtual.test\n"))
        }
    }

    @Test func `what is another user's is not ours to deliver`() throws {
        try world.folder.write(
            "root/etc/users/passwd",
            "alice:x:\(LocalWorld.user):1:A:\(world.home):/bin/sh\n")
        let stored = try StoredMessage("\n")
        var agent = try LocalAgent(world.root)
        try #require(geteuid() != 0 || LocalWorld.user != 0)
        let reply = agent.deliver(try stored.request(["alice@y.test"]), stored.file.borrowed)
        #expect(reply.results[0].outcome == (LocalWorld.isRoot ? .deferred : .delivered))
    }

    // MARK: What was done

    @Test func `a line that succeeded is not repeated when a later one failed`() throws {
        try world.dotQmail("-x", "./Maildir/\n|exit 0\n|test -e go || exit 111\n./Second/\n")
        let first = try world.deliver(["alice-x@y.test"])[0]
        #expect(first.outcome == .deferred)
        #expect(first.done.count == 2)
        try world.folder.write("home/alice/go", "")
        // Lines before them came, and nothing else changed.
        try world.dotQmail(
            "-x", "# new\n|exit 0 # new\n./Maildir/\n|exit 0\n|test -e go || exit 111\n./Second/\n")
        let second = try world.deliver(["alice-x@y.test"], done: [0: first.done])[0]
        #expect(second.outcome == .delivered)
        #expect(world.count() == 1)
        #expect(world.count("Second") == 1)
    }

    @Test func `the same line twice is done twice, over two attempts too`() throws {
        try world.dotQmail("-x", "./Maildir/\n|test -e go || exit 111\n./Maildir/\n")
        let first = try world.deliver(["alice-x@y.test"])[0]
        try world.folder.write("home/alice/go", "")
        _ = try world.deliver(["alice-x@y.test"], done: [0: first.done])
        #expect(world.count() == 2)
    }

    @Test func `what said to stop is still the last line at the next attempt`() throws {
        try world.dotQmail("-x", "&bob@x.test\n|exit 99\n./Maildir/\n")
        // There is no queue to send it on by.
        let first = try world.deliver(["alice-x@y.test"])[0]
        #expect(first.outcome == .deferred)
        let second = try world.deliver(["alice-x@y.test"], done: [0: first.done])[0]
        #expect(second.outcome == .deferred)
        #expect(world.count() == 0)
    }

    @Test func `mail that was sent on is not sent on again`() throws {
        try world.dotQmail("-x", "&bob@x.test\n")
        #expect(try world.reply("alice-x@y.test").hasPrefix("451"), "there is no queue")
        let again = try world.deliver(
            ["alice-x@y.test"], done: [0: [Array("forward".utf8)]])
        #expect(again[0].outcome == .delivered)
    }

    // MARK: Programs

    @Test func `a program gets the words of qmail-command and no others`() throws {
        try world.dotQmail("-one-two-default", "|env | sort > env; cat > message\n")
        try world.dotQmail("-one-two-three.four.five".replacing(".", with: ":") + "-owner", "")
        let text = "Subject: x\n\nhi\n"
        let results = try world.deliver(["alice-One-Two-Three.Four@y.test"], text: text)
        #expect(results[0].outcome == .delivered, "\(results[0].reply)")
        #expect(try world.folder.read("home/alice/message") == bytes(text))
        let lines = String(decoding: try world.folder.read("home/alice/env"), as: UTF8.self)
        let found = lines.split(separator: "\n").filter { !$0.hasPrefix("UFLINE=") }
        let expected = [
            "DEFAULT=Three.Four", "DTLINE=Delivered-To: alice-One-Two-Three.Four@y.test",
            "EXT2=Two-Three.Four", "EXT3=Three.Four", "EXT4=", "EXT=One-Two-Three.Four",
            "HOME=\(world.home)", "HOST2=y", "HOST3=y", "HOST4=y", "HOST=y.test",
            "LOCAL=alice-One-Two-Three.Four", "NEWSENDER=sender@x.test",
            "PATH=/usr/local/bin:/usr/bin:/bin", "PWD=\(world.home)",
            "RECIPIENT=alice-One-Two-Three.Four@y.test", "RPLINE=Return-Path: <sender@x.test>",
            "SENDER=sender@x.test", "USER=alice",
        ]
        #expect(found.map(String.init).filter { !$0.hasPrefix("_=") } == expected)
    }

    @Test(arguments: [
        ("-l", "sender@x.test", "sender@x.test"), ("-l", "", ""), ("-l", "#@[]", "#@[]"),
        ("-o", "sender@x.test", "alice-o-owner@y.test"), ("-o", "", ""),
        ("-v", "sender@x.test", "alice-v-owner-@y.test-@[]"), ("-v", "#@[]", "#@[]"),
    ])
    func `a list's owner takes what comes back`(
        ext: String, sender: String, expected: String
    ) throws {
        for name in ["-l", "-o", "-v"] {
            try world.dotQmail(name, "|printf %s \"$NEWSENDER\" > new\n")
        }
        for name in ["-o-owner", "-v-owner", "-v-owner-default"] { try world.dotQmail(name, "") }
        let results = try world.deliver(["alice\(ext)@y.test"], from: sender)
        #expect(results[0].outcome == .delivered, "\(results[0].reply)")
        #expect(try world.folder.read("home/alice/new") == bytes(expected))
    }

    @Test func `nothing of a message reaches the shell`() throws {
        try world.dotQmail("-default", "|cat > /dev/null\n")
        for address in ["alice-$(touch$IFS.ran)", "alice-;touch ran;", "alice-`touch ran`"] {
            _ = try world.deliver(["\(address)@y.test"], from: "() { :;}; touch ran@x.test")
        }
        #expect(!world.folder.names(in: "home/alice").contains { $0.hasSuffix("ran") })
    }

    @Test func `what a program prints is the reply, with its status`() throws {
        try world.dotQmail("-no", "|echo 'You are'; echo ' not wanted. (#5.7.1)'; exit 100\n")
        #expect(
            try world.reply("alice-no@y.test") == "554 5.7.1 You are not wanted. (#5.7.1)")
        try world.dotQmail("-wrong", "|echo '(#5.7.1)'; exit 111\n")
        #expect(try world.reply("alice-wrong@y.test") == "451 4.0.0 (#5.7.1)")
    }

    @Test func `a program that takes too long, or says too much, is killed`() throws {
        try world.folder.write("root/etc/control/programtimeout", "1\n")
        try world.dotQmail("-long", "|sleep 1000\n")
        #expect(try world.reply("alice-long@y.test").hasPrefix("451 4.3.0"))
        try world.dotQmail("-much", "|while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done\n")
        #expect(try world.reply("alice-much@y.test").hasPrefix("451 4.3.0"))
        // Ends by itself in a minute, so that this test does, too.
        try world.dotQmail("-little", "|for i in `seq 600`; do echo y; sleep 0.1; done\n")
        #expect(try world.reply("alice-little@y.test").hasPrefix("451 4.3.0"))
        try world.folder.write("root/etc/control/programtimeout", "0\n")
        #expect(throws: (any Error).self) { try LocalAgent(world.root) }
    }

    @Test func `what a program leaves running holds nobody up`() throws {
        try world.folder.write("root/etc/control/programtimeout", "30\n")
        try world.dotQmail("-x", "|sleep 60 & exit 0\n")
        let start = ContinuousClock.now
        #expect(try world.reply("alice-x@y.test").hasPrefix("250"))
        #expect(ContinuousClock.now - start < .seconds(25))
    }

    @Test func `a program reads a message of any size from its beginning, each one anew`() throws {
        try world.dotQmail("-x", "|head -c 5 > a\n|wc -c > b\n")
        let text = "Subject: x\n\n" + String(repeating: "long line\n", count: 300_000)
        #expect(try world.deliver(["alice-x@y.test"], text: text)[0].outcome == .delivered)
        #expect(try world.folder.read("home/alice/a") == bytes("Subje"))
        #expect(try world.folder.read("home/alice/b") == bytes("\(text.utf8.count)\n"))
    }

    @Test(.enabled(if: LocalWorld.isRoot, "only root becomes others"))
    func `a program is its user and nobody else`() throws {
        try world.dotQmail("-x", "|id -u > id; id -G >> id; umask >> id; touch made\n")
        #expect(try world.reply("alice-x@y.test").hasPrefix("250"))
        let id = String(decoding: try world.folder.read("home/alice/id"), as: UTF8.self)
        #expect(id == "\(LocalWorld.user)\n\(LocalWorld.group)\n0077\n")
    }
}
