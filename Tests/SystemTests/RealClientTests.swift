// Clients that others wrote, against the complete server: plain, STARTTLS, TLS from the first byte.
// smtp-server(8).
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

/// One server for all of them; each client writes to a mailbox of its own.
private let shared = Result { try ServerOfUsers() }

/// One that offers CRAM-MD5 too.
private let clear = Result { try ServerOfUsers(isClear: true) }

@Suite struct RealClientTests {
    private let server: ServerOfUsers

    init() throws { server = try shared.get() }

    /// The server for logins with this mechanism.
    private func server(for mechanism: String) throws -> ServerOfUsers {
        mechanism.uppercased() == "CRAM-MD5" ? try clear.get() : server
    }

    /// Runs a client, and waits for the message that it sent.
    private func send(
        _ mailbox: String, _ tool: Tool, on other: ServerOfUsers? = nil,
        location: SourceLocation = #_sourceLocation
    ) throws -> String {
        let server = other ?? server
        let result = try tool.run()
        try #require(
            result.code == 0, "\(result.text)\n\(result.errors)\n\(server.log)",
            sourceLocation: location)
        return try server.awaitMessage(in: mailbox, location)
    }

    // MARK: curl

    @Test(arguments: Door.allCases)
    func `curl sends a message`(by door: Door) throws {
        let message = try send("curl-\(door.name)", server.curl("curl-\(door.name)", by: door))
        #expect(
            message.contains("with \(door.protocolName)\(door == .plain ? "" : " (TLSv1.3)") id "),
            "\(message)")
    }

    @Test(arguments: ["PLAIN", "LOGIN", "CRAM-MD5"], [Door.startTLS, .implicit])
    func `curl logs in`(with mechanism: String, by door: Door) throws {
        let mailbox = "curl-\(mechanism)-\(door.name)".lowercased()
        let server = try server(for: mechanism)
        let message = try send(
            mailbox,
            server.curl(
                mailbox, by: door,
                ["--user", "anna@example.test:\(ServerOfUsers.password)"]
                    + ["--login-options", "AUTH=\(mechanism)"]), on: server)
        #expect(message.contains("with ESMTPSA (TLSv1.3) id "), "\(message)")
        #expect(server.log.contains("login=anna@example.test"), "\(server.log)")
    }

    @Test func `curl chooses a mechanism that all users can use`() throws {
        let login = ["--user", "anna@example.test:\(ServerOfUsers.password)"]
        _ = try send("curl-chosen", server.curl("curl-chosen", by: .implicit, login))
    }

    @Test func `curl brings a bearer token`() throws {
        let token = ["--user", "anna@example.test", "--oauth2-bearer", ServerOfUsers.token]
        let message = try send(
            "curl-oauth",
            server.curl(
                "curl-oauth", by: .startTLS, token + ["--login-options", "AUTH=OAUTHBEARER"]))
        #expect(message.contains("with ESMTPSA (TLSv1.3) id "), "\(message)")
        let refused = try server.curl(
            "curl-oauth", by: .startTLS,
            ["--user", "anna@example.test", "--oauth2-bearer", "stolen"]
                + ["--login-options", "AUTH=OAUTHBEARER"]
        ).run()
        #expect(refused.code == 67, "curl(1): login denied; \(refused.errors)")
    }

    // MARK: swaks

    @Test(arguments: Door.allCases)
    func `swaks sends a message, in a pipeline too`(by door: Door) throws {
        for extra in [[], ["--pipeline"]] {
            let mailbox = "swaks-\(door.name)\(extra.isEmpty ? "" : "-pipeline")"
            let message = try send(mailbox, server.swaks(mailbox, by: door, extra))
            #expect(
                message.contains(
                    "with \(door.protocolName)\(door == .plain ? "" : " (TLSv1.3)") id "),
                "\(message)")
        }
    }

    @Test(arguments: ["PLAIN", "LOGIN", "CRAM-MD5"])
    func `swaks logs in`(with mechanism: String) throws {
        let mailbox = "swaks-login-\(mechanism)".lowercased()
        let login = ["--auth", mechanism, "--auth-user", "anna@example.test"]
        let server = try server(for: mechanism)
        let message = try send(
            mailbox,
            server.swaks(
                mailbox, by: .startTLS, login + ["--auth-password", ServerOfUsers.password]),
            on: server)
        #expect(message.contains("with ESMTPSA (TLSv1.3) id "), "\(message)")
        let refused = try server.swaks(
            mailbox, by: .startTLS, login + ["--auth-password", "wrong"]
        ).run()
        #expect(refused.code == 28, "swaks(1): no login; \(refused.text)")
        #expect(refused.text.contains("535 5.7.8 "), "\(refused.text)")
    }

    // MARK: msmtp

    @Test(arguments: ["plain", "login", "cram-md5", "scram-sha-256"], [Door.startTLS, .implicit])
    func `msmtp logs in`(with mechanism: String, by door: Door) throws {
        let mailbox = "msmtp-\(mechanism)-\(door.name)"
        let server = try server(for: mechanism)
        let message = try send(mailbox, server.msmtp(mailbox, mechanism, by: door), on: server)
        #expect(message.contains("with ESMTPSA (TLSv1.3) id "), "\(message)")
    }

    @Test(arguments: [Door.startTLS, .implicit])
    func `msmtp shows a certificate`(by door: Door) throws {
        let mailbox = "msmtp-external-\(door.name)"
        var tool = try server.msmtp(mailbox, "external", by: door)
        tool.arguments =
            ["--tls-cert-file=\(server.certificate)"]
            + ["--tls-key-file=\(server.certificate)"] + tool.arguments
        let message = try send(mailbox, tool)
        #expect(message.contains("with ESMTPSA (TLSv1.3) id "), "\(message)")
        #expect(server.log.contains("user=anna@example.test mechanism=EXTERNAL"), "\(server.log)")
    }

    @Test func `msmtp brings its wish for reports`() throws {
        var tool = try server.msmtp("msmtp-dsn", "plain", by: .startTLS)
        tool.arguments = ["--dsn-notify=failure,delay", "--dsn-return=headers"] + tool.arguments
        _ = try send("msmtp-dsn", tool)
    }

    // MARK: The rest

    @Test(arguments: ["SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "PLAIN", "LOGIN"])
    func `gsasl logs in after STARTTLS`(with mechanism: String) throws {
        var tool = try Tool(
            "/usr/bin/gsasl",
            ["--smtp", "--connect=127.0.0.1:\(server.submission)", "--mechanism=\(mechanism)"]
                + ["--authentication-id=anna@example.test"]
                + ["--password=\(ServerOfUsers.password)", "--x509-ca-file="]
                + (mechanism.hasSuffix("PLUS") ? [] : ["--no-cb"]))
        tool.input = .pipe
        let result = try tool.run()
        #expect(result.code == 0, "\(result.text)\n\(result.errors)\n\(server.log)")
        #expect(result.text.contains("235 2.7.0 "), "\(result.text)")
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func `openssl speaks TLS`(of version: String) throws {
        for (port, extra) in [(server.smtps, []), (server.submission, ["-starttls", "smtp"])] {
            var tool = try server.openssl(port, extra + [version, "-crlf", "-quiet"])
            tool.message = Array("EHLO client.pass.test\nQUIT\n".utf8)
            tool.input = .pipe
            let result = try tool.run()
            #expect(result.text.contains("250-SIZE"), "\(result.text)\n\(result.errors)")
            #expect(result.text.contains("221 2.0.0 "), "\(result.text)")
            #expect(!result.text.contains("STARTTLS"), "\(result.text)")
        }
    }

    @Test func `openssl gets no older TLS`() throws {
        for version in ["-tls1", "-tls1_1"] {
            var tool = try server.openssl(
                server.smtps, [version, "-cipher", "ALL:@SECLEVEL=0"])
            tool.input = .pipe
            let result = try tool.run()
            #expect(result.code != 0)
            #expect(result.errors.contains("alert protocol version"), "\(result.errors)")
        }
    }

    @Test(arguments: [[], ["-d"]])
    func `smtp-source sends many messages, over one connection each and over one for all`(
        _ extra: [String]
    ) throws {
        let mailbox = "source\(extra.joined())"
        let result = try server.source(
            mailbox, ["-m", "40", "-s", "4", "-l", "2000"] + extra
        ).run()
        #expect(result.code == 0, "\(result.errors)")
        let haveCome = eventually { server.messages(of: mailbox) == 40 }
        #expect(haveCome, "\(server.messages(of: mailbox)) of 40\n\(server.log)")
    }

    @Test(arguments: PythonSession.allCases)
    func `smtplib goes through a session`(_ session: PythonSession) throws {
        let server = session == .crammd5 ? try clear.get() : server
        let result = try server.python(session).run()
        #expect(result.code == 0, "\(result.text)\n\(result.errors)\n\(server.log)")
        let message = try server.awaitMessage(in: session.mailbox)
        #expect(message.contains("\n\(session.line)\n"), "\(message)")
    }
}
