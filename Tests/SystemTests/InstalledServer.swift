// InstalledServer: a server as `make install` leaves it, started by root, each program as its user.
// chainmail(7), section USERS.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import TestSupport
import UnixIO

/// A user of the server by numbers that nobody on the machine has.
enum SeamUser: String, CaseIterable {
    case chainmaild, chainfilter, chainauth, chainmail, chainmailr, chainmailv
    /// Somebody with an account, and a mailbox of his own.
    case dave

    var number: uid_t {
        switch self {
        case .chainmaild: 64_101
        case .chainfilter: 64_102
        case .chainauth: 64_103
        case .chainmail: 64_104
        case .chainmailr: 64_105
        case .chainmailv: 64_106
        case .dave: 64_107
        }
    }

    /// Lines for all of them in the form of /etc/passwd.
    static var lines: String {
        allCases.map { "\($0.rawValue):x:\($0.number):\($0.number)::/:/bin/false\n" }.joined()
    }
}

/// Programs in a staging folder, and a root that the users of the server can reach.
final class InstalledServer: Sendable {
    let server: TestServer
    var folder: TestFolder { server.folder }
    var root: String { server.root }
    /// DESTDIR.
    var stage: String { folder.file("stage") }

    /// Makes everything, and starts nothing.
    init() throws {
        server = try TestServer()
        // The users of the server must find a way to what is theirs.
        chmod(folder.path, 0o755)
        try InstalledServer.install(to: folder.file("stage"))
        try Self.run("/bin/chmod", ["-R", "a+rX", "\(root)/etc"])
        chmod(root, 0o755)
        // A root of a trial has all folders already, and they are root's.
        for name in ["spool", "run", "mail"] { rmdir("\(root)/\(name)") }
        try folder.write("passwd", SeamUser.lines)
        try makeSecrets()
        try makeMailboxes()
    }

    /// Calls scripts/install for the programs that were built beside the tests; with `sendmail` for
    /// the links named so too.
    static func install(
        to stage: String, _ arguments: [String] = [], sendmail: Bool = false
    ) throws {
        var tool = try Tool("\(repository)/scripts/install", arguments)
        tool.environment = ["DESTDIR": stage, "PREFIX": "/usr", "BIN": try Tool.folder()]
        if sendmail { tool.environment["SENDMAIL"] = "yes" }
        let result = try tool.run()
        guard result.code == 0 else { throw TestFailure("install: \(result.errors)") }
    }

    /// Starts mail-server as an administrator would, but for the folder and the users.
    func start() throws {
        try server.start { tool in
            tool.path = "\(self.stage)/usr/sbin/mail-server"
            tool.arguments = arguments
        }
    }

    /// Ends the server, and removes everything.
    func remove() throws {
        try server.stop()
        try FileManager.default.removeItem(atPath: folder.path)
    }

    var arguments: [String] { ["--root", root, "--passwd", folder.file("passwd")] }

    /// A process of the server by a word of its command line: the first of its pool.
    func process(_ word: String) throws -> pid_t {
        guard let pid = server.processes("/\(word) ").first else {
            throw TestFailure("no process \(word)")
        }
        return pid
    }

    /// Tries something as a user, as a program that the server starts as that user is.
    func attempt(_ what: String, _ object: String, as user: SeamUser) throws -> String {
        let output = try Files.inMemory("output")
        var command = Command(
            "\(stage)/usr/lib/chainmail/seam-probe", [what, object], environment: [])
        command.descriptors = [1: output.number]
        command.identity = Identity(user: user.number, group: user.number)
        command.folder = "/"
        guard try Child(command).wait() == .exited(0) else {
            throw TestFailure("seam-probe cannot run: can every user reach TMPDIR?")
        }
        let size = Int(try output.borrowed.status("output").st_size)
        let bytes = try output.borrowed.bytes(at: 0, count: size, "output")
        return String(decoding: bytes.trimmed, as: UTF8.self)
    }

    /// What a user gets from a program of the server, with a message and perhaps an envelope.
    func run(
        _ name: String, _ arguments: [String], as user: SeamUser, envelope: [UInt8]
    ) throws -> ToolResult {
        let number = "\(user.number)"
        var tool = try Tool(
            "/usr/bin/setpriv",
            ["--reuid", number, "--regid", number, "--clear-groups", "--"]
                + ["\(stage)/usr/bin/\(name)"] + arguments)
        tool.message = Array("Subject: by hand\n\nx\n".utf8)
        tool.envelope = envelope
        tool.folder = "/"
        return try tool.run()
    }

    private func makeSecrets() throws {
        var add = try Tool(
            "chainmail", ["user", "add", "--password-stdin", "alice@example.test", "--root", root])
        add.message = Array("secret\n".utf8)
        let result = try add.run()
        guard result.code == 0 else { throw TestFailure("user add: \(result.errors)") }
        chown("\(root)/etc/users", 0, SeamUser.chainauth.number)
        chmod("\(root)/etc/users", 0o640)
        mkdir("\(root)/etc/tls", 0o700)
        let pem = "\(root)/etc/tls/mail.example.test.pem"
        try Self.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-subj", "/CN=mail.example.test", "-days", "2", "-keyout", pem,
                "-out", folder.file("certificate"),
            ])
        let certificate = try folder.read("certificate")
        try folder.write(
            "root/etc/tls/mail.example.test.pem",
            try folder.read("root/etc/tls/mail.example.test.pem") + certificate, mode: 0o600)
        for path in ["\(root)/etc/tls", pem] {
            chown(path, SeamUser.chainmaild.number, SeamUser.chainmaild.number)
        }
        // Of the tests' own programs.
        try Self.run(
            "/bin/cp", [try Tool.path("seam-probe"), "\(stage)/usr/lib/chainmail/seam-probe"])
    }

    /// A mailbox in a home, one in another's behind a link, and one that is root's.
    private func makeMailboxes() throws {
        for name in ["home/dave", "home/alice", "own"] {
            try Files.makeFolders(folder.file(name), mode: 0o755)
        }
        chown(folder.file("home/dave"), SeamUser.dave.number, SeamUser.dave.number)
        chmod(folder.file("home/dave"), 0o700)
        // Alice's home is the filters', which shall not reach Dave's by her link.
        symlink("\(folder.file("home/dave"))", folder.file("home/alice/link"))
        lchown(
            folder.file("home/alice"), SeamUser.chainfilter.number, SeamUser.chainfilter.number)
        try server.control(
            "mailboxes",
            """
            alice@example.test
            dave@example.test \(folder.file("home/dave/Maildir"))
            link@example.test \(folder.file("home/alice/link/Maildir"))
            root@example.test \(folder.file("own/Maildir"))
            """)
        chmod("\(root)/etc/control/mailboxes", 0o644)
    }

    private static func run(_ path: String, _ arguments: [String]) throws {
        let result = try Tool(path, arguments).run()
        guard result.code == 0 else { throw TestFailure("\(path): \(result.errors)") }
    }
}
