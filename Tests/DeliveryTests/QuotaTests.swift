// Quotas of Maildirs as a delivery asks and keeps them.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import Recipients
import TestSupport
import Testing
import UnixIO

@testable import Delivery

@Suite struct QuotaTests {
    private static let top = "Return-Path: <s@x.test>\nDelivered-To: a@y.test\n"
    private let folder: TestFolder
    private let maildir: Maildir

    init() throws {
        folder = try TestFolder()
        maildir = Maildir(folder.file("Maildir"), base: folder.file("mail"))
    }

    /// Delivers a message whose file has so many bytes.
    @discardableResult
    private func deliver(
        _ bytes: Int, quota: String? = nil, to other: Maildir? = nil,
        _ settings: StoreSettings = StoreSettings()
    ) throws -> Reply {
        let text = String(repeating: "\n", count: bytes - Self.top.utf8.count)
        let stored = try StoredMessage(text)
        var delivery = LocalDelivery(
            request: try stored.request(["a@y.test"], from: "s@x.test"),
            recipient: try Mailbox(Array("a@y.test".utf8)), file: stored.file.borrowed)
        delivery.settings = settings
        var names = MaildirName(host: Array("mx.test".utf8))
        let limits = quota.flatMap { MailboxQuota(exactly: $0.utf8) }
        return delivery.run(other ?? maildir, name: names.next(), quota: limits)
    }

    private func text(_ name: String = "maildirsize") throws -> String {
        String(decoding: try folder.read("Maildir/\(name)"), as: UTF8.self)
    }

    private var delivered: Int { folder.names(in: "Maildir/new").count }

