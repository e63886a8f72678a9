// The lines of an aliases file, and what an alias comes to.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Recipients

@Suite struct AliasTextTests {
    private func values(_ line: String) throws -> [String] {
        let text = try AliasText(Array("a: \(line)\n".utf8), "f")
        return text.entries[Array("a".utf8)]?.values.map {
            String(decoding: $0.text, as: UTF8.self)
        } ?? []
    }

    @Test(
        arguments: [
            ("bob", ["@bob"]), ("bob@x.test, carl", ["@bob@x.test", "@carl"]),
            ("bob ,, carl,", ["@bob", "@carl"]), ("\\bob", ["\\bob"]), ("\\ bob", ["\\bob"]),
            ("/var/log/mbox", ["/var/log/mbox"]), ("/var/list/", ["/var/list/"]),
            ("\"/with blank, comma/\"", ["/with blank, comma/"]), ("/dev/null", ["/dev/null"]),
            ("|/bin/cat", ["|/bin/cat"]), ("|\"/bin/cat -n, x\"", ["|/bin/cat -n, x"]),
            ("\"|/bin/sh -c \\\"exit 0\\\"\"", ["|/bin/sh -c \"exit 0\""]),
            ("|/bin/cat -n (x)", ["|/bin/cat -n (x)"]),
            (":include:/etc/list", [":/etc/list"]), (":Include: /etc/list", [":/etc/list"]),
            ("\":include:/etc/a list\"", [":/etc/a list"]),
            ("Bob B <bob@x.test>", ["@bob@x.test"]),
            ("bob@x.test (Bob (the first))", ["@bob@x.test"]),
            ("\"John Doe\"@x.test", ["@John Doe@x.test"]), ("b\\@x@y.test", ["@b@x@y.test"]),
            ("b\n\t, c,\n# none\n\n  d", ["@b", "@c", "@d"]), ("(none) b", ["@b"]),
            ("bob+ext", ["@bob+ext"]), ("\u{FC}@x.test", ["@\u{FC}@x.test"]),
        ] as [(String, [String])])
    func `values`(line: String, expected: [String]) throws {
        #expect(try values(line) == expected)
    }

    @Test(arguments: [
        ("a: b c", 1, "a blank"), ("a: b # note", 1, "a blank"), ("nonsense", 1, "not \"name"),
        ("a:", 1, "nothing after a:"), ("a: b\n c", 2, "no comma"),
        (" a: b", 1, "begins with a blank"),
        ("a: \"b", 1, "not closed"), ("a: (b", 1, "not closed"), ("a: <b", 1, "without its >"),
        ("x: y\na: b\nA: c", 3, "a is in line 2 already"), ("a@x.test: b", 1, "without @"),
        (": b", 1, "no name"), ("a b: c", 1, "a blank in a name"), ("\\a: b", 1, "no name begins"),
        ("a: :fail: none", 1, "only :include:"), ("a: error:5.1.1", 1, "no address"),
        ("a: :include:list", 1, "a path from /"), ("a: |", 1, "no command"),
        ("a: /", 1, "no usable"),
        ("a: @x.test", 1, "no address"), ("a: b@", 1, "no address"),
        ("a: \\b@x.test", 1, "a domain"),
        ("a: b\u{1}", 1, "a control character"), ("a: b\r", 1, "a control character"),
        ("a: <b> c", 1, "after an address"), ("a: \"\"", 1, "an empty address"),
        ("a: b\\", 1, "a backslash"), ("a: /x y", 1, "a blank in a path"),
    ])
    func `what is no alias is named with its line`(text: String, line: Int, reason: String) {
        do {
            _ = try AliasText(Array("\(text)\n".utf8), "f")
            Issue.record("\(text) was taken")
        } catch {
            #expect("\(error)".hasPrefix("f:\(line): "), "\(error)")
            #expect("\(error)".contains(reason), "\(error)")
        }
    }

