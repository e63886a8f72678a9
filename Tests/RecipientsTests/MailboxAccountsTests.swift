import Control
import Glibc
import Recipients
import TestSupport
import Testing
import UnixIO

/// `chainmail mailboxes add|remove` and `chainmail domain`, as they are run.
@Suite struct MailboxAccountsTests {
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        try folder.write("etc/control/me", "mx.test\n")
    }

    @discardableResult
    private func chainmail(_ arguments: [String], _ input: String = "") throws -> ToolResult {
        var tool = try Tool("chainmail", arguments + ["--root", folder.path])
        tool.message = Array(input.utf8)
        return try tool.run()
    }

    private func add(
        _ lines: String, _ options: [String] = ["--add-domains"]
    ) throws -> ToolResult {
        try chainmail(["mailboxes", "add", "--from", "-", "--hashed"] + options, lines)
    }

    private func text(_ name: String) -> String {
        String(decoding: (try? folder.read("etc/\(name)")) ?? [], as: UTF8.self)
    }

    /// All that there is, but for the random bytes of a database.
    private var all: [String] {
        let control = folder.names(in: "etc/control").filter { !$0.hasSuffix(".cdb") }
        return folder.names(in: "etc") + control.map { "\($0)=\(text("control/\($0)"))" }
            + [text("users")]
    }

    private func isThere(_ address: String) throws -> Bool {
        try Tool(
            "rcpt-validate", ["--root", folder.path, "--check", "--recipient", address],
            message: "Subject: x\n\nx\n"
        ).run().code == 0
    }

    @Test func `a list makes mailboxes, users and domains at once`() throws {
        let result = try add("Anna@X.test {PLAIN}a b quota=10MB\r\n# no\n\nbert@y.test {PLAIN}c\n")
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.text.hasPrefix("2 mailboxes\n2 domains have changed: "))
        #expect(text("users") == "anna@x.test:{PLAIN}a b:::::\nbert@y.test:{PLAIN}c:::::\n")
        #expect(text("control/mailboxes") == "anna@x.test quota=10MB\nbert@y.test\n")
        #expect(text("control/locals") == "mx.test\nx.test\ny.test\n")
        #expect(try chainmail(["domain", "list"]).text == "x.test 1\ny.test 1\n")
        for address in ["anna@x.test", "ANNA@X.TEST", "bert@y.test"] {
            #expect(try isThere(address))
        }
        #expect(try !isThere("bert@x.test"))
        #expect(folder.names(in: "etc") == ["control", "users", "users.cdb"])
        #expect(
            folder.names(in: "etc/control") == ["locals", "mailboxes", "mailboxes.cdb", "me"])
    }

    @Test(arguments: ["control/mailboxes", "users"])
    func `a database without its list is not replaced by one of the new entries alone`(
        list: String
    ) throws {
        #expect(try add("anna@x.test {PLAIN}a\n").code == 0)
        try Files.unlink(folder.file("etc/\(list)"))
        let before = all
        let result = try add("bert@x.test {PLAIN}b\n")
        #expect(result.code != 0 && result.errors.contains("\(list).cdb"), "\(result.errors)")
        #expect(all == before)
    }

    @Test func `one mailbox has its password from standard input`() throws {
        try folder.write("etc/control/rcpthosts", "x.test")
        let result = try chainmail(
            [
                "mailboxes", "add", "anna@x.test", "--password-stdin", "--hash", "sha512", "--cost",
                "1000", "--quota", "1GB",
            ], "geheim\n")
        #expect(result.code == 0 && result.text.isEmpty, "\(result.errors)")
        #expect(text("users").hasPrefix("anna@x.test:{CRYPT}$6$rounds=1000$"))
        #expect(text("control/mailboxes") == "anna@x.test quota=1GB\n")
        #expect(text("control/rcpthosts") == "x.test")
        // Where there is rcpthosts, new domains are in it.
        #expect(try chainmail(["domain", "add", "Y.test", "x.test"]).text.hasPrefix("1 domains"))
        #expect(text("control/rcpthosts") == "x.test\ny.test\n")
        #expect(try chainmail(["domain", "add", "y.test"]).text.isEmpty)
    }

    @Test func `what is there is updated, and what does not change stays as it is`() throws {
        try folder.write("etc/control/locals", "x.test\n")
        try folder.write(
            "etc/control/mailboxes",
            "# mine\nAnna@x.test\t/srv/anna dir/ quota=1MB \n\nbert@x.test\n@x.test mbox:/all\n")
        let scram = "{SCRAM-SHA-256}4096,AAAA,BBBB,CCCC"
        try folder.write(
            "etc/users", "Anna@x.test:{PLAIN}a:5:6:\(scram):/home:sh:e\nbert@x.test:{PLAIN}b\n",
            mode: 0o640)
        let result = try add(
            "anna@x.test {PLAIN}a quota=2MB\nbert@x.test {PLAIN}new\ncarl@x.test {PLAIN}c\n",
            ["--update"])
        #expect(result.code == 0, "\(result.errors)")
        #expect(
            text("control/mailboxes") == "# mine\nAnna@x.test\t/srv/anna dir/ quota=2MB\n\n"
                + "bert@x.test\n@x.test mbox:/all\ncarl@x.test\n")
        #expect(
            text("users") == "Anna@x.test:{PLAIN}a:5:6:\(scram):/home:sh:e\n"
                + "bert@x.test:{PLAIN}new:::::\ncarl@x.test:{PLAIN}c:::::\n")
    }

    @Test func `removed are mailbox and user, or a domain with all of its own`() throws {
        try #require(
            try add("a@x.test {PLAIN}a\nb@x.test {PLAIN}b\na@y.test {PLAIN}a\nb@y.test {PLAIN}b\n")
                .code == 0)
        try chainmail(["user", "remove", "b@y.test"])
        #expect(try chainmail(["mailboxes", "remove", "A@x.test", "b@y.test"]).code == 0)
        #expect(text("control/mailboxes") == "b@x.test\na@y.test\n")
        #expect(text("users") == "a@y.test:{PLAIN}a:::::\nb@x.test:{PLAIN}b:::::\n")
        let before = all
        #expect(try chainmail(["mailboxes", "remove", "b@x.test", "no@x.test"]).code == 67)
        #expect(try chainmail(["domain", "remove", "x.test", "no.test"]).code == 67)
        #expect(all == before)
        let result = try chainmail(["domain", "remove", "X.test"])
        #expect(result.text.hasPrefix("1 mailboxes and 1 users are gone\n"), "\(result.errors)")
        #expect(text("control/mailboxes") == "a@y.test\n")
        #expect(text("users") == "a@y.test:{PLAIN}a:::::\n")
        #expect(text("control/locals") == "mx.test\ny.test\n")
        #expect(try chainmail(["domain", "list"]).text == "y.test 1\n")
    }

    @Test func `nothing changes when something is wrong, and its line is named`() throws {
        try #require(try add("a@x.test {PLAIN}a\n").code == 0)
        let before = all
        for (lines, options, code, words) in [
            ("b@x.test {PLAIN}b\na@x.test {PLAIN}c\n", [], 73, "-:2: "),
            ("b@x.test {PLAIN}b\nc@new.test {PLAIN}c\n", [], 65, "-:2: c@new.test is in a domain"),
            ("b@x.test {PLAIN}b\nalone\n", [], 65, "-:2: not LOGIN PASSWORD"),
            ("b@x.test {PLAIN}b\nuser {PLAIN}x\n", [], 65, "-:2: not local@domain"),
            ("b@x.test {PLAIN}b\na/b@x.test {PLAIN}x\n", [], 65, "-:2: a/b@x.test cannot name"),
            ("b@x.test {PLAIN}b\n.c@x.test {PLAIN}x\n", [], 65, "-:2: .c@x.test cannot name"),
            ("b@x.test {PLAIN}b\nc@../x {PLAIN}x\n", ["--add-domains"], 65, "-:2: "),
            ("b@x.test {PLAIN}b\nB@X.test {PLAIN}x\n", [], 65, "-:2: b@x.test is in line 1"),
            ("b@x.test {PLAIN}b\nc@x.test {NTLM}x\n", [], 65, "-:2: "),
            ("b@x.test {PLAIN}b quota=12XB\n", [], 65, "-:1: not a quota"),
            ("b@x.test {PLAIN}b\n", ["--quota", "0"], 65, "--quota: not a quota"),
        ] as [(String, [String], Int32, String)] {
            let result = try add(lines, options)
            #expect(result.code == code, "\(lines): \(result.errors)")
            #expect(result.errors.contains(words), "\(lines): \(result.errors)")
            #expect(all == before, "\(lines)")
        }
        for domain in ["", "a b", "x@y", "../etc", ".x"] {
            #expect(try chainmail(["domain", "add", domain]).code == 65, "\(domain)")
        }
        #expect(all == before)
    }

    @Test func `a domain that others decide on, too, is not removed`() throws {
        try #require(try add("a@x.test {PLAIN}a\n").code == 0)
        try folder.write("etc/control/virtualdomains", "# x\nx.test:joe\n")
        let before = all
        let result = try chainmail(["domain", "remove", "x.test"])
        #expect(result.code == 65 && result.errors.contains("virtualdomains:2: "))
        #expect(all == before)
    }

    /// A limit of the size of files stands for a full disk.
    @Test(arguments: [1, 4, 8, 16])
    func `on a full disk nothing changes`(blocks: Int) throws {
        try #require(try add("a@x.test {PLAIN}a\n").code == 0)
        let before = all
        let lines = (0..<300).map { "u\($0)@y.test {PLAIN}x\n" }.joined()
        var shell = try Tool(
            "/bin/sh",
            [
                "-c", "trap '' XFSZ; ulimit -f \(blocks); exec \"$@\"", "sh",
                Tool.path("chainmail"), "mailboxes", "add", "--from", "-", "--hashed",
                "--add-domains", "--root", folder.path,
            ])
        shell.message = Array(lines.utf8)
        let result = try shell.run()
        #expect(result.code == 74, "\(result.errors)")
        #expect(all == before)
        #expect(try isThere("a@x.test"))
        #expect(try add(lines).code == 0)
        #expect(try isThere("u299@y.test"))
    }

    /// Databases get their names while they are made, then each list and its database theirs.
    @Test(arguments: 1...7)
    func `killed before any name is given, the same again mends it`(name: Int) throws {
        try #require(try add("a@x.test {PLAIN}a\n").code == 0)
        let list = try folder.write("list", "b@y.test {PLAIN}b\nc@x.test {PLAIN}c\n")
        let command = try [
            Tool.path("chainmail"), "mailboxes", "add", "--from", list, "--hashed",
            "--add-domains", "--root", folder.path,
        ]
        let calls = "rename,renameat,renameat2"
        let killed = try Tool(
            "/usr/bin/strace",
            ["-qq", "-e", "trace=\(calls)", "-e", "inject=\(calls):signal=KILL:when=\(name)"]
                + command
        ).run()
        #expect(killed.code == -1)
        #expect(try isThere("a@x.test"))
        let result = try Tool(command[0], Array(command.dropFirst()) + ["--update"]).run()
        #expect(result.code == 0, "\(result.errors)")
        for address in ["a@x.test", "b@y.test", "c@x.test"] { #expect(try isThere(address)) }
        #expect(text("control/mailboxes").split(separator: "\n").count == 3)
        #expect(text("users").split(separator: "\n").count == 3)
        #expect(text("control/locals") == "mx.test\nx.test\ny.test\n")
        #expect(folder.names(in: "etc") == ["control", "users", "users.cdb"])
        #expect(
            folder.names(in: "etc/control") == ["locals", "mailboxes", "mailboxes.cdb", "me"])
    }

    @Test func `a thousand mailboxes in ten domains are made, found, changed and removed`() throws {
        let hash =
            "{SHA512-CRYPT}$6$rounds=1000$abcdefgh$"
            + "x9T7bTkvxAB7sRm0VVfJ3oPZ5y8nVR1l4tvdXzVnGkm0R0rqv5s0c6zB1Fz3kL8a8nT2k1GmKk0j3N2w7mX1x0"
        let lines = (0..<1000).map { "user\($0)@d\($0 % 10).test \(hash) quota=1GB\n" }
        #expect(try add(lines.joined()).text.hasPrefix("1000 mailboxes\n10 domains"))
        #expect(try chainmail(["domain", "list"]).text.hasPrefix("d0.test 100\nd1.test 100\n"))
        for number in [0, 499, 999] {
            #expect(try isThere("user\(number)@d\(number % 10).test"))
            #expect(try !isThere("user\(number)@d\((number + 1) % 10).test"))
        }
        #expect(try add(lines.joined()).code == 73)
        #expect(try add(lines.joined(), ["--update"]).code == 0)
        let result = try chainmail(["domain", "remove", "d3.test", "d4.test"])
        #expect(result.text.hasPrefix("200 mailboxes and 200 users are gone\n"))
        #expect(try isThere("user5@d5.test"))
        #expect(try chainmail(["domain", "list"]).text.split(separator: "\n").count == 8)
        #expect(try chainmail(["user", "list"]).text.split(separator: "\n").count == 800)
    }
}

extension Tool {
    fileprivate init(_ name: String, _ arguments: [String], message: String) throws {
        try self.init(name, arguments)
        self.message = Array(message.utf8)
    }
}
