// What a client makes of a server that refuses, hangs, closes or lies, step by step.
// SPDX-License-Identifier: MIT

import SMTPClient
import SMTPProtocol
import TestSupport
import Testing
import UnixIO

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
        let count = unkindness.step == "message" ? 100 : 1
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
