import Credentials
import Foundation
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

/// Dovecot's auth socket: a server by a script, and the real one.
@Suite struct DovecotTests {
    private let place: Installation
    private var socket: String { place.folder.file("auth") }

    init() throws { place = try Installation() }

    /// A server that gives the lines of `handshake`, then for each request those of `answer`, where
    /// `ID` is its number; `CLOSE` ends the connection. Requests are appended to `requests`.
    private func server(
        _ answers: [String],
        handshake: String =
            "VERSION\\t1\\t2\\nMECH\\tPLAIN\\tplaintext\\nSPID\\t1\\nCUID\\t1\\nCOOKIE\\tx\\nDONE\\n"
    )
        throws -> Service
    {
        let script = try place.folder.write(
            "server",
            """
            #!/usr/bin/python3
            import os, socket, sys
            answers = iter(sys.argv[3:])
            listener = socket.socket(socket.AF_UNIX)
            listener.bind("\(socket)")
            listener.listen(8)
            os.write(9, b"READY\\n")
            log = open("\(place.folder.file("requests"))", "ab", 0)
            while True:
                connection, _ = listener.accept()
                connection.sendall(b"\(handshake)")
                file = connection.makefile("rb")
                for line in file:
                    log.write(line)
                    if not line.startswith(b"AUTH"):
                        continue
                    answer = next(answers).encode().decode("unicode_escape").encode("latin-1")
                    if answer == b"CLOSE":
                        break
                    answer = answer.replace(b"ID", line.split(b"\\t")[1])
                    for i in range(len(answer)):
                        connection.sendall(answer[i:i + 1])
                file.close()
                connection.close()
            """, mode: 0o700)
        unlink(socket)
        try place.write(auth: "dovecot timeout=5s \(socket)\n")
        return try Service(Tool(script, answers), log: place.folder.file("log"))
    }

    private func requests() throws -> String {
        String(decoding: try place.folder.read("requests"), as: UTF8.self)
    }

    @Test func `what Dovecot says is what counts`() throws {
        let answers = [
            ("OK\\tID\\tuser=anna@real.test\\tx=y\\n", "yes anna@real.test"),
            ("OK\\tID\\n", "yes Anna"), ("OK\\tID\\tuser=a\\x01tb\\x011\\n", "yes a?b?"),
            ("FAIL\\tID\\tuser=anna\\n", "no"), ("FAIL\\tID\\tuser=anna\\tuser_disabled\\n", "no"),
            ("FAIL\\tID\\tuser=anna\\ttemp\\n", "unavailable"),
            ("FAIL\\tID\\tcode=temp_fail\\n", "unavailable"),
            ("FAIL\\tID\\tcode=auth_mech_ssl_required\\n", "unavailable"),
            ("CONT\\tID\\t\\n", "unavailable"),
            // A late answer to something else comes first.
            ("OK\\t999\\tuser=evil\\nFAIL\\tID\\n", "no"), ("NONSENSE\\nFAIL\\tID\\n", "no"),
        ]
        let server = try server(answers.map(\.0))
        let sources = try place.sources()
        for (answer, word) in answers {
            #expect(sources.word("Anna", "geheim") == word, "\(answer)")
        }
        #expect(sources.abilities == .verify)
        try server.stop()
        let lines = try requests().split(separator: "\n")
        #expect(lines.first == "VERSION\t1\t1")
        #expect(lines[1] == "CPID\t\(getpid())")
        #expect(lines[2] == "AUTH\t1\tPLAIN\tservice=smtp\tnologin\tresp=AEFubmEAZ2VoZWlt")
    }

