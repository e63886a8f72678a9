import MailModel
import MilterProtocol
import TestSupport
import Testing
import UnixIO

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A message with a fold, a dot and no line end after its last line.
private let message = "From: a@x.test\nSubject:  two\n\tlines\n\nfirst\n.second\nthird"

@Suite struct MilterFilterTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// What comes of the message, from a client with a name.
    private func pass(
        _ milter: ScriptedMilter, _ options: [String] = [], message text: String = message
    ) throws -> ToolResult {
        var tool = try Tool(
            "milter-filter",
            [
                "unix:\(milter.path)", "--client-ip", "192.0.2.1", "--client-name", "client.test",
                "--helo", "hello.test", "--sender", "a@x.test", "--recipient", "b@y.test",
                "--recipient", "c@y.test",
            ] + options)
        tool.message = bytes(text)
        return try tool.run()
    }

    @Test func `a milter is told a session as Postfix tells it`() throws {
        let milter = try ScriptedMilter(folder)
        let result = try pass(milter)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.text == message)
        #expect(eventually { milter.commands.last == .quit })
        #expect(
            milter.commands == [
                .connect(bytes("client.test"), .version4(bytes("192.0.2.1"), port: 0)),
                .helo(bytes("hello.test")), .mail([bytes("<a@x.test>")]),
                .rcpt([bytes("<b@y.test>")]), .rcpt([bytes("<c@y.test>")]), .data,
                .header(name: bytes("From"), value: bytes("a@x.test")),
                .header(name: bytes("Subject"), value: bytes(" two\n\tlines")), .endOfHeader,
                .body(bytes("first\r\n.second\r\nthird\r\n")), .endOfBody([]), .quit,
            ])
    }

    @Test func `a milter that wants blanks gets all of them`() throws {
        let milter = try ScriptedMilter(folder, MilterNegotiation(steps: .leadingSpace))
        _ = try pass(milter)
        #expect(
            milter.commands.contains(
                .header(name: bytes("Subject"), value: bytes("  two\n\tlines"))))
    }

    @Test func `what a milter does not want is not sent`() throws {
        let steps: MilterSteps = [
            .noConnect, .noHelo, .noMail, .noRcpt, .noData, .noHeader, .noEndOfHeader, .noBody,
        ]
        let milter = try ScriptedMilter(folder, MilterNegotiation(steps: steps))
        #expect(try pass(milter).code == 0)
        #expect(eventually { milter.commands == [.endOfBody([]), .quit] })
        #expect(milter.macros["{mail_addr}"] == "a@x.test")
    }

    @Test func `what a milter does not answer is not waited for`() throws {
        let steps: MilterSteps = [
            .noReplyToConnect, .noReplyToHelo, .noReplyToMail, .noReplyToRcpt, .noReplyToData,
            .noReplyToHeader, .noReplyToEndOfHeader, .noReplyToBody,
        ]
        let milter = try ScriptedMilter(folder, MilterNegotiation(steps: steps))
        #expect(try pass(milter).code == 0)
        #expect(milter.commands.count >= 11)
    }

    @Test(arguments: 2...6)
    func `each version of the protocol has its commands`(version: Int) throws {
        let milter = try ScriptedMilter(folder, MilterNegotiation(steps: .noHelo))
        #expect(try pass(milter, ["--protocol", "\(version)"]).code == 0)
        guard case .negotiate(let offer) = milter.connections[0][0] else {
            throw TestFailure("no offer")
        }
        #expect(offer.version == UInt32(version))
        #expect(offer.steps.contains(.skip) == (version == 6))
        #expect(offer.actions.contains(.changeSender) == (version == 6))
        #expect(milter.commands.contains(.data) == (version >= 4))
    }

    @Test func `a long body goes in pieces, and only until it is enough`() throws {
        let line = String(repeating: "x", count: 99) + "\n"
        let text = "Subject: x\n\n" + String(repeating: line, count: 3000)
        let all = try ScriptedMilter(folder)
        #expect(try pass(all, message: text).text == text)
        let pieces = all.commands.compactMap {
            if case .body(let piece) = $0 { piece } else { nil }
        }
        #expect(pieces.map(\.count) == [65_535, 65_535, 65_535, 65_535, 303_000 - 4 * 65_535])
        let wire = text.dropFirst(12).replacing("\n", with: "\r\n")
        #expect(pieces.joined().elementsEqual(wire.utf8))

        let some = try ScriptedMilter(folder) { command, _ in
            command.code == .body ? .say([.skip]) : nil
        }
        #expect(try pass(some, message: text).text == text)
        #expect(some.commands.filter { $0.code == .body }.count == 1)
        #expect(some.commands.contains(.endOfBody([])))
    }

    @Test func `larger pieces are for milters that take them`() throws {
        let text = "Subject: x\n\n" + String(repeating: "yyyyyyy\n", count: 30_000)
        let milter = try ScriptedMilter(folder, MilterNegotiation(steps: .packets1M))
        #expect(try pass(milter, ["--packets", "1M"], message: text).code == 0)
        #expect(milter.commands.filter { $0.code == .body }.count == 1)
    }

    @Test func `macros are what is known, and what the administrator says`() throws {
        let milter = try ScriptedMilter(folder)
        _ = try pass(
            milter,
            ["--auth-user", "alice", "--macro", "daemon_name=ORIGINATING", "--macro", "{xy}=1"])
        let macros = milter.macros
        #expect(macros["{daemon_name}"] == "ORIGINATING")
        #expect(macros["{xy}"] == "1")
        #expect(macros["_"] == "client.test [192.0.2.1]")
        #expect(macros["{client_addr}"] == "192.0.2.1")
        #expect(macros["{auth_authen}"] == "alice")
        #expect(macros["{auth_type}"]?.isEmpty == false)
        #expect(macros["{rcpt_addr}"] == "c@y.test")
        #expect(macros["{mail_host}"] == "x.test")
        #expect(macros["i"]?.count == 21)
        #expect(macros["j"]?.isEmpty == false)
    }

    @Test func `a milter that says which macros it wants gets those`() throws {
        var choice = MilterNegotiation(steps: [])
        choice.macros[.mail] = [bytes("{mail_mailer}"), bytes("{no_such}")]
        choice.macros[.connect] = []
        let milter = try ScriptedMilter(folder, choice)
        _ = try pass(milter)
        let given = milter.connections[0].compactMap { command -> [[UInt8]]? in
            guard case .macros(for: 0x4D, let macros) = command else { return nil }
            return macros.map(\.name)
        }
        #expect(given == [[bytes("{mail_mailer}")]])
        #expect(milter.macros["j"] == nil)
    }

    @Test func `mail without a client is from this host`() throws {
        let milter = try ScriptedMilter(folder)
        var tool = try Tool(
            "milter-filter", ["unix:\(milter.path)", "--sender", "", "--recipient", "b@y.test"])
        tool.message = bytes("Subject: x\n\nhi\n")
        #expect(try tool.run().code == 0)
        #expect(
            milter.commands.prefix(3) == [
                .connect(bytes("localhost"), .version4(bytes("127.0.0.1"), port: 0)),
                .helo(bytes("localhost")), .mail([bytes("<>")]),
            ])
    }
}

