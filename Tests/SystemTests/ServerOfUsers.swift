// ServerOfUsers: a complete server with all three services and users, and the clients that go to it.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

/// How a client comes in.
enum Door: String, CaseIterable, CustomTestStringConvertible {
    /// Service `smtp`, without TLS.
    case plain
    /// Service `submission`, where the client asks for TLS.
    case startTLS
    /// Service `smtps`, TLS from the first byte.
    case implicit

    var testDescription: String { rawValue }

    /// For names of mailboxes.
    var name: String { rawValue.lowercased() }

    /// What a Received field calls it, without a login.
    var protocolName: String { self == .plain ? "ESMTP" : "ESMTPS" }
}

/// The server. Whoever comes from 127.0.0.1 without a login may write to its mailboxes.
final class ServerOfUsers: Sendable {
    /// The password of all users.
    static let password = "correct horse"
    /// The token that the program for tokens takes for anna@example.test.
    static let token = "a-token-of-anna"

    let server: TestServer
    let smtp: UInt16
    let submission: UInt16
    let smtps: UInt16

    /// Where it is clear, passwords are kept as they are, as CRAM-MD5 needs them, and not hashed.
    init(isClear: Bool = false) throws {
        server = try TestServer()
        try server.keepSteps([])
        try server.control(
            "listen", Self.services.map { "\($0) 127.0.0.1:0" }.joined(separator: "\n"))
        try server.control("relayclients", "127.0.0.1")
        try server.control(
            "mailboxes", Self.mailboxes.map { "\($0)@example.test" }.joined(separator: "\n"))
        let check = try server.folder.write(
            "check-token",
            "#!/bin/sh\n[ \"$(cat <&3)\" = \(Self.token) ] || exit 1\necho anna@example.test\n",
            mode: 0o700)
        if isClear {
            let file = server.folder.file("clear")
            try Self.add(
                "anna@example.test {PLAIN}\(Self.password)", server, ["--hashed", "--file", file])
            try server.control("auth", "users clear=yes \(file)")
        } else {
            try Self.add("anna@example.test \(Self.password)", server)
            let certificates = try Certificates(in: server.folder)
            try server.control(
                "clientca.pem", String(decoding: try certificates.authority(), as: UTF8.self))
            try server.folder.write(
                "anna.pem", certificates.signed("anna", names: "email:anna@example.test"))
            try server.control("auth", "users\noauth \(check)\ncertificate")
        }
        try server.start()
        let ready = server.log.split(separator: "\n").first { $0.hasPrefix("ready smtp-server ") }
        let ports = Self.services.map { service in
            ready?.split(separator: " ").first { $0.hasPrefix("\(service)=127.0.0.1:") }
                .flatMap { UInt16($0.drop { $0 != ":" }.dropFirst()) }
        }
        smtp = try #require(ports[0])
        submission = try #require(ports[1])
        smtps = try #require(ports[2])
    }

    private static let services = ["smtp", "submission", "smtps"]

    /// Every mailbox that a client writes to.
    private static var mailboxes: [String] {
        let doors = Door.allCases.map(\.name)
        let mechanisms = ["plain", "login", "cram-md5", "scram-sha-256"]
        let curl = doors.flatMap { door in mechanisms.map { "curl-\($0)-\(door)" } }
        let msmtp = doors.flatMap { door in mechanisms.map { "msmtp-\($0)-\(door)" } }
        return doors.flatMap { ["curl-\($0)", "swaks-\($0)", "swaks-\($0)-pipeline"] } + curl
            + msmtp
            + mechanisms.map { "swaks-login-\($0)" } + PythonSession.allCases.map(\.mailbox)
            + [
                "curl-oauth", "curl-chosen", "msmtp-external-starttls", "msmtp-external-implicit",
                "msmtp-dsn", "source", "source-d",
            ]
    }

    /// Runs `chainmail user add`.
    private static func add(_ user: String, _ server: TestServer, _ extra: [String] = []) throws {
        var tool = try Tool(
            "chainmail", ["user", "add", "--from", "-", "--root", server.root] + extra)
        tool.message = Array("\(user)\n".utf8)
        let result = try tool.run()
        guard result.code == 0 else { throw TestFailure("user add: \(result.errors)") }
    }

    var log: String { server.log }

    func port(_ door: Door) -> UInt16 {
        switch door {
        case .plain: smtp
        case .startTLS: submission
        case .implicit: smtps
        }
    }

    func messages(of mailbox: String) -> Int { server.messages(of: mailbox).count }

    /// The one message of a mailbox, once it is there.
    func awaitMessage(
        in mailbox: String, _ location: SourceLocation = #_sourceLocation
    ) throws -> String {
        let hasCome = eventually { messages(of: mailbox) > 0 }
        try #require(hasCome, "nothing in \(mailbox)\n\(log)", sourceLocation: location)
        let all = server.messages(of: mailbox)
        #expect(all.count == 1, sourceLocation: location)
        return String(decoding: all.first ?? [], as: UTF8.self)
    }
}

// MARK: Clients

extension ServerOfUsers {
    private static let message = "From: anna@example.test\r\nSubject: hello\r\n\r\nhello\r\n"

