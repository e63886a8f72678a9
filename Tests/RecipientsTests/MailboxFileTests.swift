import Control
import Glibc
import MailModel
import Recipients
import TestSupport
import Testing

@Suite struct MailboxFileTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func file(_ lines: String) throws -> MailboxFile {
        let path = try folder.write("mailboxes", lines)
        return try MailboxFile(path, SourceSettings(Root("/r"), separators: Array("-+".utf8)))
    }

    private func mailbox(_ text: String) throws -> Mailbox { try Mailbox(Array(text.utf8)) }

    @Test func `a mailbox without a path has its Maildir by domain and local-part`() throws {
        var file = try file("# ours\n\nAlice@Example.test\n")
        let expected = Presence.exists(.maildir("/r/mail/example.test/alice/Maildir"))
        #expect(try file.find(mailbox("alice@example.test")) == expected)
        #expect(try file.find(mailbox("ALICE@EXAMPLE.TEST")) == expected)
    }

    @Test func `a path is taken as it is, a relative one below the mail folder`() throws {
        var file = try file("a@x.test /srv/a b/Maildir/\nb@x.test\tshared\n")
        #expect(try file.find(mailbox("a@x.test")) == .exists(.maildir("/srv/a b/Maildir")))
        #expect(try file.find(mailbox("b@x.test")) == .exists(.maildir("/r/mail/shared")))
    }

    @Test func `a domain is known when any mailbox has it`() throws {
        var file = try file("a@x.test\n")
        #expect(try file.find(mailbox("b@x.test")) == .noSuchMailbox)
        #expect(try file.find(mailbox("a@y.test")) == .unknownDomain)
        #expect(try file.find(mailbox("a@sub.x.test")) == .unknownDomain)
        #expect(try file.find(mailbox("a")) == .unknownDomain)
        #expect(try file.find(mailbox("a@")) == .unknownDomain)
        #expect(try file.find(mailbox("@x.test")) == .noSuchMailbox)
    }

    @Test func `a catch-all takes what has no mailbox of its own`() throws {
        var file = try file("@x.test /all\na@x.test /own\n")
        #expect(try file.find(mailbox("a@x.test")) == .exists(.maildir("/own")))
        #expect(try file.find(mailbox("b@x.test")) == .exists(.maildir("/all")))
    }

    @Test func `an extension comes after the name itself and before the catch-all`() throws {
        var file = try file("@x.test /all\na@x.test /a\na-b@x.test /a-b\nb@y.test /b\n")
        #expect(try file.find(mailbox("a+tag@x.test")) == .exists(.maildir("/a")))
        #expect(try file.find(mailbox("A-B-c@x.test")) == .exists(.maildir("/a-b")))
        #expect(try file.find(mailbox("-a@x.test")) == .exists(.maildir("/all")))
        #expect(try file.find(mailbox("c-a@y.test")) == .noSuchMailbox)
    }

    @Test(arguments: [
        "alice", "alice@", "@x.test", "../x@x.test", "a/b@x.test", "a@..", "a@x/y",
    ])
    func `a line that names no mailbox is an error with file and line`(line: String) throws {
        let error = #expect(throws: ControlError.self) { try file("ok@x.test\n\(line)\n") }
        #expect(error?.description.hasPrefix("\(folder.path)/mailboxes:2: ") == true)
    }

    @Test func `a missing file is an error, not a file without mailboxes`() throws {
        #expect(throws: ControlError.self) {
            try MailboxFile(folder.file("none"), SourceSettings(Root("/r")))
        }
    }

    @Test func `a change is seen, and a change for the bad is an error until it is mended`() throws
    {
        var file = try file("a@x.test\n")
        try folder.write("mailboxes", "b@x.test\n")
        // At once: whoever accepted mail for a new mailbox must not be ahead of who delivers it.
        #expect(try file.find(mailbox("b@x.test")) != .noSuchMailbox)
        #expect(try file.find(mailbox("a@x.test")) == .noSuchMailbox)
        // Neither size nor time of the last change tell of this one, made in place.
        try #require(
            utimensat(AT_FDCWD, folder.file("mailboxes"), [timespec(), timespec()], 0) == 0)
        #expect(try file.find(mailbox("b@x.test")) != .noSuchMailbox)
        let same = open(folder.file("mailboxes"), O_WRONLY)
        try #require(write(same, "c", 1) == 1)
        close(same)
        try #require(
            utimensat(AT_FDCWD, folder.file("mailboxes"), [timespec(), timespec()], 0) == 0)
        #expect(try file.find(mailbox("c@x.test")) != .noSuchMailbox)
        try folder.write("mailboxes", "nonsense\n")
        #expect(eventually { (try? file.find(mailbox("b@x.test"))) == nil })
        unlink(folder.file("mailboxes"))
        #expect(throws: SourceError.self) { try file.find(mailbox("b@x.test")) }
        try folder.write("mailboxes", "c@x.test\n")
        #expect(eventually { (try? file.find(mailbox("c@x.test"))) != nil })
    }
}

