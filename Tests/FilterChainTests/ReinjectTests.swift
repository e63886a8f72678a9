// Tests of filter-chain that hands messages to a server.
// filter-chain(8), section In a pipe.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

struct ReinjectTests {
    private let root: ChainFolder

    init() throws {
        root = try ChainFolder()
        try root.folder.write("etc/control/me", "filter.us.test\n")
    }

    private func reinject(
        _ stub: SMTPStub, _ arguments: [String] = [], _ message: String = ChainFolder.message,
        to recipients: [String] = ["c@d.test"]
    ) throws -> ToolResult {
        let ends = ["--sender=a@b.test"] + recipients.map { "--recipient=\($0)" }
        var tool = try Tool(
            "filter-chain",
            ["--root", root.folder.path, "--pipe", "--reinject", "localhost:\(stub.port)"] + ends
                + arguments)
        tool.message = Array(message.utf8)
        return try tool.run()
    }

    private static let offers = ["PIPELINING", "8BITMIME", "SIZE 0", "ENHANCEDSTATUSCODES"]

    @Test func `all recipients get the message that the steps left`() throws {
        let field = try #require(HeaderField(Array("X-Seen".utf8), Array("yes".utf8)))
        try root.step(
            "50-x", script: ChainFolder.saying(.accept([.prepend(field)])), "workers 0")
        let stub = try SMTPStub()
        let result = try reinject(
            stub, [], "From me Mon\n" + "Subject: x\n\n.dot\nb\u{E4}\n",
            to: ["c@d.test", "e@f.test"])
        #expect(result.code == 0, "\(result.errors)")
        #expect(
            stub.commands == [
                "EHLO filter.us.test", "MAIL FROM:<a@b.test> SIZE=38 BODY=8BITMIME",
                "RCPT TO:<c@d.test>", "RCPT TO:<e@f.test>", "DATA", "QUIT",
            ])
        #expect(
            stub.messages == [Array("X-Seen: yes\r\nSubject: x\r\n\r\n..dot\r\nb\u{E4}\r\n".utf8)])
        #expect(result.output.isEmpty)
    }

    @Test func `Postfix is told of the client`() throws {
        let offers = Self.offers + ["XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT"]
        let stub = try SMTPStub(offers: offers)
        let client = ["--client-ip=2001:db8::1", "--helo=[x]+y"]
        #expect(try reinject(stub, client).code == 0)
        let line = try #require(stub.commands.first { $0.hasPrefix("XFORWARD") })
        #expect(
            line.hasPrefix(
                "XFORWARD NAME=[UNAVAILABLE] ADDR=IPV6:2001:db8::1 PORT=[UNAVAILABLE] "
                    + "PROTO=[UNAVAILABLE] HELO=[x]+2By IDENT="))
        #expect(line.hasSuffix(" SOURCE=REMOTE"))
        #expect(stub.messages.count == 1)
    }

    @Test func `attributes that are too long for one line go in several`() throws {
        let stub = try SMTPStub(offers: ["XFORWARD NAME ADDR PROTO HELO SOURCE PORT"])
        let name = String(repeating: "n", count: 250)
        let client = ["--client-ip=192.0.2.1", "--helo=\(name)", "--client-name=\(name)"]
        #expect(try reinject(stub, client).code == 0)
        let lines = stub.commands.filter { $0.hasPrefix("XFORWARD") }
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.utf8.count <= 510 })
    }

    static let refusals: [(step: String, reply: String, code: Int32, errors: String)] = [
        ("MAIL", "550 5.1.8 no", 69, "5.1.8 no"), ("MAIL", "450 4.1.8 later", 75, "4.1.8 later"),
        ("RCPT", "550 5.1.1 who", 69, "5.1.1 c@d.test: who"),
        ("RCPT", "450 4.2.0 busy", 75, "4.2.0 c@d.test: busy"),
        ("DATA", "554 5.7.1 no", 77, "5.7.1 no"), (".", "552 5.2.2 full", 69, "5.2.2 full"),
        (".", "452 4.2.2 full", 75, "4.2.2 full"), ("XFORWARD", "501 5.5.4 what", 75, "4.3.5 "),
        ("greeting", "554 no", 75, "4.4.1"), ("EHLO", "421 bye", 75, "4.4.1"),
        ("MAIL", "421 4.3.2 bye", 75, "4.3.2"), ("RCPT", "354 what", 75, "4.5.0"),
    ]

    @Test(arguments: refusals)
    func `what the server says is the code and the reason`(
        _ step: String, _ reply: String, _ code: Int32, _ errors: String
    ) throws {
        let stub = try SMTPStub(offers: ["XFORWARD NAME"]) { seen, _ in
            seen.hasPrefix(step) ? .reply(reply) : nil
        }
        let result = try reinject(stub)
        #expect(result.code == code)
        #expect(result.errors.hasPrefix(errors), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test(arguments: ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."])
    func `a server that goes away is temporary`(_ step: String) throws {
        let stub = try SMTPStub { seen, _ in seen.hasPrefix(step) ? .close : nil }
        #expect(try reinject(stub).code == 75)
    }

    @Test(arguments: ["greeting", "MAIL", "."])
    func `a server that hangs is temporary`(_ step: String) throws {
        let stub = try SMTPStub { seen, _ in seen.hasPrefix(step) ? .hang : nil }
        #expect(try reinject(stub, ["--handover-timeout", "300ms"]).code == 75)
    }

    @Test func `one recipient that is refused keeps the message from all`() throws {
        let stub = try SMTPStub { seen, _ in
            switch seen {
            case "RCPT TO:<e@f.test>": .reply("550 5.1.1 who")
            case "RCPT TO:<later@f.test>": .reply("450 4.2.0 busy")
            default: nil
            }
        }
        let result = try reinject(stub, to: ["c@d.test", "e@f.test"])
        #expect(result.code == 69)
        #expect(result.errors == "5.1.1 e@f.test: who\n")
        let other = try reinject(stub, to: ["c@d.test", "e@f.test", "later@f.test"])
        #expect(other.code == 75)
        #expect(other.errors == "4.2.0 later@f.test: busy\n")
        #expect(stub.messages.isEmpty)
    }

    @Test func `what SMTP cannot carry is refused, and nothing of it is sent`() throws {
        let stub = try SMTPStub(offers: [])
        let bare = try reinject(stub, [], "Subject: x\n\na\rb\n")
        #expect(bare.code == 69)
        #expect(bare.errors.hasPrefix("5.6.0 "))
        #expect(try reinject(stub, [], "Subject: x\n\n\u{E4}\n").errors.hasPrefix("4.6.3 "))
        #expect(try reinject(stub, to: ["\u{E4}@d.test"]).errors.hasPrefix("4.6.7 "))
        #expect(try reinject(stub, to: ["local"]).code == 69)
        #expect(stub.messages.isEmpty)
    }

    @Test func `a message that goes round and round is refused`() throws {
        let stub = try SMTPStub()
        let hops = String(repeating: "Received: x\n", count: 101)
        let result = try reinject(stub, [], hops + ChainFolder.message)
        #expect(result.code == 69)
        #expect(result.errors.hasPrefix("5.4.6 "))
        #expect(stub.connections == 0)
    }

    @Test func `a big message goes as it is`() throws {
        let stub = try SMTPStub()
        let line = String(repeating: "x", count: 70) + "\n"
        let body = String(repeating: line, count: 40_000)
        #expect(try reinject(stub, [], "Subject: x\n\n" + body).code == 0)
        let lines = stub.messages.first?.filter { $0 == 0x0D }.count
        #expect(lines == 40_002)
    }
}