    @Test func `names are quoted, in any case, and of any bytes`() throws {
        let text = try AliasText(
            Array("\"Big List\": a\nMAILER-Daemon : b\nowner-x: c".utf8), "f")
        #expect(
            Set(text.entries.keys.map { String(decoding: $0, as: UTF8.self) })
                == ["big list", "mailer-daemon", "owner-x"])
    }

    @Test(arguments: [
        ("a: b\nb: a\n", "are each other"), ("a: b\nb: c\nc: d, a\n", "are each other"),
        ("a: A\n", ""), ("a: \\a, b\nb: \\a\n", ""), ("a: b, c\nb: d\nc: d\nd: x\n", ""),
        ("a: b@here.test\nb: a@here.test\n", "are each other"),
        ("a: b@there.test\nb: a@there.test\n", ""),
        ((0..<60).map { "a\($0): a\($0 + 1)\n" }.joined(), "more than 50"),
    ])
    func `loops are found in the file`(text: String, reason: String) throws {
        let aliases = try AliasText(Array(text.utf8), "f")
        do {
            try aliases.checkLoops { $0.domain?.elementsEqual("here.test".utf8) == true }
            #expect(reason.isEmpty)
        } catch {
            #expect(!reason.isEmpty && "\(error)".contains(reason), "\(error)")
            #expect("\(error)".hasPrefix("f:"))
        }
    }

    @Test func `hostile bytes are taken or refused, never a trap`() {
        var random = SystemRandomNumberGenerator()
        let bytes = Array("a:b\\\"<>(),|/: \t\n#@\0\u{FF}include".utf8)
        for _ in 0..<20_000 {
            let text = (0..<24).map { _ in bytes.randomElement(using: &random) ?? 0 }
            _ = try? AliasText(Array("a: ".utf8) + text, "f")
            _ = AliasValue(text)
        }
    }
}

/// The aliases of a root, as text and compiled.
@Suite struct AliasSourceTests {
    private let tree: QmailTree
    private let root: Root

    init() throws {
        tree = try QmailTree()
        root = Root(tree.folder.file("root"))
        try tree.makeHome("bob", mode: 0o755)
        for (name, text) in [
            ("control/me", "mx.test\n"), ("control/locals", "local.test\nother.test\n"),
            ("control/virtualdomains", "virtual.test:bob\n"),
            ("control/mailboxes", "box@local.test\n"),
            ("users/passwd", "bob:x:\(tree.uid):100:B:\(tree.home("bob")):/bin/sh\n"),
        ] { try tree.folder.write("root/etc/\(name)", text) }
        try Files.makeFolders(tree.folder.file("root/etc/alias"))
        if geteuid() == 0 { chown(tree.folder.file("root/etc/alias"), 64_107, 64_107) }
    }

    private var file: String { tree.folder.file("root/etc/control/aliases") }

    private func plan(_ address: String, _ aliases: String, compiled: Bool) throws -> AliasPlan? {
        try tree.folder.write("root/etc/control/aliases", aliases)
        if compiled { _ = try AliasCompiler.compile(file, to: "\(file).cdb", root.control) }
        var sources = try RecipientSources(root)
        var trail = SourceTrail(isWanted: false)
        let mailbox = try Mailbox(Array(address.utf8))
        guard case .destination(let found) = try sources.destination(of: mailbox, &trail) else {
            return nil
        }
        switch found.instructions {
        case .aliased(let plan):
            #expect(try sources.find(mailbox) == .exists(.elsewhere))
            #expect(found.user == Array("alias".utf8))
            #expect(found.owner?.user != 0)
            return plan
        case .given(let list): return AliasPlan(list)
        case .inHome: return nil
        }
    }

