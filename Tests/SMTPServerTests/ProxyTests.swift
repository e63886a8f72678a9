// Tests of clients behind a proxy, against a running server.
// smtp-server(8), section Proxies.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SMTPProtocol
import TestSupport
import Testing

extension SMTPDialogue {
    /// A connection on which a proxy says that it speaks for a client of this address.
    convenience init(proxied address: String, to server: TestServer) throws {
        try self.init(port: server.port)
        let family = address.contains(":") ? "TCP6" : "TCP4"
        let own = address.contains(":") ? "::9" : "192.0.2.99"
        try send("PROXY \(family) \(address) \(own) 4321 25\r\n")
    }
}

@Suite struct ProxyTests {
    private func code(_ reply: SMTPReply?) -> String {
        reply.map { "\($0.code) \($0.status.map(\.description) ?? "-")" } ?? "closed"
    }

    /// This host, as a proxy, says for whom it speaks.
    private static let proxied = ["proxyclients": "127.0.0.0/8\n"]
    private static let noNames = ["--reverse-dns", "0s"]

    @Test func `behind a proxy the client is who the header says`() throws {
        let server = try TestServer(
            control: ["relayclients": "192.0.2.9\n"].merging(Self.proxied) { $1 },
            options: Self.noNames)
        let relaying = try SMTPDialogue(proxied: "192.0.2.9", to: server)
        #expect(try relaying.reply()?.code == 220)
        #expect(try relaying.say("EHLO c")?.text.contains("[192.0.2.9]") == true)
        try relaying.say("MAIL FROM:<a@b.test>")
        #expect(try relaying.say("RCPT TO:<x@elsewhere.test>")?.code == 250)
        #expect(server.log("connect").first?.contains("client=192.0.2.9 port=4321") == true)
        let other = try server.connect()
        // One byte at a time is as good, and what follows is a command.
        for byte in "PROXY TCP6 2001:db8::7 ::1 1 25\r\nEHLO c\r\n".utf8 { try other.send([byte]) }
        #expect(try other.reply()?.code == 220)
        #expect(try other.reply()?.text.contains("[2001:db8::7]") == true)
        try other.say("MAIL FROM:<a@b.test>")
        #expect(code(try other.say("RCPT TO:<x@elsewhere.test>")) == "550 5.7.1")
    }

    @Test func `a proxy that does not know for whom it speaks may not relay for him`() throws {
        let control = ["relayclients": "127.0.0.1\n"].merging(Self.proxied) { $1 }
        let server = try TestServer(control: control)
        for (header, expected) in [
            (Array("PROXY UNKNOWN\r\n".utf8), UInt16(550)),
            (Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x21, 0, 0, 0], 550),
            (Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x20, 0, 0, 2, 1, 1], 250),
        ] {
            let client = try server.connect()
            try client.send(header)
            #expect(try client.reply()?.code == 220)
            try client.say("EHLO c")
            try client.say("MAIL FROM:<a@b.test>")
            #expect(try client.say("RCPT TO:<x@elsewhere.test>")?.code == expected)
        }
    }

    @Test func `what a proxy may say is not for clients that it does not know`() throws {
        let control = ["xclientclients": "127.0.0.1\n", "barelf": "127.0.0.1\n"]
        let server = try TestServer(control: control.merging(Self.proxied) { $1 })
        for (header, isProxy) in [
            (Array("PROXY UNKNOWN\r\n".utf8), false),
            (Array("\r\n\r\n\0\r\nQUIT\n".utf8) + [0x20, 0, 0, 0], true),
        ] {
            let client = try server.connect()
            try client.send(header)
            #expect(try client.reply()?.code == 220)
            #expect(try client.say("EHLO c")?.text.contains("XCLIENT") == isProxy)
            try client.say("MAIL FROM:<a@b.test>")
            try client.say("RCPT TO:<alice@example.test>")
            try client.say("DATA")
            #expect(try client.say("a\nb\r\n.")?.code == (isProxy ? 250 : 554))
            #expect(
                try client.say("XCLIENT ADDR=192.0.2.9")?.code == (isProxy ? 220 : 500))
        }
    }

    @Test(arguments: [
        "", "EHLO c\r\n", "PROXY TCP4 192.0.2.1", "PROXY TCP4 192.0.2.1 x 1 2\r\n",
        "PROXY TCP4 192.0.2.1 192.0.2.2 1 25\n", "\r\n\r\n\0\r\nQUIT\n",
    ])
    func `a proxy without its header is closed without a word`(_ text: String) throws {
        let server = try TestServer(
            control: Self.proxied, options: ["--proxy-timeout", "300ms"])
        let client = try server.connect()
        try client.send(text)
        #expect(try client.reply() == nil)
        #expect(eventually { server.log("no-proxy-header").count == 1 })
        #expect(server.log("connect").isEmpty)
    }

    @Test func `a header of anybody else is an unknown command`() throws {
        let server = try TestServer(control: ["proxyclients": "192.0.2.0/24\n"])
        let client = try server.connect()
        #expect(try client.reply()?.code == 220)
        #expect(code(try client.say("PROXY TCP4 192.0.2.1 192.0.2.2 1 25")) == "500 5.5.2")
        #expect(try client.say("EHLO c")?.text.contains("[127.0.0.1]") == true)
    }
}
