import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

/// One server for the tests that only look at it and send to it.
private let shared: Result<InstalledServer, any Error> = Result {
    let installed = try InstalledServer()
    try installed.server.edit("10-throttle") { $0.replacing("100/1m", with: "100000/1m") }
    chmod("\(installed.root)/etc/filters.d/10-throttle", 0o644)
    // Who says who he is, in a place where all can write.
    try installed.server.step(
        "60-who", "#!/bin/sh\nf=\(who(installed)); id -u > $f.$$ && mv $f.$$ $f\n",
        mode: 0o755)
    try Files.makeFolders(installed.folder.file("open"))
    chmod(installed.folder.file("open"), 0o1777)
    try installed.start()
    // Nothing else ends what is there for as long as the process.
    atexit { try? shared.get().remove() }
    return installed
}

private func who(_ installed: InstalledServer) -> String { installed.folder.file("open/who") }

private let isRoot = geteuid() == 0
private let why: Comment = "only root can start programs as other users"

/// One process and what it may be.
struct SeamProcess: CustomTestStringConvertible, Sendable {
    let program: String
    let user: SeamUser?
    var testDescription: String { program }
}

/// Something that a user tries, and what comes of it.
struct Attempt: CustomTestStringConvertible, Sendable {
    let user: SeamUser
    let what: String
    let object: String
    let result: String

    init(_ user: SeamUser, _ what: String, _ object: String, _ result: String = "EACCES") {
        (self.user, self.what, self.object, self.result) = (user, what, object, result)
    }

    var testDescription: String { "\(user.rawValue): \(what) \(object)" }
}

