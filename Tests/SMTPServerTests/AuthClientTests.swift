// Tests of logins by the clients that people have: swaks, smtplib, msmtp and curl.
// smtp-server(8), section Authentication.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

@Suite struct AuthClientTests {
    private let server: AuthServer
    private let folder: TestFolder

    init() throws {
        folder = try TestFolder()
        let program = try folder.write(
            "token.sh",
            "#!/bin/sh\ncase $(cat <&3) in good) echo anna ;; *) exit 1 ;; esac\n", mode: 0o700)
        let users = try folder.write("users", "anna:{PLAIN}pencil::::::\n")
        server = try AuthServer(auth: "users clear=yes \(users)\noauth \(program)\n")
    }

    private var port: String { "\(server.server.port)" }

    private func run(_ program: String, _ arguments: [String], input: String = "") throws
        -> ToolResult
    {
        var tool = try Tool("/usr/bin/env", [program] + arguments)
        tool.message = Array(input.utf8)
        tool.environment["HOME"] = folder.path
        return try tool.run()
    }

    /// The mechanisms of the logins that the server took.
    private var logins: [String] {
        server.server.log("login").filter { $0.contains("user=anna") }.compactMap { line in
            line.split(separator: "mechanism=").last.map(String.init)
        }
    }

    @Test(arguments: ["PLAIN", "LOGIN", "CRAM-MD5"])
    func `swaks logs in, and is told that a password is wrong`(mechanism: String) throws {
        for (password, code) in [("pencil", 0), ("pen", 28)] {
            let result = try run(
                "swaks",
                [
                    "--server", "127.0.0.1", "--port", port, "--auth", mechanism, "--auth-user",
                    "anna", "--auth-password", password, "--from", "a@b.test", "--to",
                    "x@elsewhere.test",
                ])
            #expect(result.code == Int32(code), "\(result.text)\(result.errors)")
        }
        #expect(logins == [mechanism])
        #expect(try server.server.queued().count == 1)
    }

    @Test(arguments: ["plain", "login", "cram-md5"], [true, false])
    func `smtplib logs in, with an initial response and without`(
        mechanism: String, initial: Bool
    ) throws {
        let script = """
            import smtplib
            s = smtplib.SMTP("127.0.0.1", \(port))
            s.ehlo()
            s.user, s.password = "anna", "pencil"
            method = s.auth_\(mechanism.replacing("-", with: "_"))
            code, text = s.auth("\(mechanism.uppercased())", method,
                                initial_response_ok=\(initial ? "True" : "False"))
            s.sendmail("a@b.test", ["x@elsewhere.test"], "Subject: x\\r\\n\\r\\nx\\r\\n")
            s.quit()
            print(code)
            """
        let result = try run("python3", ["-c", script])
        #expect(result.text == "235\n", "\(result.errors)")
        #expect(logins == [mechanism.uppercased()])
    }

    @Test(arguments: ["plain", "login", "cram-md5", "scram-sha-256"])
    func `msmtp logs in, and is told that a password is wrong`(mechanism: String) throws {
        for (password, code) in [("pencil", 0), ("pen", 77)] {
            let file = try folder.write(
                "msmtprc",
                """
                account default
                host 127.0.0.1
                port \(port)
                auth \(mechanism)
                user anna
                password \(password)
                from a@b.test

                """)
            let result = try run(
                "msmtp", ["-C", file, "x@elsewhere.test"], input: "Subject: x\n\nx\n")
            #expect(result.code == Int32(code), "\(result.errors)")
        }
        #expect(logins == [mechanism.uppercased()])
    }

    @Test func `curl logs in by a token, and hears of one that is no good`() throws {
        let message = try folder.write("message", "Subject: x\r\n\r\nx\r\n")
        for (token, code) in [("good", 0), ("bad", 67)] {
            let result = try run(
                "curl",
                [
                    "-sS", "smtp://127.0.0.1:\(port)/client.test", "--mail-from", "a@b.test",
                    "--mail-rcpt", "x@elsewhere.test", "-T", message, "--oauth2-bearer", token,
                    "-u", "anna:", "--login-options", "AUTH=OAUTHBEARER",
                ])
            #expect(result.code == Int32(code), "\(result.errors)")
        }
        #expect(logins == ["OAUTHBEARER"])
    }

    @Test(arguments: ["PLAIN", "LOGIN", "CRAM-MD5"])
    func `curl logs in by a password`(mechanism: String) throws {
        let message = try folder.write("message", "Subject: x\r\n\r\nx\r\n")
        let result = try run(
            "curl",
            [
                "-sS", "smtp://127.0.0.1:\(port)/client.test", "--mail-from", "a@b.test",
                "--mail-rcpt", "x@elsewhere.test", "-T", message, "-u", "anna:pencil",
                "--login-options", "AUTH=\(mechanism)",
            ])
        #expect(result.code == 0, "\(result.errors)")
        #expect(logins == [mechanism])
    }
}
