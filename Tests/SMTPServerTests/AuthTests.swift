// Tests of logins in a running server, with an auth-check behind it.
// smtp-server(8), section Authentication.
// SPDX-License-Identifier: MIT

import Foundation
import MailModel
import SMTPProtocol
import TestSupport
import Testing

@Suite struct AuthTests {
    private static let right = "AUTH PLAIN " + encoded("\0anna\0pencil")
    private static let wrong = "AUTH PLAIN " + encoded("\0anna\0hunter2")

    private static func encoded(_ text: String) -> String {
        Data(text.utf8).base64EncodedString()
    }

    private func offered(_ client: SMTPDialogue) throws -> String? {
        try client.say("EHLO client.test")?.lines.first { $0.hasPrefix("AUTH") }
    }

    @Test func `what the sources serve is offered, and secrets in the clear only when asked for`()
        throws
    {
        let all = try AuthServer()
        #expect(try offered(all.connect()) == "AUTH SCRAM-SHA-256 PLAIN LOGIN CRAM-MD5")
        let standard = try AuthServer(options: ["--smtp-auth"])
        let client = try standard.connect()
        #expect(try offered(client) == "AUTH SCRAM-SHA-256 CRAM-MD5")
        #expect(try client.say(Self.right)?.code == 538)
        let onlyClear = try AuthServer(options: ["--clear-auth"])
        let port25 = try onlyClear.connect()
        #expect(try offered(port25) == nil)
        #expect(try port25.say(Self.right)?.code == 502)
    }

    @Test func `a user may relay, and the chain knows him`() throws {
        let folder = try TestFolder()
        let accept = try folder.write("accept", FilterReply(.accept).fields.frame)
        let script = try folder.write(
            "look.sh",
            """
            #!/bin/sh
            cat \(accept) >&"$FILTER_VERDICT_FD"
            echo "$SMTPAUTHUSER $FILTER_FACT_PROTOCOL" >>\(folder.file("seen"))
            """, mode: 0o700)
        let server = try AuthServer(steps: ["10-look": "run \(script)\nstage rcpt\nworkers 0\n"])
        let client = try server.connect()
        try client.say("MAIL FROM:<a@b.test>")
        #expect(try client.say("RCPT TO:<x@elsewhere.test>")?.code == 550)
        try client.say("RSET")
        #expect(try client.say(Self.right)?.code == 235)
        #expect(try client.say(Self.right)?.code == 503)
        try client.say("MAIL FROM:<a@b.test>")
        #expect(try client.say("RCPT TO:<x@elsewhere.test>")?.code == 250)
        try client.say("DATA")
        #expect(try client.say("x\r\n.")?.code == 250)
        #expect(String(decoding: try folder.read("seen"), as: UTF8.self) == "anna ESMTPA\n")
        let file = String(decoding: try server.server.queued().first ?? [], as: UTF8.self)
        #expect(file.contains("with ESMTPA"))
        #expect(!file.contains("pencil") && !file.contains(Self.encoded("\0anna\0pencil")))
    }

