// Conversation: drives a ServerSession in memory, with answers of the test's choice.
// SPDX-License-Identifier: MIT

import MailModel

@testable import SMTPProtocol

/// A client's lines against a session, and what is said of them.
struct Conversation {
    var session: ServerSession
    /// What the chain says; accept where a test says nothing else.
    var judge: (FilterRequest) -> Verdict = { _ in .accept }
    /// What the queue says.
    var queue: (AcceptedMessage) -> QueueAnswer = { _ in .queued }
    /// What is said of logins, and what was asked.
    var verify: (AuthRequest) -> AuthAnswer = { _ in
        .unavailable(Reply(454, .init(4, 7, 0), "Later"))
    }
    private(set) var logins: [AuthRequest] = []
    /// Whether a user may use a reverse-path.
    var admitsSender: (ReversePath, [UInt8]) -> Bool = { _, _ in true }
    /// What a handshake shows; nil when there is none to be had.
    var handshake: TLSFacts? = TLSFacts(
        version: Array("TLSv1.3".utf8), cipher: Array("TLS_AES_128_GCM_SHA256".utf8))
    /// What becomes of chunks; all is well where a test says nothing else.
    var receive: (Chunk) -> ReceivedChunk = { $0.isLast ? .whole(edits: []) : .more }
    private(set) var chunks: [Chunk] = []
    /// Which clients may relay that XCLIENT names.
    var relay: (Facts) -> [UInt8]? = { _ in nil }
    /// Every question, in order.
    private(set) var requests: [FilterRequest] = []
    private(set) var submissions: [AcceptedMessage] = []
    /// What the server behind says, and what it was told.
    var behind: (PassedCommand) -> SMTPReply = { _ in SMTPReply(250, nil, "behind") }
    private(set) var passed: [PassedCommand] = []
    private(set) var isClosed = false
    private var isReceiving = false
    private var isChallenged = false

    static let id = SessionID(microseconds: 1, random: 2)

    init(_ change: (inout SessionSettings) -> Void = { _ in }, relay: String? = nil) {
        var settings = SessionSettings(name: "mx.example.test")
        change(&settings)
        var facts = Facts()
        facts[.clientIP] = Array("192.0.2.1".utf8)
        facts[.relay] = relay.map { Array($0.utf8) }
        session = ServerSession(settings: settings, facts: facts, id: Conversation.id)
    }

    /// The reply to a line, or nil when it was a line of the message.
    mutating func say(_ line: String) -> String? {
        if isReceiving {
            guard line == "." else { return nil }
            isReceiving = false
            return follow(session.received(.whole(edits: [])))
        }
        let line = CommandLine.line(Array(line.utf8))
        guard isChallenged else { return follow(session.take(line)) }
        isChallenged = false
        return follow(session.responded(line))
    }

    /// The greeting.
    mutating func open() -> String { follow(session.start()) }

    /// What the server says to the lines of a client, CRLF as a line end; after the greeting.
    mutating func run(_ lines: [String]) -> [String] {
        [open()] + lines.compactMap { say($0) }
    }

    /// The first lines of a session that has a transaction with one recipient.
    static let begun = ["EHLO c.test", "MAIL FROM:<a@b>", "RCPT TO:<alice@example.test>"]

    private mutating func follow(_ first: SessionStep) -> String {
        var step = first
        while true {
            switch step {
            case .reply(let reply): return reply.text(of: self)
            case .replies(let replies):
                return replies.map { $0.text(of: self) }.joined(separator: "|")
            case .read: return ""
            case .startTLS(let reply):
                guard let handshake else {
                    step = session.tlsUnavailable()
                    continue
                }
                return reply.text(of: self) + follow(session.tlsStarted(handshake))
            case .authenticate(let request):
                logins.append(request)
                step = session.authenticated(verify(request))
            case .challenge(let reply):
                isChallenged = true
                return reply.text(of: self)
            case .close(let reply):
                isClosed = true
                return reply.text(of: self)
            case .receive(let reply):
                isReceiving = true
                return reply.text(of: self)
            case .admitSender(let path, let user):
                step = session.senderAdmitted(admitsSender(path, user))
            case .admit(let mailbox):
                let isOurs = mailbox.domain?.elementsEqual("example.test".utf8) == true
                step = session.admitted(isOurs ? .ours(mailbox) : .notOurs)
            case .receiveChunk(let chunk):
                chunks.append(chunk)
                step = session.received(chunk: receive(chunk))
            case .identify(let facts): step = session.identified(relay: relay(facts))
            case .judge(let request):
                requests.append(request)
                step = session.judged(judge(request))
            case .pass(let command):
                passed.append(command)
                step = session.passed(behind(command))
            case .queue(let submission):
                submissions.append(submission)
                step = session.queued(queue(submission))
            }
        }
    }
}

extension SMTPReply {
    fileprivate func text(of conversation: Conversation) -> String {
        String(String(decoding: bytes, as: UTF8.self).replacing("\r\n", with: "|").dropLast())
    }
}