@Suite struct RecipientSourcesTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func find(_ address: String, in names: [String]) throws -> Presence {
        var sources = try RecipientSources(names, SourceSettings(Root(folder.path)))
        return try sources.find(Mailbox(Array(address.utf8)))
    }

    @Test func `the first source that knows the domain decides`() throws {
        let one = try folder.write("one", "a@x.test /one\n")
        let two = try folder.write("two", "a@x.test /two\nb@x.test\na@y.test /two\n")
        let names = ["file:\(one)", "file:\(two)"]
        #expect(try find("a@x.test", in: names) == .exists(.maildir("/one")))
        #expect(try find("b@x.test", in: names) == .noSuchMailbox)
        #expect(try find("a@y.test", in: names) == .exists(.maildir("/two")))
        #expect(try find("a@z.test", in: names) == .unknownDomain)
    }

    @Test(arguments: ["", "file:", "/etc/mailboxes", "ldap:server"])
    func `a source of another kind is an error`(name: String) {
        #expect(throws: ControlError.self) { try find("a@x.test", in: [name]) }
    }

    @Test(arguments: [
        ("flie:/etc/mailboxes", "did you mean file:?"),
        ("/etc/mailboxes", "/etc/mailboxes: no such kind; a source is one of file:PATH"),
        ("file:", "source file:: it is written file:PATH"),
    ])
    func `a mistyped source says what was meant`(name: String, text: String) throws {
        let error = #expect(throws: ControlError.self) { try find("a@x.test", in: [name]) }
        #expect(error?.description.contains(text) == true, "\(String(describing: error))")
    }

    @Test func `a password in a source is not repeated`() throws {
        let error = #expect(throws: ControlError.self) {
            try find("a@x.test", in: ["postgers:user=u password=secret"])
        }
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `a kind of another module is used as those of this one`() throws {
        struct Everything: RecipientSource {
            let label = "all:"
            mutating func find(
                _ mailbox: Mailbox, _ trail: inout SourceTrail
            ) throws(SourceError) -> Presence { .exists(.elsewhere) }
        }
        let kind = SourceKind("all", form: "all:THING") {
            spec, settings throws(ControlError) in
            let (path, values) = try spec.parameters(["colour"])
            guard path == "x", values == ["colour": "red"] else { throw spec.invalid("no") }
            return Everything()
        }
        let settings = SourceSettings(Root(folder.path))
        var sources = try RecipientSources(["all:x?colour=red"], settings, kinds: [kind])
        #expect(try sources.find(Mailbox(Array("a@x.test".utf8))) == .exists(.elsewhere))
        for name in [
            "all:x?=", "all:x?colour=", "all:x?=red", "all:x?color=red",
            "all:x?colour=red&colour=red", "all:x?colour", "all:?a",
        ] {
            #expect(throws: ControlError.self, "\(name)") {
                try RecipientSources([name], settings, kinds: [kind])
            }
        }
    }

    @Test func `the root's own source is control/mailboxes`() throws {
        let root = Root(folder.path)
        #expect(throws: ControlError.self) { try RecipientSources(root) }
        try folder.write("etc/control/mailboxes", "a@x.test\n")
        var sources = try RecipientSources(root)
        let presence = try sources.find(Mailbox(Array("a@x.test".utf8)))
        #expect(presence == .exists(.maildir("\(folder.path)/mail/x.test/a/Maildir")))
    }
}
