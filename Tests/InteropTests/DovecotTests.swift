// deliver-local and Dovecot: by LMTP, and over the same Maildirs and mbox files.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing
import UnixIO

@Suite struct DovecotTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func deliver(
        _ message: String, to recipients: [String], _ mailboxes: String
    ) throws -> ToolResult {
        try folder.write("root/etc/control/me", "mx.us.test\n")
        try folder.write("root/etc/control/mailboxes", mailboxes)
        var tool = try Tool(
            "deliver-local",
            ["--root", folder.file("root"), "--sender", "s@x.test"] + recipients)
        tool.message = Array(message.utf8)
        return try tool.run()
    }

    private func message(_ lines: Int) -> String {
        "Subject: x\n\n" + String(repeating: "0123456789\n", count: lines)
    }

    @Test func `its LMTP server takes, refuses and has no such user, each for himself`() throws {
        let dovecot = try DovecotServer(users: ["alice": nil, "bob": nil, "full": "bytes=2000"])
        let recipients = ["alice", "nobody", "full", "bob"].map { "\($0)@y.test" }
        let text = message(300) + ".\n..\nFrom me\n"
        let result = try deliver(
            text, to: recipients, "@y.test lmtp:unix:\(dovecot.socket)\n")
        #expect(result.code == 69, "\(result.text)\(result.errors)\(dovecot.log)")
        let lines = result.text.split(separator: "\n")
        try #require(lines.count == 4)
        #expect(lines[0].hasPrefix("alice@y.test: delivered: 250 2.0.0 "))
        #expect(lines[1].hasPrefix("nobody@y.test: failed: 550 5.1.1 "))
        #expect(lines[2].hasPrefix("full@y.test: failed: 552 5.2.2 "))
        #expect(lines[3].hasPrefix("bob@y.test: delivered: 250 2.0.0 "))
        for user in ["alice", "bob"] {
            let names = try Files.names(in: "\(dovecot.mail)/\(user)/Maildir/new")
            try #require(names.count == 1)
            let stored = try Files.contents(of: "\(dovecot.mail)/\(user)/Maildir/new/\(names[0])")
            let content = String(decoding: stored, as: UTF8.self)
            #expect(content.hasPrefix("Return-Path: <s@x.test>\n"))
            #expect(content.hasSuffix(text))
        }
    }

    @Test func `a server that is gone defers`() throws {
        let result = try deliver(
            message(1), to: ["a@y.test"], "@y.test lmtp:unix:\(folder.file("gone"))\n")
        #expect(result.code == 75)
        #expect(result.text.contains("451 4.4.1"))
    }

    @Test func `it reads our Maildirs, our sizes and our quotas, and we read its`() throws {
        let dovecot = try DovecotServer(users: ["alice": "bytes=20000"])
        let maildir = "\(dovecot.mail)/alice/Maildir"
        try Files.makeFolder("\(dovecot.mail)/alice")
        let mailboxes = "alice@y.test \(maildir)/ quota=20000S\n"
        for _ in 0..<2 {
            #expect(try deliver(message(400), to: ["alice@y.test"], mailboxes).code == 0)
        }
        let names = try Files.names(in: "\(maildir)/new")
        let sizes = names.compactMap { $0.split(separator: "=").last }.compactMap { Int($0) }
        #expect(sizes.count == 2)
        #expect(try deliver(message(1100), to: ["alice@y.test"], mailboxes).code == 69)
        try dovecot.give()

        let told = try dovecot.doveadm(
            ["fetch", "-u", "alice@y.test", "size.physical", "mailbox", "INBOX"])
        let expected = sizes.map { "size.physical: \($0)" }
        #expect(
            told.split(separator: "\n").filter { $0.hasPrefix("size") }.map(String.init).sorted()
                == expected.sorted())
        let quota = try dovecot.doveadm(["-f", "tab", "quota", "get", "-u", "alice@y.test"])
        let sum = sizes.reduce(0, +)
        #expect(quota.contains("User quota\tMESSAGE\t2\t"))
        #expect(quota.contains("User quota\tSTORAGE\t\((sum + 1023) / 1024)\t20"))

        // What it takes away makes room with us.
        _ = try dovecot.doveadm(
            ["expunge", "-u", "alice@y.test", "mailbox", "INBOX", "all"])
        let size = try Files.contents(of: "\(maildir)/maildirsize")
        #expect(String(decoding: size, as: UTF8.self).contains("\n-"))
        #expect(try deliver(message(1100), to: ["alice@y.test"], mailboxes).code == 0)
    }

    @Test func `it reads our mbox files`() throws {
        let dovecot = try DovecotServer(users: ["alice": nil])
        let home = "\(dovecot.mail)/alice"
        try Files.makeFolder(home)
        try Files.makeFolder("\(home)/mail")
        let mailboxes = "alice@y.test mbox:\(home)/inbox\n"
        for text in ["\(message(3))From me\n>From you\n", "Subject: y\n\nno end", "\n"] {
            #expect(try deliver(text, to: ["alice@y.test"], mailboxes).code == 0)
        }
        try dovecot.give()
        let told = try dovecot.doveadm(
            [
                "-o", "mail_location=mbox:~/mail:INBOX=~/inbox", "-o", "mail_plugins=", "fetch",
                "-u", "alice@y.test", "body", "mailbox", "INBOX",
            ])
        #expect(told.split(separator: "\n").filter { $0 == "body:" }.count == 3)
        #expect(told.contains(">From me"))
        #expect(told.contains(">>From you"))
        #expect(told.contains("no end"))
    }
}
