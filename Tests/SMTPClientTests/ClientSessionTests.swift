// What a client makes of a server that is polite, and of one that is not, step by step.
// SPDX-License-Identifier: MIT

import SMTPClient
import SMTPProtocol
import TestSupport
import Testing
import UnixIO

struct Pieces: MessageSource {
    var pieces: [[UInt8]]
    var failsAtEnd = false

    mutating func next() throws(SystemError) -> [UInt8]? {
        guard pieces.isEmpty else { return pieces.removeFirst() }
        if failsAtEnd { throw SystemError("pread", "message", .ioError) }
        return nil
    }
}

/// How a whole session went.
struct Outcome: Sendable {
    var opening: ClientError?
    var result: TransactionResult?

    var isDelivered: Bool { result?.replies.contains { $0?.isPositive == true } ?? false }
    var failure: ClientError? { opening ?? result?.failure }
}

private let mail = OutgoingMail(
    reversePath: Array("<a@x.test>".utf8),
    forwardPaths: ["<b@y.test>", "<c@y.test>"].map { Array($0.utf8) }, size: 10)

private func talk(
    to server: SMTPStub, _ mail: OutgoingMail = mail, _ text: [String] = ["Subject: x\n\nhi\n"],
    step: Duration = .seconds(30), failsAtEnd: Bool = false
) throws -> Outcome {
    let endpoint = try #require(InternetEndpoint(address: [127, 0, 0, 1], port: server.port))
    let socket = try InternetSocket.connect(
        to: endpoint, "stub", deadline: .after(.seconds(30)))
    var session = ClientSession(socket, limits: ClientLimits(step: step))
    do {
        try session.open(as: Array("client.test".utf8))
    } catch {
        return Outcome(opening: error)
    }
    let message = Pieces(pieces: text.map { Array($0.utf8) }, failsAtEnd: failsAtEnd)
    let result = session.send(mail, message)
    session.quit()
    return Outcome(result: result)
}

@Suite struct PoliteServerTests {
    @Test func `a message goes through, with dots doubled and CRLF`() throws {
        let server = try SMTPStub()
        let outcome = try talk(to: server, mail, ["Subject: x\n", "\n.dot\n..", "\nlast"])
        #expect(outcome.isDelivered)
        #expect(outcome.failure == nil)
        #expect(
            server.messages == [Array("Subject: x\r\n\r\n..dot\r\n...\r\nlast\r\n".utf8)])
        #expect(
            server.commands == [
                "EHLO client.test", "MAIL FROM:<a@x.test> SIZE=10", "RCPT TO:<b@y.test>",
                "RCPT TO:<c@y.test>", "DATA", "QUIT",
            ])
    }

    @Test func `a server that refuses EHLO gets HELO, and no extension is used`() throws {
        let server = try SMTPStub { step, _ in
            step.hasPrefix("EHLO") ? .reply("502 5.5.1 no") : nil
        }
        let outcome = try talk(to: server)
        #expect(outcome.isDelivered)
        #expect(server.commands.dropFirst().first == "HELO client.test")
        #expect(server.commands.contains("MAIL FROM:<a@x.test>"))
    }

    @Test func `eight bits are announced where the server takes them`() throws {
        var eight = mail
        eight.hasEightBit = true
        let server = try SMTPStub()
        #expect(try talk(to: server, eight).isDelivered)
        #expect(server.commands.contains("MAIL FROM:<a@x.test> SIZE=10 BODY=8BITMIME"))
        let old = try SMTPStub(offers: [])
        #expect(try talk(to: old, eight).isDelivered)
        #expect(old.commands.contains("MAIL FROM:<a@x.test>"))
    }

    @Test func `without PIPELINING each command waits for its reply`() throws {
        let server = try SMTPStub(offers: ["HELP"]) { step, _ in
            step.hasPrefix("MAIL") ? .reply("451 4.7.1 later") : nil
        }
        let outcome = try talk(to: server)
        #expect(outcome.result?.replies.map { $0?.code } == [451, 451])
        #expect(!server.commands.contains { $0.hasPrefix("RCPT") })
    }

    @Test func `a refused recipient does not keep the other from its mail`() throws {
        let server = try SMTPStub { step, _ in
            step == "RCPT TO:<b@y.test>" ? .reply("550 5.1.1 nobody") : nil
        }
        let result = try #require(try talk(to: server).result)
        #expect(result.replies.map { $0?.code } == [550, 250])
        #expect(result.replies[0]?.status?.description == "5.1.1")
    }

    @Test func `without an accepted recipient there is no DATA`() throws {
        let server = try SMTPStub { step, _ in
            step.hasPrefix("RCPT") ? .reply("450 4.2.0 later") : nil
        }
        let result = try #require(try talk(to: server).result)
        #expect(result.replies.map { $0?.code } == [450, 450])
        #expect(!server.commands.contains("DATA"))
        #expect(server.commands.last == "QUIT")
    }

    @Test func `10,000 recipients go in one transaction`() throws {
        var many = mail
        many.forwardPaths = (0..<10_000).map { Array("<r\($0)@y.test>".utf8) }
        let server = try SMTPStub()
        let result = try #require(try talk(to: server, many).result)
        #expect(result.replies.count == 10_000)
        #expect(result.replies.allSatisfy { $0?.isPositive == true })
        #expect(server.messages.count == 1)
    }

    @Test func `552 for a recipient is 452, unless its status says something else`() throws {
        let server = try SMTPStub { step, _ in
            switch step {
            case "RCPT TO:<b@y.test>": .reply("552 too many")
            case "RCPT TO:<c@y.test>": .reply("552 5.2.2 mailbox full")
            default: nil
            }
        }
        let result = try #require(try talk(to: server).result)
        #expect(result.replies.map { $0?.code } == [452, 552])
    }

    @Test func `a message with a bare CR is never ended`() throws {
        let server = try SMTPStub()
        let outcome = try talk(to: server, mail, ["Subject: x\n\nbare\rcr\n"])
        #expect(outcome.failure == .bareCR)
        #expect(outcome.failure?.reply.status.description == "5.6.0")
        #expect(!outcome.isDelivered)
        #expect(server.messages.isEmpty)
    }

    @Test func `a message that cannot be read to its end is never ended`() throws {
        let server = try SMTPStub()
        let outcome = try talk(to: server, failsAtEnd: true)
        #expect(outcome.failure?.reply.code == 451)
        #expect(outcome.result?.isInDoubt == false)
        #expect(server.messages.isEmpty)
    }
}

