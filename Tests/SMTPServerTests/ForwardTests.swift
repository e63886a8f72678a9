// Tests of a server before another server.
// smtp-server(8), section A server behind.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SMTPProtocol
import TestSupport
import Testing

@Suite struct ForwardTests {
    private static let offers = ["PIPELINING", "8BITMIME", "SIZE 1000000", "DSN", "SMTPUTF8"]

    private func server(
        _ stub: SMTPStub, steps: [String: String] = [:], control: [String: String] = [:],
        options: [String] = []
    ) throws -> TestServer {
        try TestServer(
            control: control, steps: steps,
            options: ["--reverse-dns", "0s", "--forward", "localhost:\(stub.port)"] + options,
            workers: "1-2", hasQueue: false)
    }

    /// A step in qmail-qfilter's manner that does what the subject says.
    private static let verdicts = """
        #!/bin/sh
        text=$(cat; echo x)
        case $text in
        *"Subject: reject"*) exit 31 ;;
        *"Subject: defer"*) exit 71 ;;
        *"Subject: discard"*) exit 99 ;;
        *"Subject: edit"*) printf 'X-Edited: yes\\n%s' "${text%x}" ;;
        esac

        """

    private func text(_ reply: SMTPReply?) -> String { reply?.description ?? "closed" }

    /// A client after EHLO, and the server, which lives as long.
    private struct Client {
        let server: TestServer
        let dialogue: SMTPDialogue

        func say(_ line: String) throws -> SMTPReply? { try dialogue.say(line) }
        func send(_ text: String) throws { try dialogue.send(text) }
        func reply() throws -> SMTPReply? { try dialogue.reply() }
    }

    /// One message, after EHLO.
    /// - Returns: every reply.
    private func send(
        _ client: Client, _ subject: String = "x", from sender: String = "a@b.test",
        to recipients: [String] = ["alice@example.test"]
    ) throws -> [String] {
        var replies = [text(try client.say("MAIL FROM:<\(sender)>"))]
        for recipient in recipients {
            replies.append(text(try client.say("RCPT TO:<\(recipient)>")))
        }
        let data = try client.say("DATA")
        guard data?.code == 354 else { return replies + [text(data)] }
        try client.send("Subject: \(subject)\r\n\r\n..dot\r\nb\u{E4}\r\n.\r\n")
        return replies + [text(try client.reply())]
    }

    private func begin(_ server: TestServer) throws -> Client {
        let client = Client(server: server, dialogue: try server.connect())
        #expect(try client.reply()?.code == 220)
        #expect(try client.say("EHLO client.test")?.code == 250)
        return client
    }