@Suite struct MilterVerdictTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func pass(
        _ milter: ScriptedMilter, _ options: [String] = [], message text: String = message
    ) throws -> ToolResult {
        var tool = try Tool(
            "milter-filter",
            ["unix:\(milter.path)", "--sender", "a@x.test", "--recipient", "b@y.test"] + options)
        tool.message = bytes(text)
        return try tool.run()
    }

    /// What a milter answers, the exit code and a part of what is said then.
    private static let answers: [(reply: MilterReply, code: Int32, text: String)] = [
        (.accept, 0, "accept"), (.reject, 31, "reject 550 5.7.1"),
        (.tempfail, 71, "defer 451 4.7.1"), (.connectionFailure, 71, "defer 451 4.7.0"),
        (.shutdown, 71, "defer 421 4.7.0"),
        (.reply(bytes("554 5.7.9 go away")), 31, "reject 554 5.7.9 go away"),
        (.reply(bytes("452 4.2.2 full")), 71, "defer 452 4.2.2 full"),
        (.reply(bytes("250 2.0.0 fine")), 71, "defer: "), (.quarantine([]), 71, "defer: "),
        (.addHeader(name: bytes("X"), value: bytes("1")), 71, "defer: "),
    ]

    @Test(
        arguments: answers,
        [.connect, .helo, .mail, .data, .header, .endOfHeader, .body] as [MilterCommand.Code])
    func `each answer has its verdict at each step`(
        _ answer: (reply: MilterReply, code: Int32, text: String), _ at: MilterCommand.Code
    ) throws {
        let reply = answer.reply
        let milter = try ScriptedMilter(folder) { command, _ in
            command.code == at ? .say([reply]) : nil
        }
        let result = try pass(milter)
        #expect(result.code == answer.code, "\(result.errors)")
        #expect(result.errors.hasPrefix("milter-filter: \(answer.text)"), "\(result.errors)")
        if answer.code == 0 { #expect(result.text == message) }
        #expect(!milter.commands.contains { $0.code == .endOfBody })
    }

    @Test(arguments: [.mail, .rcpt, .data, .header, .body, .endOfBody] as [MilterCommand.Code])
    func `discard drops the message`(at: MilterCommand.Code) throws {
        let milter = try ScriptedMilter(folder) { command, _ in
            command.code == at ? .say([.discard]) : nil
        }
        #expect(try pass(milter).code == 99)
    }

    @Test(arguments: [.connect, .helo] as [MilterCommand.Code])
    func `discard means nothing before there is a message`(at: MilterCommand.Code) throws {
        let milter = try ScriptedMilter(folder) { command, _ in
            command.code == at ? .say([.discard]) : nil
        }
        #expect(try pass(milter).code == 0)
    }

    @Test func `one refused recipient refuses the message and is named`() throws {
        let milter = try ScriptedMilter(folder) { command, _ in
            command == .rcpt([bytes("<c@y.test>")]) ? .say([.reply(bytes("550 5.1.1 no"))]) : nil
        }
        let result = try pass(milter, ["--recipient", "c@y.test", "--recipient", "d@y.test"])
        #expect(result.code == 31)
        #expect(result.errors.contains("550 5.1.1 c@y.test: no"))
    }

    @Test func `a message for nobody is not told`() throws {
        let milter = try ScriptedMilter(folder)
        for options in [[], ["--sender", "a@x.test"]] {
            var tool = try Tool("milter-filter", ["unix:\(milter.path)"] + options)
            tool.message = bytes(message)
            #expect(try tool.run().code == 91)
        }
    }

    @Test func `a milter that is at work is waited for`() throws {
        let milter = try ScriptedMilter(folder) { command, _ in
            command.code == .endOfBody
                ? .say([MilterReply](repeating: .progress, count: 20) + [.accept]) : nil
        }
        #expect(try pass(milter).code == 0)
    }

    /// What a broken milter does.
    private static let breaks: [(move: MilterMove, reason: String)] = [
        (.close, "closed"), (.bytes([0, 0, 0, 0]), "no letter"),
        (.bytes([0, 0, 0, 1, 0x3F]), "no such letter"),
        (.bytes([0, 0, 0, 2, 0x63, 0]), "data where none may be"),
        (.bytes([255, 255, 255, 255]), "a length over all limits"),
        (.bytes([0, 0, 0]), "half a length, and then nothing"), (.silence, "nothing at all"),
        (.say([.negotiate(MilterNegotiation())]), "another negotiation"),
    ]

    @Test(arguments: breaks, [.negotiate, .connect, .header, .endOfBody] as [MilterCommand.Code])
    func `a milter that breaks off defers`(
        _ how: (move: MilterMove, reason: String), _ at: MilterCommand.Code
    ) throws {
        if case .say = how.move, at == .negotiate { return }
        let move = how.move
        let milter = try ScriptedMilter(folder) { command, _ in
            command.code == at ? move : nil
        }
        let limits = ["--connect-timeout", "300ms", "--command-timeout", "300ms"]
        let result = try pass(milter, limits + ["--content-timeout", "300ms"])
        #expect([71, 52, 56].contains(result.code), "\(how.reason): \(result.errors)")
        #expect(result.output.isEmpty)
    }

    @Test func `no milter defers`() throws {
        let tool = try Tool(
            "milter-filter", ["unix:\(folder.file("nobody"))", "--recipient", "b@y"])
        var filled = tool
        filled.message = bytes("Subject: x\n\nhi\n")
        #expect(try filled.run().code == 56)
    }

    @Test(
        arguments: [
            ("progress", "500ms", 52), ("fields", "30s", 71), ("recipients", "30s", 71),
            ("body", "30s", 71),
        ] as [(String, String, Int32)])
    func `a milter that talks without end is left`(
        _ subject: String, _ limit: String, _ code: Int32
    ) throws {
        let reply: MilterReply =
            switch subject {
            case "fields": .addHeader(name: bytes("X"), value: bytes("1"))
            case "recipients": .addRecipient(bytes("<a@b.test>"), parameters: nil)
            case "body": .replaceBody([UInt8](repeating: 0x78, count: 60_000))
            default: .progress
            }
        let milter = try ScriptedMilter(folder) { command, _ in
            command.code == .endOfBody ? .flood(reply) : nil
        }
        #expect(try pass(milter, ["--timeout", limit]).code == code)
    }

    @Test func `what no milter can be shown is refused`() throws {
        let milter = try ScriptedMilter(folder)
        #expect(try pass(milter, message: "Subject: x\n\na\rb\n").errors.contains("554 5.6.0"))
        #expect(try pass(milter, message: "Subject: a\rb\n\nx\n").errors.contains("554 5.6.0"))
        #expect(try pass(milter, message: "Subject: a\0b\n\nx\n").errors.contains("554 5.6.0"))
        #expect(try pass(milter, message: "Subject: x\n\na\0b\n").code == 0)
    }

    @Test func `a field that no packet holds is not known`() throws {
        let milter = try ScriptedMilter(folder)
        let long = "To: " + String(repeating: "x", count: 66_000) + "\n\nhi\n"
        #expect(try pass(milter, message: long).code == 71)
    }

    @Test(arguments: [
        [], ["a", "b"], ["inet:1"], ["inet:x@y.test"], ["inet:0@127.0.0.1"], ["unix:"], ["name"],
        ["inet:99999@127.0.0.1"], ["unix:/x", "--macro", "x"], ["unix:/x", "--packets", "3"],
        ["unix:/x", "--protocol", "7"],
    ])
    func `wrong usage is said at once`(arguments: [String]) throws {
        let result = try Tool("milter-filter", arguments).run()
        #expect(result.code == 55, "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1)
    }
}