    private static let rows: [(String, String, [String], String?)] = [
        ("a@local.test", "a: b@x.test, B@x.test, b@x.test", ["b@x.test", "B@x.test"], nil),
        ("A@Other.Test", "a: bob", ["bob@Other.Test"], nil),
        ("a+x@local.test", "a: b@x.test", ["b@x.test"], nil),
        ("a+x@local.test", "a: b@x.test\na+x: c@x.test", ["c@x.test"], nil),
        ("a@virtual.test", "a: b@x.test", [], nil),
        ("root@local.test", "root: root, me@x.test", ["\\root@local.test", "me@x.test"], nil),
        ("a@local.test", "a: \\bob", ["\\bob@local.test"], nil),
        ("a@local.test", "a: b, c\nb: d@x.test\nc: d@x.test", ["d@x.test"], nil),
        ("a@local.test", "a: b@other.test\nb: c@x.test", ["c@x.test"], nil),
        ("a@local.test", "a: b@virtual.test\nb: c@x.test", ["b@virtual.test"], nil),
        (
            "list@local.test", "list: b@x.test\nowner-list: o@x.test", ["b@x.test"],
            "owner-list@local.test"
        ),
        (
            "a@local.test", "a: list\nlist: b@x.test\nowner-list: o@x.test", ["list@local.test"],
            nil
        ),
        ("box@local.test", "box: b@x.test", ["b@x.test"], nil),
    ]

    @Test(arguments: rows, [false, true])
    func `what an alias comes to`(
        row: (String, String, [String], String?), isCompiled: Bool
    ) throws {
        let (address, aliases, expected, owner) = row
        let plan = try plan(address, aliases, compiled: isCompiled)
        let members = plan?.instructions.map { String(decoding: $0.text, as: UTF8.self) } ?? []
        #expect(members == expected.map { "forward \($0)" })
        #expect(plan?.owner.map { String(decoding: $0.bytes, as: UTF8.self) } == owner)
    }

    @Test(arguments: [false, true])
    func `files, commands, includes and nothing at all`(isCompiled: Bool) throws {
        let text = "a: /m/box, /m/dir/, \"|cat >x\", :include:/l, :include:/l\nnone: /dev/null\n"
        let plan = try #require(try plan("a@local.test", text, compiled: isCompiled))
        #expect(
            plan.instructions == [
                .mbox(path: "/m/box"), .maildir(path: "/m/dir"), .program(Array("cat >x".utf8)),
            ])
        #expect(plan.includes == ["/l"])
        #expect(
            try self.plan("none@local.test", text, compiled: isCompiled)?.instructions == [.drop])
    }

    @Test func `a member that says its own name is the user, past aliases`() throws {
        try tree.folder.write("root/etc/control/aliases", "bob: bob, |x\n")
        var sources = try RecipientSources(root)
        var trail = SourceTrail(isWanted: false)
        let mailbox = try Mailbox(Array("\\bob@other.test".utf8))
        guard case .destination(let found) = try sources.destination(of: mailbox, &trail) else {
            Issue.record("nowhere")
            return
        }
        #expect(found.user == Array("bob".utf8))
        #expect(found.instructions == .inHome)
        #expect(found.recipient == Array("\\bob@other.test".utf8))
        // No client may say so.
        #expect(try sources.find(mailbox) == .noSuchMailbox)
    }

    @Test func `the file may be elsewhere, appear, change and be garbled`() throws {
        try tree.folder.write("root/etc/control/aliasfile", "\(tree.folder.path)/aliases\n")
        #expect(throws: ControlError.self) { _ = try RecipientSources(root) }
        try tree.folder.write("aliases", "x: y@x.test\n")
        var sources = try RecipientSources(root)
        let find = { (name: String, sources: inout RecipientSources) in
            try sources.find(Mailbox(Array("\(name)@other.test".utf8)))
        }
        #expect(try find("x", &sources) == .exists(.elsewhere))
        try tree.folder.write("aliases", "z: y@x.test\n")
        #expect(try find("z", &sources) == .exists(.elsewhere))
        #expect(try find("x", &sources) == .noSuchMailbox)
        try tree.folder.write("aliases", "z y\n")
        #expect(throws: SourceError.self) { try find("z", &sources) }
        #expect(throws: SourceError.self) { try find("bob", &sources) }
        #expect(try sources.find(Mailbox(Array("x@nowhere.test".utf8))) == .unknownDomain)
        try Files.unlink(tree.folder.file("root/etc/control/aliasfile"))
        #expect(try find("z", &sources) == .noSuchMailbox)
        try tree.folder.write("root/etc/control/aliases", "z: y\n")
        #expect(try find("z", &sources) == .exists(.elsewhere))
    }

    @Test func `ten thousand members and ten thousand aliases cost milliseconds`() throws {
        let members = (0..<10_000).map { "  member\($0)@x.test,\n" }.joined()
        let others = (0..<10_000).map { "a\($0): b\($0)@x.test\n" }.joined()
        let plan = try plan("list@local.test", "list:\n\(members)\(others)", compiled: true)
        #expect(plan?.instructions.count == 10_000)
        let many = (0..<25_000).map { "m\($0)@x.test" }.joined(separator: ",")
        #expect(throws: SourceError.self) {
            try self.plan("list@local.test", "list: \(many)", compiled: false)
        }
    }

    @Test func `a database of somebody else is not replaced, and not believed`() throws {
        try tree.folder.write("root/etc/control/aliases", "a: b@x.test\n")
        try tree.folder.write("root/etc/control/aliases.cdb", QmailTree.users([]))
        var sources = try RecipientSources(root)
        #expect(
            try sources.find(Mailbox(Array("a@local.test".utf8))) == .exists(.elsewhere))
        #expect(throws: ControlError.self) {
            try AliasCompiler.compile(file, to: "\(file).cdb", root.control)
        }
    }

    @Test func `the command and newaliases compile, and say what is wrong`() throws {
        try tree.folder.write("root/etc/control/aliases", "a: b@x.test\nb: c\n")
        let check = try Tool("chainmail", ["alias", "check", "--root", tree.folder.file("root")])
            .run()
        #expect(check.code == 0 && check.text == "\(file): 2 aliases\n", "\(check.errors)")
        let made = try Tool("chainmail", ["alias", "compile", "--root", tree.folder.file("root")])
            .run()
        #expect(made.code == 0 && made.text == "\(file).cdb: 2 aliases\n", "\(made.errors)")
        try tree.folder.write("root/etc/control/aliases", "a: b\nb: a\n")
        let bad = try Tool("chainmail", ["alias", "compile", "--root", tree.folder.file("root")])
            .run()
        #expect(bad.code == 65 && bad.errors.contains("\(file):"), "\(bad.errors)")
    }
}