    @Test func `rounds go to and fro, and may be cancelled`() throws {
        let server = try AuthServer()
        let client = try server.connect()
        #expect(try client.say("AUTH PLAIN")?.text == "")
        #expect(try client.say("*")?.code == 501)
        #expect(try client.say("AUTH LOGIN")?.text == "VXNlcm5hbWU6")
        #expect(try client.say(Self.encoded("anna"))?.text == "UGFzc3dvcmQ6")
        #expect(try client.say("*")?.code == 501)
        #expect(try client.say("AUTH LOGIN \(Self.encoded("anna"))")?.text == "UGFzc3dvcmQ6")
        #expect(try client.say("no base64!")?.code == 501)
        #expect(try client.say("AUTH CRAM-MD5")?.code == 334)
        #expect(try client.say(Self.encoded("anna 0123456789abcdef0123456789abcdef"))?.code == 535)
        #expect(try client.say("AUTH LOGIN =")?.code == 535)
        #expect(try client.say("AUTH PLAIN")?.code == 334)
        #expect(try client.say(Self.encoded("\0anna\0pencil"))?.code == 235)
        // Conversations that were cancelled are over at once, not at their time limit.
        let check = try #require(server.server.companion)
        #expect(
            eventually {
                let lines = check.log.split(separator: "\n")
                return lines.filter { $0.contains("event=login-abandoned") }.count == 2
            })
    }

    @Test func `refused logins wait, are told to steps, and end the session`() throws {
        let folder = try TestFolder()
        let accept = try folder.write("accept", FilterReply(.accept).fields.frame)
        let script = try folder.write(
            "hears.sh",
            """
            #!/bin/sh
            cat \(accept) >&"$FILTER_VERDICT_FD"
            echo "$FILTER_OUTCOME $FILTER_STAGE $TCPREMOTEIP $SMTPAUTHUSER" \
            >>\(folder.file("heard"))
            """, mode: 0o700)
        let server = try AuthServer(
            steps: ["10-hears": "run \(script)\nstage mail\nworkers 0\nreport failures\n"],
            options: ["--smtp-auth", "--clear-auth"])
        let client = try server.connect()
        for _ in 1...2 { #expect(try client.say(Self.wrong)?.description.prefix(9) == "535 5.7.8") }
        #expect(try client.say(Self.wrong)?.description.prefix(9) == "421 4.7.0")
        #expect(try client.reply() == nil)
        #expect(
            String(decoding: try folder.read("heard"), as: UTF8.self)
                == String(repeating: "refused-login helo 127.0.0.1 anna\n", count: 3))
        let lines = server.server.log("login-refused")
        #expect(lines.count == 3)
        #expect(lines.allSatisfy { $0.hasSuffix("login=anna mechanism=PLAIN reason=credentials") })
        #expect(!server.server.server.log.contains("hunter2"))
        #expect(!server.server.server.log.contains(Self.encoded("\0anna\0hunter2")))
    }

    @Test func `while auth-check is away AUTH is offered and put off`() throws {
        let server = try AuthServer()
        let client = try server.connect()
        try server.stopCheck()
        #expect(try offered(client)?.contains("PLAIN") == true)
        #expect(try client.say(Self.right)?.description.prefix(9) == "454 4.7.0")
        // A conversation that has begun does not outlive its service either.
        try server.startCheck()
        #expect(try client.say("AUTH LOGIN")?.code == 334)
        #expect(try client.say(Self.encoded("anna"))?.code == 334)
        #expect(try client.say(Self.encoded("pencil"))?.code == 235)
        #expect(server.server.log("login-unavailable").count == 1)
    }

    @Test func `where nobody ever said what can be served nothing is offered`() throws {
        let server = try AuthServer(hasCheck: false)
        let client = try server.connect()
        #expect(try offered(client) == nil)
        #expect(try client.say(Self.right)?.code == 502)
    }

    @Test func `users keep to their reverse-paths where senderlogins says so`() throws {
        let server = try AuthServer(
            control: ["senderlogins": "sales@example.test anna,otto\n@anna.test anna\n"])
        let stranger = try server.connect()
        #expect(try stranger.say("MAIL FROM:<sales@example.test>")?.code == 250)
        let client = try server.connect()
        #expect(try client.say(Self.right)?.code == 235)
        for (path, code) in [
            ("sales@example.test", 250), ("Sales@Example.TEST", 250), ("any@anna.test", 250),
            ("", 250), ("anna@example.test", 553), ("x@sub.anna.test", 553),
        ] {
            let reply = try client.say("MAIL FROM:<\(path)>")
            #expect(reply?.code == UInt16(code), "\(path): \(reply?.description ?? "")")
            try client.say("RSET")
        }
        #expect(server.server.log("sender-refused").count == 2)
    }

    @Test(arguments: ["sales@example.test\n", "# x\nsales anna\n", "<>\n"])
    func `a line of senderlogins that says nothing is an error`(text: String) throws {
        let folder = try TestFolder()
        try folder.write("etc/filters.d/.keep", "")
        try folder.write("etc/control/me", "mx.example.test\n")
        try folder.write("etc/control/senderlogins", text)
        let result = try Tool(
            "smtp-server", ["--root", folder.path, "--listen", "127.0.0.1:0"]
        ).run()
        #expect(result.code == 78)
        #expect(result.errors.contains("senderlogins:\(text.hasPrefix("#") ? 2 : 1): "))
    }
}