/// One unkind act, and what must come of it.
struct Unkindness: Sendable, CustomTestStringConvertible {
    enum Expected: Sendable {
        /// Every recipient gets this code.
        case replies(UInt16)
        /// No session, no reply: somebody else may be tried.
        case failure
        /// Nobody knows.
        case doubt
    }

    let step: String
    let action: StubAction
    let expected: Expected
    let reason: String

    init(_ step: String, _ action: StubAction, _ expected: Expected, _ reason: String) {
        self.step = step
        self.action = action
        self.expected = expected
        self.reason = reason
    }

    var testDescription: String { "\(step): \(reason)" }

    /// Short only where it must run out, so that a busy machine spoils nothing else.
    var limit: Duration {
        switch action {
        case .hang, .drip: .seconds(1)
        default: .seconds(30)
        }
    }

    static let refusals: [Unkindness] = [
        .init("greeting", .reply("554 5.7.1 no"), .failure, "another host may take it"),
        .init("greeting", .reply("421 busy"), .failure, "temporary"),
        .init("EHLO", .reply("451 4.3.0 later"), .failure, "temporary, HELO is no way around"),
        .init("EHLO", .reply("421 4.3.2 bye"), .failure, "the session is over"),
        .init("MAIL", .reply("550 5.7.1 no"), .replies(550), "the sender is refused"),
        .init("MAIL", .reply("451 4.7.1 later"), .replies(451), "the sender is deferred"),
        .init("MAIL", .reply("421 4.3.2 bye"), .failure, "the session is over"),
        .init("RCPT", .reply("550 5.1.1 no"), .replies(550), "refused"),
        .init("RCPT", .reply("450 4.2.1 later"), .replies(450), "deferred"),
        .init("RCPT", .reply("421 4.3.2 bye"), .failure, "the session is over"),
        .init("DATA", .replyAndClose("554 5.5.0 no"), .replies(554), "for all accepted"),
        .init("DATA", .replyAndClose("451 4.3.0 no"), .replies(451), "for all accepted"),
        .init("message", .replyAndClose("552 5.3.4 big"), .replies(552), "before the end"),
        .init("message", .replyAndClose("452 4.3.1 full"), .replies(452), "before the end"),
        .init(".", .reply("554 5.7.1 spam"), .replies(554), "refused whole"),
        .init(".", .reply("451 4.7.1 greylisted"), .replies(451), "deferred whole"),
        .init(".", .replyAndClose("421 4.3.2 bye"), .replies(421), "an answer that says no"),
    ]

    static let silences: [Unkindness] = ["greeting", "EHLO", "MAIL", "RCPT", "DATA"].flatMap {
        [
            Unkindness($0, .close, .failure, "closed"),
            Unkindness($0, .hang, .failure, "silent"),
            Unkindness($0, .drip, .failure, "a byte now and then is not an answer"),
            Unkindness($0, .reply("hello there"), .failure, "not a reply"),
            Unkindness($0, .bytes([0, 0xFF, 0x0D, 0x0A]), .failure, "not even text"),
            Unkindness(
                $0, .bytes([UInt8](repeating: 0x32, count: 100_000)), .failure, "a long line"),
            Unkindness($0, .flood("250-more"), .failure, "a reply without end"),
            Unkindness($0, .reply("199 odd"), .failure, "a class that is none"),
            Unkindness($0, .reply("600 odd"), .failure, "a class that is none"),
            Unkindness($0, .reply("25"), .failure, "cut short"),
            Unkindness($0, .reply("250-a\r\n550 b"), .failure, "two codes in one reply"),
        ]
    }

