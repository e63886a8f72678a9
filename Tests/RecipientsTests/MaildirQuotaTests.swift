import Foundation
import Recipients
import TestSupport
import Testing

/// Maildir++ quotas, as vpopmail keeps them.
@Suite struct MaildirQuotaTests {
    private let tree: QmailTree
    private var source: String { "vpopmail:\(tree.vpopmail)?qmail=\(tree.qmail)" }
    private let maildir = "vpopmail/domains/q.test/alice/Maildir"

    init() throws {
        tree = try QmailTree()
        try tree.assign([tree.assignment("q.test")])
    }

    private func setQuota(_ quota: String) throws {
        try tree.makeDomain("q.test", users: [tree.user("alice", of: "q.test", quota: quota)])
    }

    private var answer: String { word("alice@q.test", source, quota: true) }

    /// Writes `maildirsize` as of so many seconds ago.
    private func record(_ text: String, age: TimeInterval = 0) throws {
        let path = try tree.folder.write("\(maildir)/maildirsize", text)
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -age)], ofItemAtPath: path)
    }

    @Test(arguments: [
        ("NOQUOTA", "yes"), ("", "yes"), ("0", "yes"), ("nonsense", "yes"),
        ("1000", "full"), ("1001", "yes"), ("1000S", "full"), ("1KB", "yes"), ("1kb", "yes"),
        ("1MB", "yes"), ("1M", "yes"), ("9999999999999999999999", "yes"),
        ("9999999999999MB", "yes"), ("5000S,3C", "full"), ("5000S,4C", "yes"), ("3C", "full"),
        ("1000S,9C", "full"),
    ])
    func `a quota is read as vpopmail reads it`(quota: String, expected: String) throws {
        try setQuota(quota)
        try record("1000S,3C\n1000 3\n")
        #expect(answer == expected)
        #expect(word("alice@q.test", source) == "yes")
    }

    @Test(arguments: [
        // Else the names of the messages say it: 300 bytes, 3 messages.
        ("300S\n100 1 1\n", 1000, "full"), ("300S\n-100 1\n", 0, "full"),
        ("300S\n100 -1\n", 0, "full"),
        ("1000S\n100 one\n", 0, "full"), ("300S\n100 1 1\n", 0, "full"), ("", 0, "full"),
        (String(repeating: "1 0\n", count: 1300), 0, "full"),
    ])
    func `a damaged maildirsize does not count`(
        text: String, age: TimeInterval, expected: String
    ) throws {
        try setQuota("300S")
        try tree.folder.write("\(maildir)/new/1.M1.host,S=100", "")
        try tree.folder.write("\(maildir)/cur/2.M1.host,S=100:2,S", "")
        try tree.folder.write(
            "\(maildir)/.Sent.2026/cur/3.host:2,", String(repeating: "x", count: 100))
        try record(text, age: age)
        #expect(answer == expected)
        #expect(tree.folder.names(in: maildir).contains("maildirsize"))
    }

    @Test(arguments: [
        ("9S\n100 1\n", 1000, "yes", "room is believed, however old"),
        ("9S\n301 1\n", 0, "full", "no room is believed of what was just counted"),
        ("9S\n301 1\n", 1000, "yes", "but not when that is long ago"),
        ("9S\n300 1\n1 0\n", 0, "yes", "nor after further changes"),
    ])
    func `that there is no room is counted again`(
        text: String, age: TimeInterval, expected: String, reason: String
    ) throws {
        try setQuota("300S")
        try tree.folder.write("\(maildir)/new/1.M1.host,S=100", "")
        try record(text, age: age)
        #expect(answer == expected)
    }

    @Test func `a folder behind a link does not count`() throws {
        try setQuota("300S")
        try tree.folder.write("shared/new/1.M1.host,S=900", "")
        try tree.folder.write("\(maildir)/new/1.M1.host,S=100", "")
        try #require(
            symlink(tree.folder.file("shared"), tree.folder.file("\(maildir)/.Shared")) == 0)
        #expect(answer == "yes")
    }

    @Test func `what the owner puts in the place of maildirsize holds nobody up`() throws {
        try setQuota("300S")
        try tree.folder.write("\(maildir)/new/1.M1.host,S=300", "")
        let path = tree.folder.file("\(maildir)/maildirsize")
        try #require(mkfifo(path, 0o600) == 0)
        #expect(answer == "full")
        unlink(path)
        try record("300S\n100 1\n")
        // The end of time, as far as the file system knows it.
        let end = timespec(tv_sec: .max, tv_nsec: 0)
        try #require(utimensat(AT_FDCWD, path, [end, end], 0) == 0)
        #expect(answer == "yes")
    }

    @Test func `trash, temporary files and hidden names do not count`() throws {
        try setQuota("100S")
        for name in [
            "cur/1.host,S=100:2,ST", ".Trash/cur/2.host,S=100:2,S", "tmp/3.host,S=100",
            "new/.4.host,S=100", "cur/.5,S=100", "Sent/cur/6.host,S=100",
        ] {
            try tree.folder.write("\(maildir)/\(name)", "")
        }
        #expect(answer == "yes")
        try tree.folder.write("\(maildir)/new/7.host,S=99,W=105", "")
        #expect(answer == "yes")
        try tree.folder.write("\(maildir)/new/8.host,S=1", "")
        #expect(answer == "full")
    }

    @Test func `a mailbox without a Maildir has room`() throws {
        try setQuota("1S")
        #expect(answer == "yes")
        #expect(
            tree.folder.names(in: "vpopmail/domains/q.test") == [
                ".qmail-default", "vpasswd", "vpasswd.cdb",
            ])
    }

    @Test func `a Maildir that cannot be looked at is no answer`() throws {
        try setQuota("1S")
        try tree.folder.write("vpopmail/domains/q.test/alice/x", "")
        let path = tree.folder.file("\(maildir)")
        try #require(symlink(path, path) == 0)
        #expect(answer == "error")
    }

    @Test(arguments: [
        ("&x@y.test\n", "yes"), ("./Maildir/\n", "full"), ("", "full"), ("# nothing\n", "full"),
    ])
    func `who only sends on needs no room`(text: String, expected: String) throws {
        try setQuota("1S")
        try tree.folder.write("vpopmail/domains/q.test/alice/.qmail", text)
        try tree.folder.write("\(maildir)/new/1.host,S=5", "")
        #expect(answer == expected)
    }
}