    private func record(_ text: String, age: TimeInterval = 0) throws {
        let path = try folder.write("Maildir/maildirsize", text)
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: path)
    }

    @Test func `the first delivery counts, the others add a line`() throws {
        try folder.write("Maildir/new/1.host,S=100", "")
        try folder.write("Maildir/cur/2.host:2,S", String(repeating: "x", count: 50))
        try folder.write("Maildir/.Sent/cur/3.host,S=25:2,S", "")
        try folder.write("Maildir/.Trash/cur/4.host,S=999:2,S", "")
        #expect(try deliver(300, quota: "1000,5C").code == 250)
        #expect(try text() == "1000S,5C\n175 3\n300 1\n")
        #expect(try deliver(400, quota: "1000S,5C").code == 250)
        #expect(try text() == "1000S,5C\n175 3\n300 1\n400 1\n")
        #expect(folder.names(in: "Maildir/tmp").isEmpty)
    }

    @Test func `a message that fills the mailbox exactly is delivered, the next one is not`() throws
    {
        #expect(try deliver(500, quota: "1000S").code == 250)
        #expect(try deliver(500, quota: "1000S").code == 250)
        let reply = try deliver(100, quota: "1000S")
        #expect(reply == Reply(552, EnhancedStatus(5, 2, 2), "the mailbox is full"))
        #expect(delivered == 2)
        #expect(try text() == "1000S\n1000 2\n")
    }

    @Test func `the number of messages is a limit, too`() throws {
        #expect(try deliver(100, quota: "2C").code == 250)
        #expect(try deliver(100, quota: "2C").code == 250)
        #expect(try deliver(100, quota: "2C").code == 552)
    }

    @Test func `what is over quota is deferred where that is wanted, what can never fit is not`()
        throws
    {
        var settings = StoreSettings()
        settings.overQuota = .defer
        try folder.write("Maildir/new/1.host,S=900", "")
        let reply = try deliver(101, quota: "1000S", settings)
        #expect(reply == Reply(452, EnhancedStatus(4, 2, 2), "the mailbox is full"))
        #expect(try deliver(100, quota: "1000S", settings).code == 250)
        #expect(try deliver(1001, quota: "1000S", settings).status == EnhancedStatus(5, 2, 3))
    }

    @Test(
        arguments: [
            ("500S\n", "250", "the file's quota counts"), ("99S\n", "552", "the file's quota"),
            ("0S\n1 1\n", "250", "Dovecot's form of no limit"), ("\n", "250", "no quota at all"),
            ("garbage\n\u{0}\n", "250", "what is no quota is none"),
        ])
    func `without a quota of ours that of the file counts`(
        _ file: String, _ code: String, _ reason: String
    ) throws {
        try record(file)
        #expect(try "\(deliver(100).code)" == code)
        #expect(try text().hasPrefix(file.prefix { $0 != "\n" }))
    }

    @Test func `a Maildir without any quota gets no file`() throws {
        #expect(try deliver(100).code == 250)
        #expect(try deliver(100, quota: "NOQUOTA").code == 250)
        #expect(folder.names(in: "Maildir") == ["cur", "new", "tmp"])
    }

    @Test(
        arguments: [
            ("1000S\n900 1\n", 0, "552", "just counted: believed"),
            ("1000S\n900 1\n", 1000, "250", "counted long ago"),
            ("1000S\n900 1\n0 0\n", 0, "250", "changed since it was counted"),
            ("1000S\n-5 1\n", 0, "250", "less than nothing"),
            ("1000S\n900\n", 0, "250", "a line cut short"),
            ("1000S\n900 1 x\n", 0, "250", "a line too long"),
            ("1000S\n900 1\n\u{0}\u{0}\u{0}", 0, "250", "zeros, as after a crash"),
            ("2000S\n1500 1\n", 0, "250", "another quota"), ("", 0, "250", "empty"),
        ])
    func `before it says no the Maildir is counted again`(
        _ file: String, _ age: TimeInterval, _ code: String, _ reason: String
    ) throws {
        try record(file, age: age)
        try folder.write("Maildir/new/1.host,S=10", "")
        #expect(try "\(deliver(200, quota: "1000S").code)" == code)
        if code == "250" { #expect(try text() == "1000S\n10 1\n200 1\n") }
    }

    @Test func `a file that has grown to 5120 bytes is made anew`() throws {
        try record("90000S\n" + String(repeating: "1 0\n", count: 1277))
        #expect(try deliver(100, quota: "90000S").code == 250)
        #expect(try text().utf8.count > 5120)
        #expect(try deliver(100, quota: "90000S").code == 250)
        #expect(try text() == "90000S\n100 1\n100 1\n")
    }

    @Test(arguments: ["folder", "link", "fifo"])
    func `what stands in the place of maildirsize costs no message`(_ kind: String) throws {
        let path = folder.file("Maildir/maildirsize")
        try Files.makeFolders(folder.file("Maildir"))
        switch kind {
        case "folder": try Files.makeFolder(path)
        case "link": try #require(symlink("/etc/passwd", path) == 0)
        default: try #require(mkfifo(path, 0o600) == 0)
        }
        #expect(try deliver(100, quota: "1000S").code == 250)
        #expect(try deliver(100, quota: "1000S").code == 250)
        #expect(try deliver(900, quota: "1000S").code == 552)
        #expect(delivered == 2)
    }

    @Test func `a folder of the Maildir counts for the Maildir, Trash does not`() throws {
        _ = try deliver(100, quota: "1000S")
        let spam = Maildir(folder.file("Maildir/.Spam"), base: folder.file("mail"))
        #expect(try deliver(200, quota: "1000S", to: spam).code == 250)
        #expect(folder.names(in: "Maildir/.Spam") == ["cur", "maildirfolder", "new", "tmp"])
        #expect(try deliver(300, quota: "1000S", to: spam).code == 250)
        #expect(try text().hasSuffix("300 1\n"))
        #expect(try deliver(450, quota: "1000S", to: spam).code == 552)
        #expect(try deliver(450, quota: "1000S").code == 552)
        let trash = Maildir(folder.file("Maildir/.Trash"), base: folder.file("mail"))
        #expect(try deliver(450, quota: "1000S", to: trash).code == 250)
        #expect(try deliver(450, quota: "1000S", to: trash).code == 250)
    }

    @Test func `a Maildir with a dot before its name is one of its own`() throws {
        try folder.write("home/.maildir/maildirfolder", "")
        try folder.write("home/.maildir/maildirsize", "99S\n0 0\n")
        let hidden = Maildir(folder.file("home/.maildir"), base: folder.file("mail"))
        #expect(try deliver(100, to: hidden).status == EnhancedStatus(5, 2, 3))
    }

    @Test(.enabled(if: geteuid() != 0, "root may read all"))
    func `what is closed to the owner is passed over, and a file of somebody else's replaced`()
        throws
    {
        try folder.write("Maildir/.Closed/new/1.host,S=900", "")
        chmod(folder.file("Maildir/.Closed"), 0)
        defer { chmod(folder.file("Maildir/.Closed"), 0o700) }
        try record("1000S\n")
        chmod(folder.file("Maildir/maildirsize"), 0o444)
        #expect(try deliver(500).code == 250)
        #expect(try text() == "1000S\n0 0\n500 1\n")
        #expect(try deliver(501).code == 552)
    }

    @Test func `who may still be told is told once that the mailbox is nearly full`() throws {
        var settings = StoreSettings()
        settings.quotaWarning = Array("Subject: nearly full\n\nMake room.\n".utf8)
        try deliver(2000, quota: "10000S", settings)
        #expect(delivered == 1)
        try deliver(7000, quota: "10000S", settings)
        #expect(delivered == 3)
        try deliver(90, quota: "10000S", settings)
        #expect(delivered == 4)
        let texts = try folder.names(in: "Maildir/new").map { try text("new/\($0)") }
        let warning = try #require(texts.first { $0.contains("Make room.") })
        let form =
            #/Return-Path: <>\nDelivered-To: a@y.test\nDate: [^\n]*\nMessage-ID: <[^\n]*>\nSubject: nearly full\n\nMake room.\n/#
        #expect(warning.wholeMatch(of: form) != nil)
    }
}

