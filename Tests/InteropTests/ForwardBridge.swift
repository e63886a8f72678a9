// ForwardBridge: smtp-server before another server.
// smtp-server(8), section A server behind.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing
import UnixIO

/// A running `smtp-server --forward` on the chain of the set.
final class ForwardServer: Sendable {
    /// Where it listens.
    let port: UInt16
    private let folder: TestFolder
    private let service: Service

    /// Starts one before the server on a port of this host.
    init(_ chain: SetChain, behind: UInt16, control: [String: String] = [:], listen: UInt16 = 0)
        throws
    {
        folder = try TestFolder()
        for name in ["etc/control", "etc/tls"] { try Files.makeFolders(folder.file(name)) }
        let files = ["me": "mx.b.test\n", "rcpthosts": "b.test\ny.test\n"]
        for (name, text) in files.merging(control, uniquingKeysWith: { $1 }) {
            try folder.write("etc/control/\(name)", text)
        }
        guard symlink("\(chain.root)/etc/filters.d", folder.file("etc/filters.d")) == 0,
            symlink("\(chain.root)/run", folder.file("run")) == 0
        else { throw TestFailure("symlink") }
        service = try Service(
            try Tool(
                "smtp-server",
                [
                    "--root", folder.path, "--listen", "127.0.0.1:\(listen)", "--workers", "1-4",
                    "--reverse-dns", "0s", "--forward", "127.0.0.1:\(behind)",
                ]), log: folder.file("log"))
        guard let port = UInt16(service.ready.split(separator: ":").last ?? "") else {
            throw TestFailure("no port in \(service.ready)")
        }
        self.port = port
    }

    /// What it logged.
    var log: String { service.log }
}

/// What a server said to a message that came by SMTP.
struct SMTPPassing {
    var refused: [String] = []
    /// The reply that decides.
    var last = ""
    var hasSent = false

    init(_ letter: Letter, to port: UInt16) throws {
        let client = try SMTPConversation(port: port)
        defer { try? client.send("QUIT\r\n".utf8) }
        last = try client.say("EHLO \(letter.helo)")
        guard last.hasPrefix("250") else { return }
        last = try client.say("MAIL FROM:<\(letter.sender)>")
        guard last.hasPrefix("250") else { return }
        var accepted = 0
        for recipient in letter.recipients {
            let reply = try client.say("RCPT TO:<\(recipient)>")
            if reply.hasPrefix("250") {
                accepted += 1
            } else {
                refused.append(recipient)
                last = reply
            }
        }
        guard accepted > 0 else { return }
        last = try client.say("DATA")
        guard last.hasPrefix("354") else { return }
        try client.send(SMTPPassing.wire(letter.message))
        last = try client.reply()
        hasSent = true
    }

    /// CRLF for LF, and dots doubled.
    static func wire(_ message: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var isStart = true
        for byte in message {
            if isStart, byte == 0x2E { bytes.append(byte) }
            if byte == 0x0A { bytes.append(0x0D) }
            bytes.append(byte)
            isStart = byte == 0x0A
        }
        return bytes + (isStart ? [] : [0x0D, 0x0A]) + Array(".\r\n".utf8)
    }
}

struct ForwardBridge: Bridge {
    let name = "forward"
    let server: ForwardServer
    let stub: SMTPStub
    /// Its trace field.
    let addsFields = true
    let answersRecipients = true

    func pass(_ letter: Letter) throws -> Passage {
        let before = stub.messages.count
        let result = try SMTPPassing(letter, to: server.port)
        switch result.last.first {
        case "5": return .rejected(result.last)
        case "4": return .deferred(result.last)
        case "2" where stub.messages.count > before:
            var delivered = stub.delivered
            delivered.refused = result.refused
            return .passed(delivered)
        case "2": return .discarded
        default: throw TestFailure(result.last)
        }
    }

    func expected(_ letter: Letter) -> Passage {
        let isOfEnvelope =
            ["spammer@a.test", "later@a.test", "nowhere@a.test"].contains(letter.sender)
            || letter.helo.hasPrefix("bad")
        guard !isOfEnvelope else { return standard(letter) }
        // A bare CR is refused whatever else there is.
        if letter.traits.contains(.carriageReturn) { return .rejected("Bare CR or LF") }
        guard case .passed(var delivered) = standard(letter) else { return standard(letter) }
        // SMTP knows whole lines alone.
        if let last = delivered.message.last, last != 0x0A { delivered.message.append(0x0A) }
        return .passed(delivered)
    }
}

