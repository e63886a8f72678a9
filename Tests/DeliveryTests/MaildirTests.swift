// Names and files of a Maildir.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing
import UnixIO

@testable import Delivery

@Suite struct MaildirNameTests {
    @Test func `a name is what the specification asks for`() {
        var names = MaildirName(host: bytes("mx.test"))
        let name = names.next()
        let form = #/[0-9]{10,}\.M[0-9]{1,6}P[0-9]+Q1R[0-9a-f]+\.mx\.test/#
        #expect(name.wholeMatch(of: form) != nil, "\(name)")
        #expect(names.next().contains("Q2R"))
    }

    @Test func `a host name cannot leave the folder or look like flags`() {
        var names = MaildirName(host: bytes("a/b:c d\n"))
        #expect(names.next().hasSuffix(".a\\057b\\072c?d?"))
        var none = MaildirName(host: [])
        #expect(none.next().hasSuffix(".localhost"))
    }

    @Test func `no two names are equal`() {
        var one = MaildirName()
        var other = MaildirName()
        let all = (0..<1000).flatMap { _ in [one.next(), other.next()] }
        #expect(Set(all).count == 2000)
    }
}

@Suite struct MaildirFileTests {
    private let folder: TestFolder
    private let maildir: Maildir

    init() throws {
        folder = try TestFolder()
        maildir = Maildir(folder.file("mail/y.test/a/Maildir"), base: folder.file("mail"))
    }

    private func mode(_ name: String) throws -> UInt32 {
        try #require(try Files.status(folder.file(name))).st_mode & 0o7777
    }

    @Test func `what is missing is made, for its owner alone`() throws {
        var file = try MaildirFile(maildir, name: "n")
        try file.write(bytes("hello"))
        #expect(folder.names(in: "mail/y.test/a/Maildir") == ["cur", "new", "tmp"])
        #expect(folder.names(in: "mail/y.test/a/Maildir/new").isEmpty)
        let name = try file.commit()
        #expect(name == "n,S=5")
        #expect(try folder.read("mail/y.test/a/Maildir/new/n,S=5") == bytes("hello"))
        #expect(folder.names(in: "mail/y.test/a/Maildir/tmp").isEmpty)
        for name in ["mail/y.test", "mail/y.test/a", "mail/y.test/a/Maildir/new"] {
            #expect(try mode(name) == 0o700)
        }
        #expect(try mode("mail/y.test/a/Maildir/new/n,S=5") == 0o600)
    }

    @Test func `a file that is not committed leaves nothing`() throws {
        do {
            var file = try MaildirFile(maildir, name: "n")
            try file.write(bytes("hello"))
        }
        #expect(folder.names(in: "mail/y.test/a/Maildir/new").isEmpty)
        #expect(folder.names(in: "mail/y.test/a/Maildir/tmp").isEmpty)
    }

    @Test func `without nameless files it is in tmp until it is whole`() throws {
        var file = try MaildirFile(maildir, name: "n", isNamed: true)
        try file.write(bytes("hello"))
        #expect(folder.names(in: "mail/y.test/a/Maildir/tmp") == ["n"])
        #expect(folder.names(in: "mail/y.test/a/Maildir/new").isEmpty)
        #expect(try file.commit() == "n,S=5")
        #expect(folder.names(in: "mail/y.test/a/Maildir/tmp").isEmpty)
        #expect(try folder.read("mail/y.test/a/Maildir/new/n,S=5") == bytes("hello"))
    }

    @Test func `without nameless files one that is not committed leaves nothing, too`() throws {
        do { _ = try MaildirFile(maildir, name: "n", isNamed: true) }
        #expect(folder.names(in: "mail/y.test/a/Maildir/tmp").isEmpty)
        #expect(folder.names(in: "mail/y.test/a/Maildir/new").isEmpty)
    }

    @Test func `a name that is taken is never replaced`() throws {
        for text in ["first", "other"] {
            var file = try MaildirFile(maildir, name: "n")
            try file.write(bytes(text))
            guard text == "other" else {
                _ = try file.commit()
                continue
            }
            do {
                _ = try file.commit()
                Issue.record("the name was taken")
            } catch {
                #expect(error.errno == .fileExists)
            }
        }
        #expect(try folder.read("mail/y.test/a/Maildir/new/n,S=5") == bytes("first"))
    }

    @Test func `outside of the mail folder only the Maildir itself is made`() throws {
        try folder.write("home/alice/file", "x")
        let known = Maildir(folder.file("home/alice/Maildir"), base: folder.file("mail"))
        let file = try MaildirFile(known, name: "n")
        #expect(try file.commit() == "n,S=0")
        let away = Maildir(folder.file("home/bob/Maildir"), base: folder.file("mail"))
        do {
            _ = try MaildirFile(away, name: "n").commit()
            Issue.record("bob has no home")
        } catch {
            #expect(error.errno == .noSuchFileOrDirectory)
        }
        #expect(folder.names(in: "home") == ["alice"])
    }

    @Test func `a folder that vanishes is made again`() throws {
        _ = try MaildirFile(maildir, name: "a").commit()
        for name in ["new", "tmp"] {
            try? Files.unlink("\(maildir.path)/new/a,S=0")
            #expect(rmdir("\(maildir.path)/\(name)") == 0)
        }
        _ = try MaildirFile(maildir, name: "b").commit()
        #expect(folder.names(in: "mail/y.test/a/Maildir/new") == ["b,S=0"])
    }
}