    @Test func `commands go to it in step, and what it says goes back`() throws {
        let stub = try SMTPStub(offers: Self.offers) { step, _ in
            switch step {
            case "RCPT TO:<bob@example.test>": .reply("550-5.1.1 no such\r\n550 5.1.1 mailbox")
            case ".": .reply("250 2.0.0 Ok: queued as 4711")
            default: nil
            }
        }
        let server = try server(stub)
        let client = try begin(server)
        let replies = try send(client, to: ["alice@example.test", "bob@example.test"])
        #expect(
            replies == [
                "250 2.0.0 ok", "250 2.0.0 ok", "550 5.1.1 no such mailbox",
                "250 2.0.0 Ok: queued as 4711",
            ])
        #expect(try client.say("QUIT")?.code == 221)
        let message = String(decoding: try #require(stub.messages.first), as: UTF8.self)
        #expect(message.hasPrefix("Received: from client.test "))
        #expect(message.hasSuffix("Subject: x\r\n\r\n..dot\r\nb\u{E4}\r\n"))
        #expect(eventually { stub.commands.last == "QUIT" })
        let commands = stub.commands.filter { !$0.hasPrefix("EHLO") && $0 != "QUIT" }
        #expect(
            commands == [
                "MAIL FROM:<a@b.test>", "RCPT TO:<alice@example.test>",
                "RCPT TO:<bob@example.test>", "DATA",
            ])
        #expect(server.log("passed-on").first?.contains("code=250") == true)
    }

    @Test func `verdicts keep messages from it, and edits go with them`() throws {
        let stub = try SMTPStub(offers: Self.offers)
        let server = try server(stub, steps: ["50-verdicts": Self.verdicts])
        let client = try begin(server)
        #expect(try send(client, "reject").last?.hasPrefix("550 5.7.1") == true)
        #expect(try send(client, "defer").last?.hasPrefix("451 4.7.1") == true)
        #expect(try send(client, "discard").last?.hasPrefix("250 2.0.0 Ok, queued as") == true)
        #expect(stub.messages.isEmpty)
        #expect(try send(client, "edit").last == "250 2.0.0 taken")
        #expect(try send(client, "accept").last == "250 2.0.0 taken")
        #expect(stub.messages.count == 2)
        #expect(stub.messages.first?.starts(with: "X-Edited: yes\r\nReceived:".utf8) == true)
        // What was begun and not finished is taken back, and the connection serves on.
        #expect(stub.commands.filter { $0 == "RSET" }.count >= 3)
        #expect(stub.connections == 2)
    }

    @Test func `recipients are ours to refuse first`() throws {
        let stub = try SMTPStub(offers: Self.offers)
        let client = try begin(try server(stub))
        #expect(try send(client, to: ["x@elsewhere.test"])[1].hasPrefix("550 5.7.1 Relaying"))
        #expect(!stub.commands.contains { $0.hasPrefix("RCPT") })
    }

    @Test func `parameters go on as far as it offers them`() throws {
        let stub = try SMTPStub(offers: Self.offers)
        let client = try begin(try server(stub))
        let mail = "MAIL FROM:<a@b.test> SIZE=50 BODY=8BITMIME RET=HDRS ENVID=x"
        #expect(try client.say(mail)?.code == 250)
        let rcpt = "RCPT TO:<alice@example.test> NOTIFY=NEVER ORCPT=rfc822;a@b"
        #expect(try client.say(rcpt)?.code == 250)
        #expect(stub.commands.contains(mail))
        #expect(stub.commands.contains(rcpt))
        let poor = try SMTPStub(offers: ["SIZE 1000"])
        let other = try begin(try server(poor))
        let lines = try #require(try other.say("EHLO c")).lines
        #expect(lines.contains("SIZE 1000"))
        for word in ["8BITMIME", "DSN", "SMTPUTF8"] { #expect(!lines.contains(word)) }
    }

    @Test func `where it is down, MAIL is deferred`() throws {
        var stub: SMTPStub? = try SMTPStub()
        let server = try server(try #require(stub))
        stub = nil
        let client = try begin(server)
        let replies = try send(client)
        #expect(replies[0].hasPrefix("451 4.4.1"), "\(replies)")
        #expect(replies[1].hasPrefix("503"))
    }

    @Test func `it may come back, and go at each step, and nothing is lost or taken for sent`()
        throws
    {
        for step in ["MAIL", "RCPT", "DATA", "."] {
            let stub = try SMTPStub(offers: Self.offers) { seen, connection in
                // The first connection only asks what it offers.
                connection == 2 && seen.hasPrefix(step) ? .close : nil
            }
            let client = try begin(try server(stub))
            let replies = try send(client)
            let firstRefusal = replies.first { !$0.hasPrefix("250") } ?? ""
            #expect(firstRefusal.hasPrefix("451 4.4.2"), "\(step): \(replies)")
            if !replies[0].hasPrefix("250") { continue }
            _ = try client.say("RSET")
            let again = try send(client)
            #expect(again.last == "250 2.0.0 taken", "\(step): \(again)")
            #expect(stub.messages.count == (step == "." ? 2 : 1))
        }
    }

    @Test func `a recipient lost with the connection is the only one that is deferred`() throws {
        let stub = try SMTPStub(offers: Self.offers) { seen, connection in
            connection == 2 && seen.contains("bob") ? .close : nil
        }
        let client = try begin(try server(stub))
        let replies = try send(client, to: ["alice@example.test", "bob@example.test"])
        #expect(replies[1].hasPrefix("250"))
        #expect(replies[2].hasPrefix("451 4.4.2"))
        // Who was accepted gets the message by another connection.
        #expect(replies[3] == "250 2.0.0 taken")
        #expect(stub.commands.filter { $0.contains("alice") }.count == 2)
        #expect(stub.messages.count == 1)
    }

    @Test func `one that says nothing is deferred in time`() throws {
        let stub = try SMTPStub(offers: Self.offers) { seen, _ in seen == "." ? .hang : nil }
        let client = try begin(try server(stub, options: ["--forward-timeout", "300ms"]))
        #expect(try send(client).last?.hasPrefix("451 4.4.2 timed out") == true)
    }

    @Test func `one that closed an idle connection is asked again`() throws {
        let stub = try SMTPStub(offers: Self.offers) { seen, connection in
            connection == 2 && seen == "." ? .replyAndClose("250 2.0.0 taken") : nil
        }
        let client = try begin(try server(stub))
        for _ in 0..<2 { #expect(try send(client).last == "250 2.0.0 taken") }
        #expect(stub.connections == 3)
    }

    @Test func `an envelope that is changed at the end is told anew`() throws {
        let script = """
            #!/bin/sh
            case "$(cat)" in *"Subject: move"*) printf 'Fnew@b.test\\0Tcarol@example.test\\0\\0' >&4 ;; esac

            """
        let stub = try SMTPStub(offers: Self.offers) { seen, _ in
            seen == "RCPT TO:<carol@example.test>" ? .reply("550 5.1.1 no carol") : nil
        }
        let client = try begin(try server(stub, steps: ["50-move": script]))
        #expect(try send(client, "x").last == "250 2.0.0 taken")
        let last = try send(client, "move").last
        #expect(last?.hasPrefix("550 5.1.1 carol@example.test: no carol") == true, "\(last ?? "")")
        #expect(stub.messages.count == 1)
        #expect(stub.commands.contains("MAIL FROM:<new@b.test>"))
    }

    // MARK: Who the client is

    @Test func `one that offers XCLIENT is told who the client is`() throws {
        let stub = try SMTPStub(
            offers: Self.offers + ["XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"])
        let client = try begin(try server(stub))
        #expect(try send(client).last == "250 2.0.0 taken")
        let line = try #require(stub.commands.first { $0.hasPrefix("XCLIENT") })
        #expect(line.hasPrefix("XCLIENT NAME=[UNAVAILABLE] ADDR=127.0.0.1 PORT="))
        #expect(line.contains(" PROTO=ESMTP HELO=client.test LOGIN=[UNAVAILABLE] DESTADDR="))
        #expect(stub.commands.contains("EHLO client.test"))
        #expect(try send(client).last == "250 2.0.0 taken")
        #expect(stub.commands.filter { $0.hasPrefix("XCLIENT") }.count == 1)
    }

    @Test func `from a server in front to one behind, the client stays who it is`() throws {
        let stub = try SMTPStub(
            offers: Self.offers + ["XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT"])
        let look = "#!/bin/sh\necho \"$TCPREMOTEIP $SMTPHELOHOST\" > \"${0%/*}/../../seen\"\n"
        let server = try server(
            stub, steps: ["50-look": look], control: ["xforwardclients": "127.0.0.0/8\n"])
        let client = try begin(server)
        for address in ["192.0.2.9", "2001:db8::1"] {
            let tagged = address.contains(":") ? "IPV6:\(address)" : address
            let claim = "XFORWARD ADDR=\(tagged) NAME=c.test HELO=real.test PROTO=ESMTP"
            #expect(try client.say(claim)?.code == 250)
            // Whatever the domain is: who is in front has accepted it.
            #expect(try send(client, to: ["x@elsewhere.test"]).last == "250 2.0.0 taken")
            let seen = String(decoding: try server.folder.read("seen"), as: UTF8.self)
            #expect(seen == "\(address) real.test\n")
            let line = stub.commands.last { $0.hasPrefix("XFORWARD") }
            #expect(line?.contains("NAME=c.test ADDR=\(tagged) ") == true)
            #expect(stub.messages.last?.starts(with: "Subject:".utf8) == true)
        }
    }

    @Test func `one that refuses to hear of clients gets no mail`() throws {
        let stub = try SMTPStub(offers: ["XCLIENT ADDR"]) { seen, _ in
            seen.hasPrefix("XCLIENT") ? .reply("550 5.7.0 no") : nil
        }
        let client = try begin(try server(stub))
        #expect(try send(client)[0].hasPrefix("451 4.3.5"))
    }

    // MARK: Smuggling

    @Test func `no end of a message comes to it but the true one`() throws {
        let stub = try SMTPStub(offers: Self.offers)
        let server = try server(stub)
        for end in ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n\0.\r\n"] {
            let client = try begin(server)
            _ = try client.say("MAIL FROM:<a@b.test>")
            _ = try client.say("RCPT TO:<alice@example.test>")
            _ = try client.say("DATA")
            try client.send("Subject: x\r\n\r\nbody\(end)MAIL FROM:<evil@b.test>\r\n.\r\n")
            let reply = try client.reply()
            #expect(end.contains("\0") ? reply?.code == 250 : reply?.code == 554)
            #expect(try client.say("QUIT")?.code == 221)
        }
        #expect(stub.messages.count == 1)
        #expect(!stub.commands.contains { $0.contains("evil") })
    }

    @Test func `a big message and one in chunks come whole`() throws {
        let stub = try SMTPStub(offers: Self.offers)
        let client = try begin(try server(stub))
        let line = String(repeating: "x", count: 70) + "\r\n"
        let body = "Subject: x\r\n\r\n" + String(repeating: line, count: 12_000)
        for usesChunks in [false, true] {
            _ = try client.say("MAIL FROM:<a@b.test>")
            _ = try client.say("RCPT TO:<alice@example.test>")
            if usesChunks {
                try client.send("BDAT \(body.utf8.count) LAST\r\n" + body)
            } else {
                _ = try client.say("DATA")
                try client.send(body + ".\r\n")
            }
            #expect(text(try client.reply()) == "250 2.0.0 taken")
            let message = String(decoding: try #require(stub.messages.last), as: UTF8.self)
            #expect(message.hasSuffix(body))
        }
    }

    @Test(arguments: ["nonsense", "1.2.3.4", "localhost", "localhost:x"])
    func `an address that is none ends the start`(_ address: String) throws {
        let folder = try TestFolder()
        try folder.write("etc/control/me", "mx.test\n")
        try folder.write("etc/filters.d/.keep", "")
        let arguments = ["--root", folder.path, "--listen", "127.0.0.1:0", "--forward", address]
        let result = try Tool("smtp-server", arguments).run()
        #expect(result.code == 64, "\(result.errors)")
        #expect(result.errors.contains("--forward \(address): not HOST:PORT"))
    }
}
