import Glibc
import MailModel
import MilterProtocol
import TestSupport
import Testing
import UnixIO
import Workers

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

private let message = "A: 1\nB: 2\n b\nA: 3\n\nfirst\nsecond\n"

@Suite struct MilterChangeTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func pass(
        _ replies: [MilterReply], steps: MilterSteps = [], message text: String = message,
        _ options: [String] = []
    ) throws -> ToolResult {
        let milter = try ScriptedMilter(folder, MilterNegotiation(steps: steps)) { command, _ in
            command.code == .endOfBody ? .say(replies) : nil
        }
        var tool = try Tool(
            "milter-filter",
            ["unix:\(milter.path)", "--sender", "a@x.test", "--recipient", "b@y.test"] + options)
        tool.message = bytes(text)
        return try tool.run()
    }

    /// What a milter asks for and what the message is then.
    private static let changes: [(replies: [MilterReply], message: String)] = [
        (
            [.insertHeader(index: 1, name: bytes("X"), value: bytes("5\r\n\t6"))],
            "X: 5\n\t6\n" + message
        ),
        (
            [.addHeader(name: bytes("X"), value: bytes("5"))],
            "A: 1\nB: 2\n b\nA: 3\nX: 5\n\nfirst\nsecond\n"
        ),
        (
            [.insertHeader(index: 3, name: bytes("X"), value: bytes("5"))],
            "A: 1\nB: 2\n b\nX: 5\nA: 3\n\nfirst\nsecond\n"
        ),
        (
            [.changeHeader(index: 2, name: bytes("a"), value: bytes("9"))],
            "A: 1\nB: 2\n b\na: 9\n\nfirst\nsecond\n"
        ),
        (
            [.changeHeader(index: 1, name: bytes("B"), value: [])],
            "A: 1\nA: 3\n\nfirst\nsecond\n"
        ),
        (
            [.changeHeader(index: 1, name: bytes("A"), value: [])],
            "B: 2\n b\nA: 3\n\nfirst\nsecond\n"
        ),
        (
            [.replaceBody(bytes("one\r")), .replaceBody(bytes("\ntwo"))],
            "A: 1\nB: 2\n b\nA: 3\n\none\ntwo"
        ),
        ([.replaceBody([])], "A: 1\nB: 2\n b\nA: 3\n\n"),
        (
            [
                .addHeader(name: bytes("X"), value: bytes("5")), .replaceBody(bytes("n\r\n")),
                .insertHeader(index: 0, name: bytes("Y"), value: bytes("6")),
            ], "Y: 6\nA: 1\nB: 2\n b\nA: 3\nX: 5\n\nn\n"
        ),
    ]

    @Test(arguments: changes)
    func `a change is made where the milter wants it`(
        _ replies: [MilterReply], _ expected: String
    ) throws {
        let result = try pass(replies + [.accept])
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.text == expected)
    }

    @Test func `blanks that the milter gives are all`() throws {
        let result = try pass(
            [.insertHeader(index: 0, name: bytes("X"), value: bytes("\t5")), .continue],
            steps: .leadingSpace)
        #expect(result.text == "X:\t5\n" + message)
    }

    @Test func `a message without an empty line gets one before a body`() throws {
        let result = try pass([.replaceBody(bytes("n\r\n")), .accept], message: "A: 1\n")
        #expect(result.text == "A: 1\n\nn\n")
        let unended = try pass(
            [.addHeader(name: bytes("X"), value: bytes("5")), .accept], message: "A: 1")
        #expect(unended.text == "A: 1\nX: 5\n")
    }

    @Test func `a line that is no field is body`() throws {
        let text = "A: 1\nno field\nX: y\n\nbody\n"
        let milter = try ScriptedMilter(folder) { command, _ in
            command.code == .endOfBody
                ? .say([.changeHeader(index: 1, name: bytes("X"), value: bytes("z")), .accept])
                : nil
        }
        var tool = try Tool("milter-filter", ["unix:\(milter.path)", "--recipient", "b@y.test"])
        tool.message = bytes(text)
        #expect(try tool.run().text == "A: 1\nX: z\nno field\nX: y\n\nbody\n")
        #expect(milter.commands.contains(.body(bytes("no field\r\nX: y\r\n\r\nbody\r\n"))))
    }

    @Test func `changes before a refusal are nothing`() throws {
        let result = try pass([.replaceBody(bytes("x")), .reject])
        #expect(result.code == 31)
        #expect(result.output.isEmpty)
    }

    @Test func `a body over the limit is not known`() throws {
        let piece = MilterReply.replaceBody([UInt8](repeating: 0x78, count: 1000))
        let result = try pass([piece, piece, .accept], ["--max-body", "1K"])
        #expect(result.code == 71)
    }

    @Test(
        arguments: [
            .addHeader(name: bytes("no name"), value: bytes("5")),
            .addRecipient(bytes("<>"), parameters: nil),
            .changeSender(bytes("<a\nb>"), parameters: []),
            .replaceBody(bytes("a\rb")),
        ] as [MilterReply])
    func `a change that cannot be made is not known`(reply: MilterReply) throws {
        #expect(try pass([reply, .replaceBody([0x78]), .accept]).code == 71)
    }
}

