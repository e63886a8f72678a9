// Tests of sessions under TLS with a running server.
// smtp-server(8), section TLS; RFC 3207; RFC 8314.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc
import MailModel
import TLS
import TestSupport
import Testing
import UnixIO

@Suite struct TLSSessionTests {
    private static let both: [ClosedRange<TLSVersion>] = [
        .version12 ... .version12, .version13 ... .version13,
    ]

    private func client(
        _ versions: ClosedRange<TLSVersion> = .version12 ... .version13,
        name: String? = "mx.example.test", _ change: (inout ClientSettings) -> Void = { _ in }
    ) throws -> ServerTarget {
        var settings = ClientSettings()
        settings.versions = versions
        change(&settings)
        return try ClientContext(settings).server(named: name)
    }

    /// A connection up to the reply to STARTTLS.
    private func ready(_ server: TestServer) throws -> SMTPDialogue {
        let dialogue = try SMTPDialogue(port: server.port(of: "smtp"))
        #expect(try dialogue.reply()?.code == 220)
        try dialogue.say("EHLO c.test")
        #expect(try dialogue.say("STARTTLS")?.code == 220)
        return dialogue
    }

    @Test(arguments: both)
    func `a message comes in under STARTTLS, and its trace field says so`(
        _ versions: ClosedRange<TLSVersion>
    ) throws {
        let server = try TestServer()
        let dialogue = try ready(server)
        try dialogue.startTLS(client(versions))
        // RFC 3207, section 4.2: all that was said is forgotten, and there is no second greeting.
        #expect(try dialogue.say("MAIL FROM:<a@b.test>")?.code == 503)
        let reply = try dialogue.say("EHLO c.test")
        #expect(reply?.code == 250)
        #expect(reply?.lines.contains("STARTTLS") == false)
        #expect(try dialogue.say("STARTTLS")?.code == 503)
        for line in ["MAIL FROM:<a@b.test>", "RCPT TO:<alice@example.test>"] {
            #expect(try dialogue.say(line)?.code == 250)
        }
        #expect(try dialogue.say("DATA")?.code == 354)
        #expect(try dialogue.say("x\r\n.")?.code == 250)
        #expect(try dialogue.say("QUIT")?.code == 221)
        #expect(try dialogue.reply() == nil)
        let version = versions.lowerBound.rawValue
        let file = String(decoding: try #require(try server.queued().first), as: UTF8.self)
        #expect(file.contains("with ESMTPS (\(version))"))
        #expect(file.contains("\n\ttls TLS_"))
        #expect(eventually { server.log("disconnect").first?.contains("reason=quit") == true })
        let line = try #require(server.log("tls").first)
        #expect(line.contains("version=\(version) cipher=TLS_"))
        #expect(line.contains("name=mx.example.test"))
    }

    @Test func `with implicit TLS even the greeting is under it`() throws {
        let server = try TestServer(options: ["--listen", "smtps=127.0.0.1:0"])
        let dialogue = try SMTPDialogue(port: server.port(of: "smtps"))
        #expect(try !dialogue.hasReply())
        try dialogue.startTLS(client())
        #expect(try dialogue.reply()?.code == 220)
        #expect(try dialogue.say("EHLO c.test")?.lines.contains("STARTTLS") == false)
        #expect(try dialogue.say("QUIT")?.code == 221)
    }

    @Test func `what comes together with STARTTLS ends the session`() throws {
        let server = try TestServer()
        let dialogue = try server.connect()
        _ = try dialogue.reply()
        try dialogue.say("EHLO c.test")
        try dialogue.send("STARTTLS\r\nMAIL FROM:<evil@b.test>\r\nRCPT TO:<alice@example.test>\r\n")
        #expect(try dialogue.reply()?.code == 503)
        #expect(try dialogue.reply() == nil)
        #expect(eventually { server.log("tls-injection").count == 1 })
        #expect(server.log("mail").isEmpty)
    }

    private static let strange: [(String, String)] = [
        ("EHLO c.test\r\n", "wrong version number"), ("GET / HTTP/1.0\r\n\r\n", "http request"),
    ]

    @Test(arguments: strange)
    func `what is no TLS where TLS must be ends the session without a reply`(
        _ text: String, _ reason: String
    ) throws {
        let server = try TestServer(options: ["--listen", "smtps=127.0.0.1:0"])
        let implicit = try SMTPDialogue(port: server.port(of: "smtps"))
        let explicit = try ready(server)
        for dialogue in [implicit, explicit] {
            try dialogue.send(text)
            // An alert of TLS at most: no 220, no 421.
            #expect(try dialogue.rest().count <= 7)
        }
        #expect(eventually { server.log("disconnect").count == 2 })
        let failures = server.log("tls-failed")
        #expect(failures.count == 2)
        #expect(failures.allSatisfy { $0.contains("error=\"\(reason)\"") }, "\(failures)")
    }

    @Test(arguments: ["--command-timeout", "--handshake-timeout"])
    func `a client that does not go on ends with the time for a handshake`(
        _ option: String
    ) throws {
        let server = try TestServer(options: ["--listen", "smtps=127.0.0.1:0", option, "1s"])
        let explicit = try ready(server)
        let implicit = try SMTPDialogue(port: server.port(of: "smtps"))
        try implicit.send([22, 3, 1])
        for dialogue in [explicit, implicit] { #expect(try dialogue.rest().isEmpty) }
        #expect(eventually { server.log("tls-failed").count == 2 })
        #expect(server.log("tls-failed").allSatisfy { $0.contains("error=\"time limit\"") })
    }

    @Test func `the time limit is told under TLS`() throws {
        let server = try TestServer(options: ["--command-timeout", "1s"])
        let dialogue = try ready(server)
        try dialogue.startTLS(client())
        #expect(try dialogue.reply()?.code == 421)
        #expect(try dialogue.reply() == nil)
    }

    @Test func `an old version is refused`() throws {
        let server = try TestServer(options: ["--listen", "smtps=127.0.0.1:0"])
        let port = try server.port(of: "smtps")
        for (version, isSpoken) in [("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)] {
            var tool = try Tool(
                "/usr/bin/openssl",
                ["s_client", "-connect", "127.0.0.1:\(port)", version, "-cipher"]
                    + ["DEFAULT@SECLEVEL=0", "-crlf", "-quiet"])
            tool.message = Array("QUIT\n".utf8)
            let result = try tool.run()
            #expect(result.text.contains("220 mx.example.test") == isSpoken, "\(result)")
        }
        #expect(eventually { server.log("tls-failed").count == 1 })
        #expect(server.log("tls-failed").first?.contains("unsupported protocol") == true)
    }

    // MARK: Certificates

    @Test func `a reload changes the certificate, and a wrong one changes nothing`() throws {
        let server = try TestServer()
        let before = try ready(server)
        try before.startTLS(client())
        let old = try #require(before.tls?.peer?.digest)
        try server.folder.write(
            "etc/tls/other.test.pem", SelfSigned.pem(for: "other.test"))
        server.server.process.signal(SIGHUP)
        #expect(eventually { server.log("reloaded").count == 1 })
        #expect(try before.say("NOOP")?.code == 250)
        func digest(_ name: String) throws -> String? {
            let dialogue = try ready(server)
            try dialogue.startTLS(client(name: name))
            return dialogue.tls?.peer?.digest
        }
        #expect(try digest("mx.example.test") == old)
        #expect(try digest("nobody.test") == old)
        let new = try digest("other.test")
        #expect(new != old)
        try server.folder.write("etc/tls/third.test.pem", "nothing")
        server.server.process.signal(SIGHUP)
        #expect(eventually { server.log("reload-failed").count == 1 })
        #expect(server.log("reload-failed").first?.contains("third.test.pem") == true)
        #expect(try digest("other.test") == new)
    }

    @Test func `a server begins with a certificate of its own, and keeps it`() throws {
        let server = try TestServer()
        let file = server.folder.file("etc/tls/mx.example.test.pem")
        #expect(server.log("certificate-made").first?.contains(file) == true)
        #expect(try Files.status(file)?.st_mode == S_IFREG | 0o600)
        let pem = try server.folder.read("etc/tls/mx.example.test.pem")
        _ = try server.stop()
        let again = try Service(
            Tool(
                "smtp-server",
                ["--root", server.folder.path, "--listen", "127.0.0.1:0", "--workers", "1-2"]),
            log: server.folder.file("again.log"))
        #expect(try server.folder.read("etc/tls/mx.example.test.pem") == pem)
        #expect(!again.log.contains("certificate-made"))
    }

    @Test func `without a certificate there is no STARTTLS`() throws {
        let server = try TestServer(control: ["me": "no_name but this\n"])
        let dialogue = try server.connect()
        _ = try dialogue.reply()
        #expect(try dialogue.say("EHLO c.test")?.lines.contains("STARTTLS") == false)
        #expect(try dialogue.say("STARTTLS")?.code == 502)
        #expect(server.log("tls-off").count == 1)
    }

    // MARK: Tickets

    @Test(arguments: both)
    func `each worker takes up the session of any other, after a reload too`(
        _ versions: ClosedRange<TLSVersion>
    ) throws {
        let server = try TestServer(workers: "4-4")
        var settings = ClientSettings()
        settings.versions = versions
        let client = try ClientContext(settings)
        let first = try ready(server)
        try first.startTLS(client.server(named: nil))
        #expect(try first.say("EHLO c.test")?.code == 250)
        let session = try #require(first.tls?.session)
        // A worker serves one connection at a time: while these are open, each has its own.
        var open = [first]
        for _ in 0..<3 {
            let next = try ready(server)
            try next.startTLS(client.server(named: nil, resuming: session))
            #expect(next.tls?.isResumed == true)
            open.append(next)
        }
        for dialogue in open { #expect(try dialogue.say("QUIT")?.code == 221) }
        server.server.process.signal(SIGHUP)
        #expect(eventually { server.log("reloaded").count == 1 })
        let last = try ready(server)
        try last.startTLS(client.server(named: nil, resuming: session))
        #expect(last.tls?.isResumed == true)
        #expect(
            eventually { server.log("tls").filter { $0.contains("resumed=yes") }.count == 4 })
    }

    // MARK: Client certificates

    @Test func `a client's certificate is a fact for steps`() throws {
        let folder = try TestFolder()
        let accept = try folder.write("accept", FilterReply(.accept).fields.frame)
        let script = try folder.write(
            "look.sh",
            """
            #!/bin/sh
            echo "$SSL_PROTOCOL $SSL_CIPHER $FILTER_FACT_TLS_SERVER_NAME $FILTER_FACT_TLS_PEER" \
            >\(folder.file("seen"))
            cat \(accept) >&"$FILTER_VERDICT_FD"
            """, mode: 0o700)
        let server = try TestServer(
            steps: ["10-look": "run \(script)\nstage mail\nworkers 0\n"],
            options: ["--client-certificates", "ask"])
        let pem = try SelfSigned.pem(for: "client.test")
        let credential = try Credential(pem: pem)
        let dialogue = try ready(server)
        try dialogue.startTLS(client { $0.credential = credential })
        try dialogue.say("EHLO c.test")
        #expect(try dialogue.say("MAIL FROM:<a@b.test>")?.code == 250)
        try folder.write("client.pem", pem)
        let der = try TestSupport.Certificates.openssl(
            folder, ["x509", "-in", "client.pem", "-outform", "DER"]
        ).output
        let digest = try TestSupport.Certificates.openssl(
            folder, ["dgst", "-sha256", "-r"], input: der
        ).text.prefix(64)
        let seen = String(decoding: try folder.read("seen"), as: UTF8.self)
        #expect(seen == "TLSv1.3 TLS_AES_256_GCM_SHA384 mx.example.test \(digest)\n")
        #expect(server.log("tls").first?.contains("peer=\(digest)") == true)
        #expect(server.log("tls").first?.contains("peer-trouble=") == true)
    }

    // MARK: One session

    @Test(arguments: [true, false])
    func `one session on a socket has TLS too`(_ isImplicit: Bool) throws {
        let folder = try TestFolder()
        try folder.write("etc/filters.d/.keep", "")
        try folder.write("etc/control/me", "mx.example.test\n")
        var ends: [Int32] = [-1, -1]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        let log = try Files.open(folder.file("log"), O_WRONLY | O_CREAT)
        let service = isImplicit ? ["--service", "smtps"] : []
        var command = Command(
            try Tool.path("smtp-server"), ["--root", folder.path] + service,
            environment: ["TCPREMOTEIP=192.0.2.9", "PATH=/usr/bin:/bin"])
        command.descriptors = [0: ends[1], 1: ends[1], 2: log.number]
        let child = try Child(command)
        close(ends[1])
        let dialogue = SMTPDialogue(socket: OwnedDescriptor(ends[0]))
        if !isImplicit {
            _ = try dialogue.reply()
            try dialogue.say("EHLO c.test")
            #expect(try dialogue.say("STARTTLS")?.code == 220)
        }
        try dialogue.startTLS(client())
        if isImplicit { #expect(try dialogue.reply()?.code == 220) }
        #expect(try dialogue.say("EHLO c.test")?.code == 250)
        #expect(try dialogue.say("QUIT")?.code == 221)
        #expect(dialogue.tls?.session?.isResumable == false)
        #expect(try child.wait() == .exited(0))
    }
}