@Suite struct ForwardBridgeTests {
    @Test func `before another server the set has its verdicts, bytes and envelopes`() throws {
        let stub = try SMTPStub(offers: ["8BITMIME", "SMTPUTF8", "PIPELINING"])
        let server = try ForwardServer(try SetChain.shared.get(), behind: stub.port)
        let letters = MessageSet.all.filter {
            !$0.traits.contains(.oddAddress)
                // The footer would see the line end that SMTP adds.
                && !$0.traits.isSuperset(of: [.noFinalLineEnd, .replaced])
        }
        expectNothing(ForwardBridge(server: server, stub: stub).check(letters))
    }
}

@Suite(.enabled(if: getuid() == 0, "Postfix starts only as root")) struct ProxyFilterTests {
    private struct Stack {
        let postfix: PostfixServer
        let server: ForwardServer
    }

    /// A Postfix whose smtpd gives each message to the chain, which gives it to its second smtpd: by
    /// the lines of the manual.
    private func stack() throws -> Stack {
        let (filter, behind) = (try PostfixServer.freePort(), try PostfixServer.freePort())
        let text = try ManualExample.text(
            "smtp-server.8", holding: "smtpd_proxy_filter=",
            replacing: ["127.0.0.1:10026": "127.0.0.1:\(behind)"])
        let lines = text.split(separator: "\n").map(String.init)
        let options = lines.dropFirst().prefix { $0.hasPrefix(" ") }.map {
            $0.replacing(/^ *-o */, with: "").replacing(":10025", with: ":\(filter)")
        }
        let server = try ForwardServer(
            try SetChain.shared.get(), behind: behind,
            control: ["xforwardclients": "127.0.0.0/8\n"], listen: filter)
        let postfix = try PostfixServer(
            smtpd: options, master: Array(lines.drop { !$0.hasPrefix("127.0.0.1:") }))
        return Stack(postfix: postfix, server: server)
    }

    private func text(_ message: [UInt8]?) -> String {
        String(decoding: message ?? [], as: UTF8.self)
    }

    @Test func `before Postfix's queue each verdict is a reply to its client`() throws {
        let stack = try stack()
        let postfix = stack.postfix
        func send(_ subject: String, to recipients: [String] = ["bob@y.test"]) throws -> String {
            let text = MessageSet.header(subject) + "\n.\n..\nbody\n"
            return try postfix.connect("client.a.test").send(
                from: "alice@a.test", to: recipients, text)
        }
        #expect(try send("cheap pills").hasPrefix("550 5.7.1 no pills, thanks"))
        #expect(try send("try again later").hasPrefix("451 4.7.1 later, please"))
        #expect(try send("drop this").hasPrefix("250 2.0.0 Ok"))
        let taken = try send("please tag")
        #expect(taken.hasPrefix("250 2.0.0 Ok: ") && taken.contains(" queued as "), "\(taken)")
        let message = text(try postfix.messages(of: "bob", count: 1).first)
        #expect(message.contains("\nX-Tagged: yes\n"))
        #expect(message.hasSuffix("\n\n.\n..\nbody\n"))
        // No trace of ours between the two halves of one server.
        #expect(!message.contains("by mx.b.test"))
        #expect(postfix.log.contains("orig_client=localhost[127.0.0.1]"), "\(postfix.log)")
        let log = stack.server.log
        #expect(log.contains("event=client "), "\(log)")
        #expect(log.contains("client=127.0.0.1"))
        #expect(log.contains("helo=client.a.test"), "\(log)")
    }

    @Test func `a greeting that a step refuses is refused for whom Postfix speaks`() throws {
        let stack = try stack()
        let text = MessageSet.header("hello") + "\nbody\n"
        let reply = try stack.postfix.connect("bad-helo.test").send(
            from: "alice@a.test", to: ["bob@y.test"], text)
        #expect(reply.hasPrefix("550 5.7.1 no such greeting"), "\(reply)")
        #expect(stack.server.log.contains("helo=bad-helo.test"))
    }
}