    @Test func `the client's addresses and TLS go along`() throws {
        let server = try server(["OK\\tID\\n"])
        var context = LoginContext()
        context.clientAddress = IPAddress("2001:db8::7")
        context.localAddress = IPAddress("192.0.2.1")
        context.localPort = 465
        context.isSecured = true
        #expect(try place.word("anna", "x", context) == "yes anna")
        try server.stop()
        #expect(
            try requests().contains(
                "\tnologin\tsecured\tlip=192.0.2.1\trip=2001:db8::7\tlport=465\tresp="))
    }

    @Test func `a connection that is lost is made again once`() throws {
        let server = try server([
            "OK\\tID\\n", "CLOSE", "OK\\tID\\n", "CLOSE", "CLOSE", "OK\\tID\\n",
        ])
        let sources = try place.sources()
        #expect(sources.word("anna", "x") == "yes anna")
        #expect(sources.word("anna", "x") == "yes anna")
        #expect(sources.word("anna", "x") == "unavailable")
        #expect(sources.word("anna", "x") == "yes anna")
        try server.stop()
        #expect(sources.word("anna", "x") == "unavailable")
    }

    @Test(arguments: [
        "VERSION\\t2\\t0\\nMECH\\tPLAIN\\nDONE\\n", "VERSION\\t1\\t1\\nMECH\\tGSSAPI\\nDONE\\n",
        "x\\n", "",
    ])
    func `a server that is none, or has no PLAIN, is unavailable`(handshake: String) throws {
        let server = try server(["OK\\tID\\n"], handshake: handshake)
        try place.write(auth: "dovecot timeout=300ms \(socket)\n")
        #expect(try place.word("anna", "x") == "unavailable")
        try server.stop()
    }

    @Test func `no service of Dovecot's reads more of a password than is sent`() throws {
        let server = try server(["FAIL\\tID\\n"])
        // A tab or line end of a client must not end the word.
        #expect(try place.word("a\tb\nc", "x\ty\nz") == "no")
        try server.stop()
        #expect(try requests().split(separator: "\n").count == 3)
    }

    @Test func `Dovecot itself reads our users file, and answers for it`() throws {
        try place.user(["add", "anna@x.test", "--password-stdin"], "geheim\n")
        try place.user(
            ["add", "bert", "--password-stdin", "--hash", "bcrypt", "--cost", "4"], "hier\n")
        let dovecot = try RealDovecot(users: place.users)
        try place.write(auth: "dovecot timeout=20s \(dovecot.socket)\n")
        let sources = try place.sources()
        for (login, password, word) in [
            ("anna@x.test", "geheim", "yes anna@x.test"),
            ("Anna@X.test", "geheim", "yes anna@x.test"),
            ("anna@x.test", "falsch", "no"), ("bert", "hier", "yes bert"), ("carl", "hier", "no"),
        ] {
            #expect(sources.word(login, password) == word, "\(login): \(dovecot.log)")
        }
        try dovecot.stop()
        #expect(try place.word("bert", "hier") == "unavailable")
    }
}

/// A Dovecot that does nothing but answer for a users file.
private final class RealDovecot {
    let socket: String
    private let folder: TestFolder
    private let service: Service

    var log: String { service.log }

    init(users: String) throws {
        folder = try TestFolder()
        socket = folder.file("run/auth-client")
        let user = getuid() == 0 ? "root" : "$(id -un)"
        let script = try folder.write(
            "run-dovecot",
            """
            #!/bin/sh
            cat > \(folder.path)/conf <<EOF
            base_dir = \(folder.path)/run
            state_dir = \(folder.path)/run
            log_path = /dev/stderr
            protocols =
            listen = 127.0.0.1
            ssl = no
            disable_plaintext_auth = no
            auth_mechanisms = plain
            auth_failure_delay = 0
            default_internal_user = \(user)
            default_internal_group = $(id -gn)
            default_login_user = $( [ $(id -u) = 0 ] && echo nobody || id -un )
            passdb {
              driver = passwd-file
              args = \(users)
            }
            userdb {
              driver = static
              args = uid=65534 gid=65534 home=/tmp
            }
            service auth {
              user = \(user)
              unix_listener auth-client {
                mode = 0600
              }
            }
            service anvil {
              chroot =
            }
            service stats {
              chroot =
            }
            EOF
            (while [ ! -S \(socket) ]; do sleep 0.05; done; echo READY >&9) &
            exec /usr/sbin/dovecot -F -c \(folder.path)/conf
            """, mode: 0o700)
        service = try Service(Tool(script), log: folder.file("log"))
    }

    func stop() throws { try service.stop() }
}