    static let lies: [Unkindness] = [
        .init("greeting", .reply("354 go on"), .failure, "no greeting"),
        .init("greeting", .reply("220 hi\r\n250 hello"), .failure, "EHLO was not yet said"),
        .init("EHLO", .reply("354 go on"), .failure, "no answer to EHLO"),
        .init(
            "EHLO", .reply("250-x\r\n250 PIPELINING\r\n250 ok\r\n250 ok"), .failure,
            "answers to commands that were not sent"),
        .init("MAIL", .reply("354 go on"), .failure, "no answer to MAIL"),
        .init("RCPT", .reply("354 go on"), .failure, "no answer to RCPT"),
        .init("DATA", .reply("250 ok"), .failure, "the message was not sent"),
        .init("DATA", .reply("354 go\r\n250 taken"), .failure, "taken before it was sent"),
        .init("message", .reply("250 taken"), .failure, "taken before its end was sent"),
        .init("message", .close, .failure, "not the whole message"),
        .init(".", .reply("354 go on"), .doubt, "neither yes nor no"),
        .init(".", .close, .doubt, "taken or not"),
        .init(".", .hang, .doubt, "taken or not"),
        .init(".", .drip, .doubt, "taken or not"),
        .init(".", .reply("ok"), .doubt, "taken or not"),
        .init(".", .flood("250-taken"), .doubt, "a yes without an end is none"),
        .init(".", .replyAndClose("250-taken"), .doubt, "a yes without its last line is none"),
    ]
}

@Suite struct UnkindServerTests {
    @Test(arguments: Unkindness.refusals + Unkindness.silences + Unkindness.lies)
    func `whatever a server does, nothing is taken for a yes that is none`(
        _ unkindness: Unkindness
    ) throws {
        let server = try SMTPStub { step, _ in
            step.hasPrefix(unkindness.step) ? unkindness.action : nil
        }
        // In its middle, the message must not all fit between two ends that do not read.
        let count = unkindness.step == "message" ? 200 : 1
        let text = Array(repeating: String(repeating: "x\n", count: 30_000), count: count)
        let outcome = try talk(to: server, mail, text, step: unkindness.limit)
        #expect(!outcome.isDelivered)
        switch unkindness.expected {
        case .replies(let code):
            #expect(outcome.failure == nil)
            #expect(outcome.result?.replies.map { $0?.code } == [code, code])
        case .failure:
            #expect(outcome.failure != nil)
            #expect(outcome.result?.isInDoubt != true)
            #expect(outcome.result?.replies.allSatisfy { $0 == nil } ?? true)
            #expect(outcome.failure?.reply.isPermanent == false)
        case .doubt:
            #expect(outcome.result?.isInDoubt == true)
            #expect(outcome.result?.replies == [nil, nil])
            #expect(outcome.failure?.reply.isPermanent == false)
        }
    }

    @Test func `a server that never reads does not hold the client`() throws {
        let listener = try InternetSocket.listen(
            on: try #require(InternetEndpoint(address: [127, 0, 0, 1], port: 0)), "deaf")
        let local = try #require(InternetSocket.localEndpoint(of: listener.borrowed))
        let socket = try InternetSocket.connect(to: local, "deaf", deadline: .after(.seconds(5)))
        var session = ClientSession(
            socket, limits: ClientLimits(step: .seconds(60), deadline: .after(.milliseconds(200))))
        #expect(throws: ClientError.timedOut(.greeting)) {
            try session.open(as: Array("client.test".utf8))
        }
        withExtendedLifetime(listener) {}
    }

    @Test func `a server that talks while it is talked to does not deadlock`() throws {
        // A megabyte of replies to each group of recipients.
        let long = String(repeating: "250-\(String(repeating: "x", count: 400))\r\n", count: 30)
        let server = try SMTPStub { step, _ in
            step.hasPrefix("RCPT") ? .reply(long + "250 ok") : nil
        }
        var many = mail
        many.forwardPaths = (0..<200).map { Array("<r\($0)@y.test>".utf8) }
        let result = try #require(try talk(to: server, many).result)
        #expect(result.failure == nil || result.failure == .malformed(.rcpt, .tooLong))
        #expect(result.replies.allSatisfy { $0?.isPositive ?? true })
    }

    @Test func `a host that says 521 takes no mail, ever`() throws {
        let server = try SMTPStub { step, _ in step == "greeting" ? .reply("521 no mail") : nil }
        let outcome = try talk(to: server)
        #expect(outcome.failure?.reply.code == 521)
        #expect(outcome.failure?.reply.status.description == "5.3.2")
    }
}