@Suite struct AliasIncludeTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func members(_ text: String, mode: UInt32 = 0o644) throws -> [String] {
        let path = try folder.write("list", text)
        chmod(path, mode)
        return try AliasPlan([], includes: [path]).complete(host: Array("h.test".utf8)).map {
            String(decoding: $0.text, as: UTF8.self)
        }
    }

    @Test func `addresses, one or more a line, and other files`() throws {
        let other = try folder.write("other", "  e, f@x.test\n")
        let found = try members(
            "# members\na@x.test\n B <b@x.test>, c\n\\d\na@x.test\n:include:\(other)\n")
        #expect(
            found
                == ["a@x.test", "b@x.test", "c@h.test", "\\d@h.test", "e@h.test", "f@x.test"]
                .map { "forward \($0)" })
    }

    @Test(arguments: ["|id", "/tmp/x", "\"|id\"", "/dev/null", "a b", "a: b", ":include:/none"])
    func `what is no address defers the whole`(line: String) {
        #expect(throws: InstructionFault.self) { try members("a@x.test\n\(line)\n") }
    }

    @Test func `a file that anybody may write to, a FIFO, a loop and one too large`() throws {
        #expect(throws: InstructionFault.self) { try members("a@x.test\n", mode: 0o666) }
        #expect(mkfifo(folder.file("fifo"), 0o644) == 0)
        #expect(throws: InstructionFault.self) {
            try AliasPlan([], includes: [folder.file("fifo")]).complete(host: [])
        }
        #expect(throws: InstructionFault.self) {
            try members(String(repeating: "a@x.test\n", count: 500_000))
        }
        // A list that is being written is not one without members.
        #expect(throws: InstructionFault.self) { try members("# none\n") }
        // A file that includes itself adds nothing.
        #expect(try members("a@x.test\n:include:\(folder.file("list"))\n").count == 1)
    }
}