@Suite struct AbandonedFileTests {
    private let folder: TestFolder
    private let maildir: Maildir

    init() throws {
        folder = try TestFolder()
        maildir = Maildir(folder.file("Maildir"), base: folder.file("mail"))
    }

    private func make(_ name: String, age: Int, read: Int? = nil) throws {
        let path = try folder.write("Maildir/tmp/\(name)", "x")
        let now = WallClock.seconds
        let times = [read ?? age, age].map { timespec(tv_sec: now - $0, tv_nsec: 0) }
        try #require(utimensat(AT_FDCWD, path, times, 0) == 0)
    }

    @Test func `what nobody touched for 36 hours is removed from tmp, and nothing else`() throws {
        try make("old", age: 36 * 3600 + 60)
        try make("young", age: 36 * 3600 - 60)
        try make("written", age: 60, read: 40 * 3600)
        try make("being-read", age: 40 * 3600, read: 60)
        try make(".hidden", age: 40 * 3600)
        try Files.makeFolder(folder.file("Maildir/tmp/folder"))
        try folder.write("Maildir/new/old", "x")
        maildir.removeAbandoned(now: WallClock.seconds)
        let left = folder.names(in: "Maildir/tmp")
        #expect(left == [".hidden", "being-read", "folder", "written", "young"])
        #expect(folder.names(in: "Maildir/new") == ["old"])
    }

    @Test func `a delivery looks after tmp`() throws {
        try make("old", age: 40 * 3600)
        let stored = try StoredMessage("\n")
        var delivery = LocalDelivery(
            request: try stored.request(["a@y.test"]),
            recipient: try Mailbox(Array("a@y.test".utf8)), file: stored.file.borrowed)
        #expect(delivery.run(maildir, name: "n").code == 250)
        #expect(folder.names(in: "Maildir/tmp").isEmpty)
    }
}
