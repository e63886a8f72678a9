import Glibc
import MailModel
import TestSupport
import Testing

/// The same message gets the same verdict in whatever way the filters are asked.
@Suite struct AgreementTests {
    /// What a row must lead to: an exit code, and the class of an SMTP reply.
    struct Row: CustomTestStringConvertible, Sendable {
        let sender: String
        let subject: String
        let code: Int32
        let replyClass: Character

        var testDescription: String { "\(sender), \(subject): exit \(code)" }
        var message: String { "Subject: \(subject)\n\nOne line.\n" }
    }

    static let rows = [
        Row(sender: "a@pass.test", subject: "agreement", code: 0, replyClass: "2"),
        Row(sender: "a@fail.test", subject: "agreement", code: 31, replyClass: "5"),
        Row(sender: "a@servfail.test", subject: "agreement", code: 71, replyClass: "4"),
        Row(sender: "a@pass.test", subject: "cheap pills", code: 31, replyClass: "5"),
    ]

    private static let shared = Result {
        let server = try TestServer()
        try server.keepSteps(["20-rcpt-validate", "30-spf-check", "40-regex-filter"])
        try server.start()
        return server
    }

    private let server: TestServer

    init() throws { server = try Self.shared.get() }

    private var rules: String { "\(server.root)/etc/regex-rules" }
    private var spfOptions: [String] {
        ["--resolver", server.resolver, "--client-ip", "127.0.0.1", "--helo", "client.test"]
    }

    private func envelope(_ row: Row) -> [UInt8] {
        Array("F\(row.sender)\0Talice@example.test\0\0".utf8)
    }

    @Test(arguments: rows)
    func `in a shell, one after the other`(row: Row) throws {
        let envelope = ["--sender", row.sender, "--recipient", "alice@example.test"]
        var spf = try Tool("spf-check", spfOptions + envelope)
        spf.message = Array(row.message.utf8)
        let first = try spf.run()
        guard first.code == 0 else {
            #expect(first.code == row.code, "\(first.errors)")
            return
        }
        var regex = try Tool("regex-filter", ["--rules", rules] + envelope)
        regex.message = first.output
        let second = try regex.run()
        #expect(second.code == row.code, "\(second.errors)")
    }

    @Test(arguments: rows)
    func `as a row of programs that ends in queue-message`(row: Row) throws {
        var tool = try Tool(
            "spf-check",
            spfOptions + [
                "--", "regex-filter", "--rules", rules, "--", "queue-message", "--root",
                server.root,
            ])
        tool.message = Array(row.message.utf8)
        tool.envelope = envelope(row)
        let result = try tool.run()
        #expect(result.code == row.code, "\(result.errors)")
    }

    @Test(arguments: rows)
    func `as filter-chain in the place of qmail-queue`(row: Row) throws {
        var tool = try Tool("filter-chain")
        tool.environment = [
            "CHAINMAIL_ROOT": server.root, "TCPREMOTEIP": "127.0.0.1",
            "SMTPHELOHOST": "client.test",
        ]
        tool.message = Array(row.message.utf8)
        tool.envelope = envelope(row)
        let result = try tool.run()
        #expect(result.code == row.code, "\(result.errors)")
    }

    @Test(arguments: rows)
    func `by the server`(row: Row) throws {
        let reply = try server.connect().send(
            from: row.sender, to: ["alice@example.test"], row.message)
        #expect(reply.first == row.replyClass, "\(reply)")
    }

    @Test func `what the queue convention and filter-chain accept arrives`() throws {
        for (name, arguments) in [
            ("queue-message", ["--root", server.root]), ("filter-chain", ["--root", server.root]),
        ] {
            var tool = try Tool(name, arguments)
            tool.message = Array("Subject: handed-on-by-\(name)\n\nOne line.\n".utf8)
            tool.envelope = Array("Fa@pass.test\0Tbob@example.test\0\0".utf8)
            let result = try tool.run()
            #expect(result.code == 0, "\(name): \(result.errors)")
            let arrives = eventually { server.subjects(of: "bob").contains("handed-on-by-\(name)") }
            #expect(arrives, "\(name)")
        }
    }

