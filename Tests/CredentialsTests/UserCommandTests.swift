import Credentials
import Foundation
import Glibc
import TestSupport
import Testing

/// `chainmail user`, as it is run.
@Suite struct UserCommandTests {
    private let place: Installation
    private let quick = ["--hash", "sha512", "--cost", "1000"]

    init() throws { place = try Installation() }

    private func text() throws -> String {
        String(decoding: try place.folder.read("etc/users"), as: UTF8.self)
    }

    private func mode(_ name: String) -> UInt32 {
        var status = stat()
        stat(place.folder.file(name), &status)
        return status.st_mode & 0o777
    }

    @Test func `a new user can log in, with yescrypt and for SCRAM`() throws {
        let result = try place.user(
            ["add", "Anna@Example.org", "--password-stdin"], "geheim\r\nx\n")
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.text == "")
        let line = try text()
        #expect(line.hasPrefix("anna@example.org:{CRYPT}$y$j9T$"))
        #expect(line.contains(":::{SCRAM-SHA-256}4096,") && line.hasSuffix("::\n"))
        #expect(!line.contains("geheim"))
        #expect(mode("etc/users") == 0o640 && mode("etc/users.cdb") == 0o640)
        #expect(try place.word("anna@example.org", "geheim") == "yes anna@example.org")
        #expect(try place.user(["list"]).text == "anna@example.org yescrypt scram\n")
    }

    @Test func `another password counts at once, and the rest of the line stays`() throws {
        try place.write(users: "# mine\nAnna:{PLAIN}old:5:6:gecos:/home/anna:sh:a=b c=d:e\nx:!\n")
        let sources = try place.sources()
        #expect(sources.word("anna", "old") == "yes anna")
        #expect(try place.user(["passwd", "ANNA", "--password-stdin"] + quick, "new").code == 0)
        #expect(sources.word("anna", "new") == "yes anna")
        #expect(sources.word("anna", "old") == "no")
        let lines = try text().split(separator: "\n")
        #expect(lines[0] == "# mine" && lines[2] == "x:!")
        #expect(lines[1].hasPrefix("Anna:{CRYPT}$6$rounds=1000$"))
        #expect(lines[1].contains(":5:6:{SCRAM-SHA-256}4096,"))
        #expect(lines[1].hasSuffix(":/home/anna:sh:a=b c=d:e"))
        #expect(
            try place.user(["passwd", "anna", "--password-stdin", "--no-scram"] + quick, "n").code
                == 0)
        #expect(try !text().contains("SCRAM"))
    }

    @Test func `who is removed is refused at once`() throws {
        try place.write(users: "anna:{PLAIN}a\nbert:{PLAIN}b\ncarl:{PLAIN}c\n")
        let sources = try place.sources()
        #expect(try place.user(["remove", "anna", "CARL"]).code == 0)
        #expect(sources.word("anna", "a") == "no")
        #expect(sources.word("bert", "b") == "yes bert")
        #expect(try text() == "bert:{PLAIN}b\n")
    }

    @Test func `permissions of a file stay with it and its database`() throws {
        try place.write(users: "anna:!\n", mode: 0o600)
        try place.user(["add", "bert", "--password-stdin"] + quick, "x")
        #expect(mode("etc/users") == 0o600 && mode("etc/users.cdb") == 0o600)
        guard getuid() == 0 else { return }
        chown(place.users, 4321, 1234)
        try place.user(["remove", "bert"])
        for name in ["etc/users", "etc/users.cdb"] {
            var status = stat()
            stat(place.folder.file(name), &status)
            #expect(status.st_uid == 4321 && status.st_gid == 1234)
        }
    }

    @Test func `what killed commands left is removed by the next one`() throws {
        try place.write(users: "anna:!\n")
        for name in ["users.new", "users.cdb.new", "users.cdb.new.17.tmp"] {
            try place.folder.write("etc/\(name)", "half")
        }
        #expect(try place.user(["add", "bert", "--password-stdin"] + quick, "x").code == 0)
        #expect(place.folder.names(in: "etc") == ["control", "users", "users.cdb"])
        #expect(try place.word("bert", "x") == "yes bert")
    }

    /// A limit of the size of files stands for a full disk: the new file is below it, and its database
    /// is not.
    @Test func `without room for the database nothing changes`() throws {
        try place.write(users: "anna:{PLAIN}a\n")
        #expect(try place.user(["compile"]).code == 0)
        let before = try place.folder.read("etc/users.cdb")
        var shell = try Tool(
            "/bin/sh",
            [
                "-c", "trap '' XFSZ; ulimit -f 2; exec \"$@\"", "sh",
                Tool.path("chainmail"), "user", "add", "bert", "--password-stdin",
                "--root", place.folder.path,
            ])
        shell.arguments += quick
        shell.message = Array("x".utf8)
        let result = try shell.run()
        #expect(result.code == 74 && result.errors.contains("users.cdb.new"), "\(result.errors)")
        #expect(try text() == "anna:{PLAIN}a\n")
        #expect(try place.folder.read("etc/users.cdb") == before)
        #expect(place.folder.names(in: "etc") == ["control", "users", "users.cdb"])
        #expect(try place.word("anna", "a") == "yes anna")
        #expect(try place.user(["add", "bert", "--password-stdin"] + quick, "x").code == 0)
        #expect(try place.word("bert", "x") == "yes bert")
    }

    @Test func `without a verifier the words in its place stay`() throws {
        try place.write(users: "anna:!:5:6:Anna A.:/home/anna\n")
        try place.user(["passwd", "anna", "--password-stdin", "--no-scram"] + quick, "x")
        #expect(try text().hasSuffix(":5:6:Anna A.:/home/anna:\n"))
    }

    @Test func `nothing changes when something is wrong, and the exit says what`() throws {
        let before = "anna:{PLAIN}a\n# x\n"
        try place.write(users: before)
        let list = try place.folder.write("list", "new x\nanna y\n")
        let twice = try place.folder.write("twice", "new x\nNEW y\n")
        let bad = try place.folder.write("bad", "new x\nalone\n")
        let control = try place.folder.write("control", "new x\nold a\u{7}b\n")
        for (arguments, input, code, words) in [
            (["add", "anna", "--password-stdin"], "x", 73, "users:1: anna is there already"),
            (["add", "--from", list], "", 73, "users:1: anna is there already"),
            (["add", "--from", twice], "", 65, "twice:2: new is in line 1 already"),
            (["add", "--from", bad], "", 65, "bad:2: not LOGIN PASSWORD"),
            (["add", "--from", control], "", 65, "control:2: the password is not UTF-8"),
            (["add", "--from", place.folder.file("none")], "", 71, "none: No such file"),
            (["passwd", "bert", "--password-stdin"], "x", 67, "no user bert"),
            (["remove", "anna", "bert"], "", 67, "no user bert"),
            (["add", "b:c", "--password-stdin"], "x", 65, "no login: b:c"),
            (["add", "b", "--password-stdin"], "", 65, "the password is empty"),
            (["add", "b", "--password-stdin"], "\n", 65, "the password is empty"),
            (
                ["add", "b", "--password-stdin"], String(repeating: "x", count: 512), 65,
                "511 bytes"
            ),
            (
                ["add", "b", "--password-stdin", "--hash", "bcrypt", "--cost", "4"],
                String(repeating: "x", count: 73), 65, "72 bytes"
            ),
            (["add", "b"], "x", 64, "no terminal"),
            (["add"], "x", 64, "give a login"),
            (["add", "b", "--from", list], "x", 64, "give a login"),
            (["add", "b", "--hash", "rot13"], "x", 64, "yescrypt, bcrypt, sha512"),
            (["add", "b", "--cost", "99"], "x", 64, "--cost of yescrypt is 1 to 11"),
            (["add", "b", "--scram-iterations", "1"], "x", 64, "4096"),
            (["add", "b", "--password-stdin", "--hashed"], "{NTLM}x", 65, "{NTLM}"),
            (["add", "b", "--password-stdin", "--hashed"], "!", 65, "no hash"),
        ] as [([String], String, Int32, String)] {
            let result = try place.user(arguments + (arguments.contains("--hash") ? [] : []), input)
            #expect(result.code == code, "\(arguments): \(result.errors)")
            #expect(result.errors.contains(words), "\(arguments): \(result.errors)")
            #expect(try text() == before)
        }
        // The list, the others, and no file that somebody forgot.
        #expect(place.folder.names(in: "etc") == ["control", "users"])
    }

    @Test func `a bad line of the file is named, and a login that is there twice`() throws {
        for (text, words) in [
            ("anna:!\nbert\n", "users:2: not login:password"),
            ("anna:!\nANNA:!\n", "users:2: anna is in line 1 already"),
        ] {
            try place.write(users: text)
            for arguments in [["compile"], ["remove", "anna"]] {
                let result = try place.user(arguments)
                #expect(result.code == 65)
                #expect(result.errors.contains(words), "\(result.errors)")
            }
        }
    }

    @Test func `a list of many, and hashes from elsewhere, come in at once`() throws {
        let lines = (0..<200).map { "user\($0)@x.test pass word \($0)" }.joined(separator: "\r\n")
        let list = try place.folder.write("list", "# a list\n\n\(lines)\n")
        #expect(try place.user(["add", "--from", list, "--no-scram"] + quick).code == 0)
        let hashes = try place.folder.write(
            "hashes", "old {PLAIN}in clear\nolder {SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n")
        #expect(try place.user(["add", "--from", hashes, "--hashed"]).code == 0)
        let sources = try place.sources()
        #expect(sources.word("user0@x.test", "pass word 0") == "yes user0@x.test")
        #expect(sources.word("user199@x.test", "pass word 199") == "yes user199@x.test")
        #expect(sources.word("user199@x.test", "pass word 19") == "no")
        #expect(sources.word("old", "in clear") == "yes old")
        #expect(sources.word("older", "secret") == "yes older")
        #expect(try place.user(["list"]).text.split(separator: "\n").count == 202)
        #expect(try place.user(["passwd", "--from", "-"] + quick, "old neu\n").code == 0)
        #expect(sources.word("old", "neu") == "yes old")
    }

    @Test func `of two at a time none is lost`() throws {
        try place.write(users: "")
        try await10 { number in
            try place.user(["add", "u\(number)", "--password-stdin"] + quick, "x")
        }
        #expect(try place.user(["list"]).text.split(separator: "\n").count == 10)
        #expect(place.folder.names(in: "etc") == ["control", "users", "users.cdb"])
    }

    /// Ten at once, each in a thread of its own.
    private func await10(_ body: @escaping @Sendable (Int) throws -> ToolResult) throws {
        let codes = Codes()
        DispatchQueue.concurrentPerform(iterations: 10) { number in
            codes.add((try? body(number).code) ?? -1)
        }
        #expect(codes.all == [Int32](repeating: 0, count: 10))
    }

    @Test func `a password that is typed is not shown, and asked for twice`() throws {
        let script = """
            import os, pty, sys, select, termios
            pid, fd = pty.fork()
            if pid == 0:
                os.execv(sys.argv[1], sys.argv[1:])
            seen = b""
            def until(word):
                global seen
                while word not in seen:
                    seen += os.read(fd, 1000)
            def hidden():
                while termios.tcgetattr(fd)[3] & termios.ECHO:
                    pass
            until(b"Password: ")
            hidden()
            os.write(fd, b"geheim\\n")
            until(b"Again: ")
            hidden()
            os.write(fd, b"geheim\\n")
            status = os.waitpid(pid, 0)[1]
            shown = termios.tcgetattr(fd)[3] & termios.ECHO != 0
            print(shown, os.waitstatus_to_exitcode(status), b"geheim" in seen)
            """
        let chainmail = try Tool.path("chainmail")
        let result = try Tool(
            "/usr/bin/python3",
            ["-c", script, chainmail, "user", "add", "anna", "--root", place.folder.path] + quick
        ).run()
        #expect(result.text == "True 0 False\n", "\(result.errors)")
        #expect(try place.word("anna", "geheim") == "yes anna")
    }
}

private final class Codes: @unchecked Sendable {
    private let lock = NSLock()
    private var codes: [Int32] = []

    func add(_ code: Int32) { lock.withLock { codes.append(code) } }

    var all: [Int32] { lock.withLock { codes } }
}