@Suite(.enabled(if: isRoot, why)) struct SeamTests {
    private let installed: InstalledServer
    private var server: TestServer { installed.server }

    init() throws { installed = try shared.get() }

    // MARK: Who is who

    static let processes: [SeamProcess] = [
        SeamProcess(program: "smtp-server", user: .chainmaild),
        SeamProcess(program: "throttle", user: .chainfilter),
        SeamProcess(program: "rcpt-validate", user: .chainfilter),
        SeamProcess(program: "spf-check", user: .chainfilter),
        SeamProcess(program: "regex-filter", user: .chainfilter),
        SeamProcess(program: "virus-scan", user: .chainfilter),
        SeamProcess(program: "auth-check", user: .chainauth),
        SeamProcess(program: "queue-message", user: .chainmail),
        SeamProcess(program: "queue-manager", user: .chainmail),
        SeamProcess(program: "deliver-remote", user: .chainmailr),
        SeamProcess(program: "deliver-local", user: nil),
    ]

    @Test(arguments: processes)
    func `every process of a program is its user, in no other group, for good`(
        row: SeamProcess
    ) throws {
        // Not the processes that deliver-local starts for owners, which are theirs.
        let pids = server.processes("/\(row.program)").filter {
            !Processes.commandLine(of: $0).contains(" --once")
        }
        #expect(!pids.isEmpty)
        let number = row.user?.number ?? 0
        for pid in pids {
            let status = try status(of: pid)
            #expect(status["Uid"] == "\(number) \(number) \(number) \(number)")
            #expect(status["Gid"] == "\(number) \(number) \(number) \(number)")
            guard row.user != nil else { continue }
            #expect(status["Groups"] == "")
            // What checks a password may be a setuid program.
            #expect(status["NoNewPrivs"] == (row.user == .chainauth ? "0" : "1"))
            #expect(status["CapEff"] == "0000000000000000")
            #expect(status["CapPrm"] == "0000000000000000")
        }
    }

    @Test(arguments: ["smtp-server", "auth-check"])
    func `memory that holds a key or passwords goes to no core file`(program: String) throws {
        let limits = try text(of: "/proc/\(try installed.process(program))/limits")
        #expect(limits.contains(#/Max core file size +0 +0 /#), "\(limits)")
    }

    // MARK: What is closed to whom

    static let files: [Attempt] =
        [.chainmaild, .chainfilter, .chainauth, .chainmailr, .chainmailv, .dave].flatMap {
            [
                Attempt($0, "list", "spool/queue"), Attempt($0, "list", "spool/queue/new"),
                Attempt($0, "read", "spool/queue/lock"),
            ]
        }
        + [.chainmaild, .chainfilter, .chainmail, .chainmailr, .chainmailv, .dave].map {
            Attempt($0, "read", "etc/users")
        }
        + [.chainfilter, .chainauth, .chainmail, .chainmailr, .chainmailv, .dave].map {
            Attempt($0, "read", "etc/tls/mail.example.test.pem")
        }
        + [.chainmaild, .chainfilter, .chainmail, .chainmailr, .dave].map {
            Attempt($0, "list", "mail")
        } + [
            Attempt(.chainmaild, "list", "spool/quarantine"),
            Attempt(.chainmaild, "list", "run/throttle"),
            Attempt(.chainmail, "list", "run/throttle"),
            // Those who may, so that the others are kept out by what is under test.
            Attempt(.chainmail, "list", "spool/queue/new", "done"),
            Attempt(.chainauth, "read", "etc/users", "done"),
            Attempt(.chainmaild, "read", "etc/tls/mail.example.test.pem", "done"),
            Attempt(.chainfilter, "list", "spool/quarantine", "done"),
            Attempt(.chainfilter, "list", "run/throttle", "done"),
            Attempt(.chainmailv, "list", "mail", "done"),
        ]

    @Test(arguments: files)
    func `a file or folder opens to whom it belongs alone`(row: Attempt) throws {
        let path = "\(installed.root)/\(row.object)"
        #expect(try installed.attempt(row.what, path, as: row.user) == row.result)
    }

    static let sockets: [Attempt] =
        [.chainmaild, .chainfilter, .chainauth, .chainmailr, .dave].flatMap {
            [Attempt($0, "connect", "deliver-local"), Attempt($0, "connect", "deliver-remote")]
        }
        + [.chainfilter, .chainauth, .chainmail, .chainmailr, .dave].map {
            Attempt($0, "connect", "filters/40-regex-filter")
        } + [
            Attempt(.chainfilter, "connect", "queue-message"),
            Attempt(.dave, "connect", "queue-message", "done"),
            Attempt(.chainmaild, "connect", "queue-message", "done"),
            Attempt(.chainmaild, "connect", "filters/40-regex-filter", "done"),
            Attempt(.chainmail, "connect", "deliver-local", "done"),
            Attempt(.chainmail, "connect", "deliver-remote", "done"),
        ]

    @Test(arguments: sockets)
    func `a socket takes those who have business there`(row: Attempt) throws {
        let path = "\(installed.root)/run/\(row.object)"
        #expect(try installed.attempt("connect", path, as: row.user) == row.result)
    }

    static let memories: [Attempt] = [
        Attempt(.chainfilter, "memory", "smtp-server"),
        Attempt(.chainfilter, "memory", "queue-message"),
        Attempt(.chainfilter, "memory", "auth-check"),
        Attempt(.chainmaild, "memory", "auth-check"),
        Attempt(.chainmaild, "memory", "queue-message"),
        Attempt(.chainmaild, "memory", "regex-filter"),
        Attempt(.chainmaild, "memory", "deliver-local"),
        Attempt(.chainmail, "memory", "smtp-server"),
        Attempt(.chainmailr, "memory", "queue-manager"),
    ]

    @Test(arguments: memories)
    func `no user looks into, or ends, a process of another`(row: Attempt) throws {
        let pid = "\(try installed.process(row.object))"
        #expect(try installed.attempt("memory", pid, as: row.user) == "EPERM")
        #expect(try installed.attempt("trace", pid, as: row.user) == "EPERM")
        #expect(try installed.attempt("signal", pid, as: row.user) == "EPERM")
        #expect(try installed.attempt("list", "/proc/\(pid)/fd", as: row.user) == "EACCES")
        #expect(try installed.attempt("read", "/proc/\(pid)/mem", as: row.user) == "EACCES")
    }

    @Test func `a user looks into its own processes, so the probe can`() throws {
        let pid = "\(try installed.process("regex-filter"))"
        #expect(try installed.attempt("list", "/proc/\(pid)/fd", as: .chainfilter) == "done")
        #expect(try installed.attempt("signal", pid, as: .chainfilter) == "done")
    }

    // MARK: What passes

    @Test(arguments: [("alice", SeamUser.chainmailv), ("dave", SeamUser.dave)], [100, 1_000_000])
    func `a message passes every seam, and its file is the mailbox's owner's`(
        mailbox: (name: String, owner: SeamUser), size: Int
    ) throws {
        let line = String(repeating: "x", count: 70) + "\n"
        let body = String(repeating: line, count: size / 71 + 1)
        let mark = "seam-\(mailbox.name)-\(size)"
        let reply = try server.connect().send(
            from: "a@pass.test", to: ["\(mailbox.name)@example.test"],
            "Subject: \(mark)\n\n\(body)")
        #expect(reply.hasPrefix("250 2.0.0 "), "\(reply)\n\(server.log)")
        let folder = mailbox.name == "dave" ? "home/dave" : "root/mail/example.test/alice"
        let new = "\(folder)/Maildir/new"
        var found: [String] = []
        let isThere = eventually {
            found = installed.folder.names(in: new).filter {
                let bytes = (try? installed.folder.read("\(new)/\($0)")) ?? []
                return String(decoding: bytes.prefix(4096), as: UTF8.self).contains(mark)
            }
            return !found.isEmpty
        }
        #expect(isThere, "\(server.log)")
        let status = try Files.status("\(installed.folder.file(new))/\(found.first ?? "")")
        #expect(status?.st_uid == mailbox.owner.number)
        #expect(status?.st_gid == mailbox.owner.number)
    }

    @Test func `a step without workers is a filter too, not whoever runs the chain`() throws {
        let reply = try server.connect().send(
            from: "a@pass.test", to: ["alice@example.test"], "Subject: who\n\nx\n")
        #expect(reply.hasPrefix("250 "), "\(reply)\n\(server.log)")
        let text = try text(of: who(installed))
        #expect(text == "\(SeamUser.chainfilter.number)\n")
    }

    @Test func `the test virus is found by a filter that is not root`() throws {
        let eicar = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$EIC", "AR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"]
        let reply = try server.connect().send(
            from: "a@pass.test", to: ["alice@example.test"],
            "Subject: x\n\n\(eicar.joined())\n")
        #expect(reply.hasPrefix("5"), "\(reply)\n\(server.log)")
    }

    @Test(arguments: ["root", "link"])
    func `no mailbox is written as root, or as a user whom another's link names`(
        name: String
    ) throws {
        let reply = try server.connect().send(
            from: "a@pass.test", to: ["\(name)@example.test"], "Subject: \(name)\n\nx\n")
        #expect(reply.hasPrefix("250 "), "\(reply)\n\(server.log)")
        let isDeferred = eventually {
            server.log.split(separator: "\n").contains {
                $0.contains("event=deferred") && $0.contains("\(name)@example.test")
            }
        }
        #expect(isDeferred, "\(server.log)")
        #expect(installed.folder.names(in: "own").isEmpty)
        let new = "home/dave/Maildir/new"
        for file in installed.folder.names(in: new) {
            let bytes = try installed.folder.read("\(new)/\(file)")
            #expect(!String(decoding: bytes.prefix(4096), as: UTF8.self).contains("Subject: link"))
        }
    }

    @Test func `a user of the host hands in mail, and what he says of a client is not believed`()
        throws
    {
        let envelope = Envelope(
            reversePath: try ReversePath(Array("dave@example.test".utf8)),
            recipients: [try Mailbox(Array("root@example.test".utf8))])
        let result = try installed.run(
            "queue-message", ["--root", installed.root], as: .dave,
            envelope: envelope.queueFormat)
        #expect(result.code == 0, "\(result.errors)")
        let list = try Tool("chainmail", ["queue", "list", "--root", installed.root]).run().text
        let ids = list.split(separator: "\n").filter {
            $0.contains(" from ") && $0.contains("dave@example.test")
        }
        .compactMap { $0.split(separator: " ").first.map(String.init) }
        let id = try #require(ids.first, "\(list)")
        let text = try Tool("chainmail", ["queue", "show", id, "--root", installed.root]).run().text
        #expect(text.contains(/submitter +[0-9]+ 64107\n/), "\(text)")
        #expect(!text.contains(#/\nsession /#), "\(text)")
    }

    @Test func `a filter that is somebody else's way into the queue is none`() throws {
        let result = try installed.run(
            "queue-message", ["--root", installed.root], as: .chainfilter,
            envelope: Array("Fa@pass.test\0Talice@example.test\0\0".utf8))
        #expect(result.code != 0)
    }

    // MARK: Looking

    private func text(of path: String) throws -> String {
        String(decoding: try Files.contents(of: path), as: UTF8.self)
    }

    /// The lines of /proc/PID/status, with one blank between words.
    private func status(of pid: pid_t) throws -> [String: String] {
        let lines = try text(of: "/proc/\(pid)/status").split(separator: "\n")
        return Dictionary(
            lines.compactMap { line in
                let parts = line.split(separator: ":", maxSplits: 1)
                guard let name = parts.first else { return nil }
                let words = parts.dropFirst().first?.split { $0 == " " || $0 == "\t" } ?? []
                return (String(name), words.joined(separator: " "))
            }, uniquingKeysWith: { first, _ in first })
    }
}