    @Test(
        arguments: [
            ("alice@example.test", true), ("ALICE@Example.TEST", true), ("anyone@all.test", true),
            ("nobody@example.test", false), ("alice-extension@example.test", false),
            ("own@other.test", true), ("none@other.test", false),
        ], [false, true])
    func `rcpt-validate and deliver-local know the same mailboxes, listed or compiled`(
        row: (address: String, exists: Bool), isCompiled: Bool
    ) throws {
        let (address, exists) = row
        let folder = try TestFolder()
        try folder.write("etc/control/me", "mail.example.test\n")
        try folder.write("etc/control/locals", "example.test\nall.test\nother.test\n")
        try folder.write(
            "etc/control/mailboxes",
            "alice@example.test\n@all.test everybody\nown@other.test \(folder.path)/own\n")
        if isCompiled {
            let compiled = try Tool(
                "chainmail", ["mailboxes", "compile", "--root", folder.path]
            ).run()
            #expect(compiled.code == 0, "\(compiled.errors)")
        }
        var validate = try Tool(
            "rcpt-validate",
            ["--root", folder.path, "--sender", "a@x.test", "--recipient", address])
        validate.message = Array("Subject: x\n\nx\n".utf8)
        let validated = try validate.run()
        #expect(validated.code == (exists ? 0 : 31), "\(validated.errors)")
        var deliver = try Tool(
            "deliver-local", ["--root", folder.path, "--sender", "a@x.test", address])
        deliver.message = validate.message
        let delivered = try deliver.run()
        #expect(delivered.code == (exists ? 0 : 67), "\(delivered.errors)")
    }

    @Test(arguments: [
        ("alice@users.test", true), ("ALICE@Users.test", true), ("alice-ext@users.test", true),
        ("alice-none@users.test", false), ("nobody@users.test", false), ("root@users.test", false),
        ("x@virtual.test", true), ("y@virtual.test", false), ("team-x@users.test", true),
        ("alice%users.test@users.test", true), ("nobody%users.test@users.test", false),
        ("@users.test", true), ("alice", true), ("postmaster@users.test", true),
        ("box@listed.test", true), ("alice@listed.test", false),
        ("news@users.test", true), ("News+x@users.test", true), ("void@users.test", true),
        ("void%users.test@users.test", true), ("news@virtual.test", false),
        ("news-x@users.test", false), ("own@users.test", true),
    ])
    func `rcpt-validate and deliver-local know the same users`(
        address: String, exists: Bool
    ) throws {
        let users = try UsersOfHost()
        var validate = try Tool(
            "rcpt-validate",
            ["--root", users.root, "--sender", "a@x.test", "--recipient", address])
        validate.message = Array("Subject: x\n\nx\n".utf8)
        let validated = try validate.run()
        #expect(validated.code == (exists ? 0 : 31), "\(validated.errors)")
        var deliver = try Tool(
            "deliver-local",
            ["--root", users.root, "--sender", "a@x.test", address]
                + (geteuid() == 0 ? ["--as-owner"] : []))
        deliver.message = validate.message
        let delivered = try deliver.run()
        #expect(delivered.code == (exists ? 0 : 67), "\(delivered.errors)")
    }
}

/// A root with users of its own, who are whoever runs the tests; for root somebody else.
private struct UsersOfHost {
    let folder: TestFolder
    var root: String { folder.file("root") }

    init() throws {
        folder = try TestFolder()
        let user = geteuid() == 0 ? 64_107 : geteuid()
        for (name, text) in [
            ("root/etc/control/me", "users.test\n"),
            ("root/etc/control/virtualdomains", "virtual.test:alice-virtual\n"),
            ("root/etc/control/percenthack", "users.test\n"),
            ("root/etc/control/mailboxes", "box@listed.test\n"),
            (
                "root/etc/control/aliases",
                "news: \(folder.path)/alice/News/, void\nvoid: /dev/null\nown: |exit 0\n"
            ),
            ("root/etc/users/passwd", "alice:x:\(user):\(user):A:\(folder.path)/alice:/bin/sh\n"),
            (
                "root/etc/users/assign",
                "+team-:alice:\(user):\(user):\(folder.path)/alice:-:team-:\n.\n"
            ),
            ("root/etc/alias/.qmail-postmaster", "# taken, and gone\n"), ("root/mail/.keep", ""),
            ("alice/.qmail-ext", "./Maildir/\n"), ("alice/.qmail-virtual-x", "|exit 0\n"),
            ("alice/.qmail-team-default", "./Team/\n"),
        ] { try folder.write(name, text, mode: 0o644) }
        let folders = ["", "root", "root/etc", "root/etc/alias", "root/mail", "alice"]
        for name in folders { chmod(folder.file(name), 0o755) }
        if geteuid() == 0 {
            for name in ["root/mail", "root/etc/alias", "alice"] {
                chown(folder.file(name), 64_107, 64_107)
            }
        }
        let compiled = try Tool("chainmail", ["assign", "compile", "--root", root]).run()
        guard compiled.code == 0 else { throw TestFailure(compiled.errors) }
    }
}