/// A resident filter, which gives its edits.
@Suite struct ResidentMilterTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func service(_ options: [String] = []) throws -> Service {
        try Service(
            Tool(
                "milter-filter",
                ["unix:\(folder.file("milter"))", "--serve", folder.file("s"), "--workers", "1"]
                    + options), log: folder.file("log"))
    }

    private func ask(_ stage: Stage = .message, _ recipients: [String] = ["b@y.test"]) throws
        -> Verdict
    {
        let envelope = Envelope(
            reversePath: try ReversePath(bytes("a@x.test")),
            recipients: try recipients.map { try Mailbox(bytes($0)) })
        let request = FilterRequest(
            stage: stage, facts: Facts(), envelope: stage < .mail ? nil : envelope,
            messageLength: stage == .message ? message.utf8.count : 0)
        let file = try Files.inMemory("message")
        try file.borrowed.writeAll(bytes(message), "message")
        let reply = try Exchange.call(
            folder.file("s"), request.fields,
            descriptors: stage == .message ? [file.borrowed] : [], deadline: .after(.seconds(30)))
        return try FilterReply(reply.fields).verdict
    }

    @Test func `an envelope is changed by edits`() throws {
        let milter = try ScriptedMilter(folder) { command, _ in
            guard command.code == .endOfBody else { return nil }
            return .say([
                .changeSender(bytes("<new@x.test>"), parameters: bytes("SIZE=1")),
                .addRecipient(bytes("<c@y.test>"), parameters: nil),
                .addRecipient(bytes("\"d e\"@y.test"), parameters: bytes("NOTIFY=NEVER")),
                .removeRecipient(bytes("<B@Y.test>")), .removeRecipient(bytes("<z@y.test>")),
                .quarantine(bytes("look at it")), .accept,
            ])
        }
        let service = try service()
        #expect(
            try ask()
                == .accept([
                    .reversePath(try ReversePath(bytes("new@x.test"))),
                    .addRecipient(try Mailbox(bytes("c@y.test"))),
                    .addRecipient(try Mailbox(bytes("\"d e\"@y.test"))),
                    .removeRecipient(try Mailbox(bytes("b@y.test"))), .hold,
                ]))
        #expect(eventually { service.log.contains("quarantine=\"look at it\"") }, "\(service.log)")
        withExtendedLifetime(milter) {}
    }

    @Test func `fields on top and fields that all go are edits`() throws {
        let milter = try ScriptedMilter(folder) { command, _ in
            guard command.code == .endOfBody else { return nil }
            return .say([
                .changeHeader(index: 1, name: bytes("A"), value: []),
                .changeHeader(index: 2, name: bytes("A"), value: []),
                .insertHeader(index: 1, name: bytes("X"), value: bytes("5")), .accept,
            ])
        }
        let service = try service()
        let field = try #require(HeaderField("X", "5"))
        #expect(try ask() == .accept([.remove(name: bytes("a")), .prepend(field)]))
        withExtendedLifetime((milter, service)) {}
    }

    @Test(
        arguments: [
            (.connect, [.connect, .helo]), (.mail, [.connect, .helo, .mail]),
            (.rcpt, [.connect, .helo, .mail, .rcpt]),
            (.data, [.connect, .helo, .mail, .rcpt, .data]),
        ] as [(Stage, [MilterCommand.Code])])
    func `a step hears of all up to its stage`(stage: Stage, codes: [MilterCommand.Code]) throws {
        let milter = try ScriptedMilter(folder)
        let service = try service()
        #expect(try ask(stage) == .accept([]))
        #expect(eventually { milter.commands.last == .quit })
        let heard = milter.commands.map(\.code).filter { ![.abort, .quit].contains($0) }
        #expect(heard == (stage == .connect ? [.connect] : codes))
        #expect(milter.commands.contains(.abort) == (stage >= .mail))
        withExtendedLifetime(service) {}
    }

    @Test func `at stage rcpt one recipient is refused`() throws {
        let milter = try ScriptedMilter(folder) { command, _ in
            command.code == .rcpt ? .say([.reply(bytes("550 5.1.1 no"))]) : nil
        }
        let service = try service()
        #expect(try ask(.rcpt) == .reject(EnhancedStatus(5, 1, 1), "no"))
        withExtendedLifetime((milter, service)) {}
    }

    @Test func `a milter that breaks off in a message is not asked again`() throws {
        let milter = try ScriptedMilter(folder) { command, _ in
            command.code == .endOfBody ? .close : nil
        }
        let service = try service()
        #expect(try ask().word == "defer")
        #expect(milter.connections.count == 1)
        withExtendedLifetime(service) {}
    }
}