    /// curl(1): `curl smtp://...`.
    func curl(_ mailbox: String, by door: Door, _ extra: [String] = []) throws -> Tool {
        let scheme = door == .implicit ? "smtps" : "smtp"
        var tool = try Tool(
            "/usr/bin/curl",
            ["--silent", "--show-error", "--insecure"] + (door == .startTLS ? ["--ssl-reqd"] : [])
                + ["--url", "\(scheme)://127.0.0.1:\(port(door))/client.pass.test"]
                + ["--mail-from", "anna@example.test", "--mail-rcpt", "\(mailbox)@example.test"]
                + ["--upload-file", "-"] + extra)
        tool.message = Array(Self.message.utf8)
        return tool
    }

    /// swaks(1).
    func swaks(_ mailbox: String, by door: Door, _ extra: [String] = []) throws -> Tool {
        let tls = [Door.plain: [], .startTLS: ["--tls"], .implicit: ["--tls-on-connect"]]
        return try Tool(
            "/usr/bin/swaks",
            ["--server", "127.0.0.1", "--port", "\(port(door))", "--helo", "client.pass.test"]
                + ["--from", "anna@example.test", "--to", "\(mailbox)@example.test"]
                + (tls[door] ?? []) + extra)
    }

    /// msmtp(1).
    func msmtp(
        _ mailbox: String, _ mechanism: String, by door: Door
    ) throws -> Tool {
        var tool = try Tool(
            "/usr/bin/msmtp",
            ["--host=127.0.0.1", "--port=\(port(door))", "--domain=client.pass.test"]
                + ["--file=/dev/null", "--tls=on", "--tls-certcheck=off"]
                + ["--tls-starttls=\(door == .startTLS ? "on" : "off")", "--auth=\(mechanism)"]
                + ["--user=anna@example.test", "--passwordeval=echo '\(Self.password)'"]
                + ["--from=anna@example.test", "\(mailbox)@example.test"])
        tool.message = Array(Self.message.utf8)
        return tool
    }

    /// The key and the certificate of anna@example.test, by an authority that the server trusts.
    var certificate: String { server.folder.file("anna.pem") }

    /// openssl-s_client(1).
    func openssl(_ port: UInt16, _ extra: [String]) throws -> Tool {
        try Tool("/usr/bin/openssl", ["s_client", "-connect", "127.0.0.1:\(port)"] + extra)
    }

    /// smtp-source(1), of a Postfix that is unpacked and not installed.
    func source(_ mailbox: String, _ extra: [String]) throws -> Tool {
        let folder = try Unpacked.postfix.get()
        var tool = try Tool(
            "\(folder)/usr/sbin/smtp-source",
            ["-f", "anna@example.test", "-t", "\(mailbox)@example.test"] + extra
                + ["127.0.0.1:\(smtp)"])
        tool.environment["LD_LIBRARY_PATH"] = "\(folder)/usr/lib/postfix"
        // It wants a main.cf, be it empty.
        tool.environment["MAIL_CONFIG"] = try Unpacked.emptyConfiguration.get()
        return tool
    }

    /// A session of smtplib.
    func python(_ session: PythonSession) throws -> Tool {
        let port = port(session.door)
        return try Tool(
            "/usr/bin/env",
            ["python3", "\(repository)/Tests/SystemTests/sessions.py", "\(port)", session.rawValue]
                + [Self.password])
    }
}

/// Debian packages that are unpacked for a test: two mail servers cannot be installed side by side.
enum Unpacked {
    /// Postfix, for its smtp-source.
    static let postfix = Result {
        let folder = "\(try Tool.folder())/unpacked"
        var tool = try Tool("\(repository)/scripts/unpack-package", ["postfix", folder])
        tool.limit = .seconds(300)
        let result = try tool.run()
        guard result.code == 0 else { throw TestFailure("unpack-package: \(result.errors)") }
        return folder
    }

    static let emptyConfiguration = Result {
        let folder = "\(try Tool.folder())/unpacked/etc/none"
        try Files.makeFolders(folder)
        _ = try Files.open("\(folder)/main.cf", O_WRONLY | O_CREAT)
        return folder
    }
}

/// The sessions that Tests/SystemTests/sessions.py knows.
enum PythonSession: String, CaseIterable, CustomTestStringConvertible {
    /// As programs send mail: one recipient, STARTTLS, and the login that smtplib chooses.
    case starttls
    /// TLS from the first byte, and PLAIN.
    case implicit
    /// What smtplib likes best.
    case crammd5
    /// A mailbox and a header in UTF-8.
    case utf8
    /// NOTIFY, ORCPT, RET and ENVID.
    case dsn
    /// BDAT in three chunks.
    case bdat
    /// A whole session in one segment.
    case pipelined
    /// A whole session, one byte a segment.
    case bytewise

    var testDescription: String { rawValue }

    var door: Door {
        switch self {
        case .implicit: .implicit
        case .starttls, .crammd5: .startTLS
        case .utf8, .dsn, .bdat, .pipelined, .bytewise: .plain
        }
    }

    /// The mailbox that the session writes to.
    var mailbox: String { self == .utf8 ? "jos\u{E9}" : "python-\(rawValue)" }

    /// A line of the message.
    var line: String { self == .utf8 ? "na\u{EF}ve" : "by \(rawValue)" }
}
