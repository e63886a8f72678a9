// SessionDriver: does the I/O that a session asks for.
// smtp-server(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import MailModel
import MailQueue
import Relaying
import SMTPProtocol
import UnixIO

/// One session from connect to close.
struct SessionDriver: ~Copyable {
    let server: Server
    /// What the client connected to.
    let profile: ListenerProfile
    var session: ServerSession
    var wire: Wire
    let log: SessionLog
    var authentication = Authentication()
    /// What the next reply is about. The message is kept too: by then it may be forgotten.
    var subject: (Subject, message: String?)?
    var stored: StoredMessage?
    /// A message of which some chunks have come.
    var chunks: IncomingMessage?
    var acceptedMessages = 0
    /// The server behind; nil where messages are queued.
    let behind: PassedSession?
    /// The connection, where it may wait elsewhere; nil on descriptors 0 and 1.
    var visit: Visit?
    /// True when the client's address is only that of a proxy which does not know it.
    var isUnknown = false
    /// True once the client's name was looked up.
    var isNamed = false
    /// Until when a command must be whole that began before the connection waited elsewhere.
    var awaitedUntil: Deadline?

    /// A session on a connection of which these facts are known.
    init(
        _ server: Server, _ stream: PatientStream, _ profile: ListenerProfile, facts: Facts,
        id: SessionID
    ) {
        self.server = server
        self.profile = profile
        session = ServerSession(
            settings: server.configuration.settings(for: profile, facts), facts: facts, id: id)
        wire = Wire(stream, end: .after(server.configuration.limits.session))
        log = SessionLog(log: server.log, session: id.description)
        behind = server.configuration.forward.map { PassedSession($0) }
    }

    /// Goes through the session to its end, or until it waits elsewhere; from where it was when it
    /// has waited.
    mutating func run(from note: WaitingNote? = nil) {
        do throws(StreamError) {
            var step = try begin(note)
            while let next = try perform(step) { step = next }
            if visit?.isHandedIn != true { log.ended("quit", messages: acceptedMessages) }
        } catch {
            end(error)
        }
        behind?.quit()
    }

    /// Does what a step asks; nil when the session is over.
    private mutating func perform(_ step: SessionStep) throws(StreamError) -> SessionStep? {
        switch step {
        case .reply(let reply):
            if !session.isInTransaction { forgetMessage() }
            give(reply)
            return try takeCommand()
        case .replies(let replies):
            forgetMessage()
            for reply in replies.dropLast() { wire.put(reply) }
            if let last = replies.last { give(last) }
            return try takeCommand()
        case .read: return try takeCommand()
        case .startTLS(let reply): return try startTLS(reply)
        case .authenticate(let request): return try authenticate(request)
        case .challenge(let reply): return try challenge(reply)
        case .admitSender(let path, let user):
            return session.senderAdmitted(admits(path, user))
        case .close(let reply):
            give(reply)
            try wire.finish(within: limits.command, isExpected: reply.code == 221)
            return nil
        case .admit(let mailbox):
            subject = (.recipient(mailbox), session.facts[.message]?.printable)
            let admission = admission(mailbox)
            if case .notOurs = admission { report(refused: mailbox) }
            return session.admitted(admission)
        case .judge(let request):
            if request.stage <= .helo {
                offerMechanisms()
                if request.stage == .helo { narrowExtensions() }
            }
            return session.judged(try waited(for: judge(request), request))
        case .receive(let reply):
            give(reply)
            return session.received(try receiveMessage())
        case .receiveChunk(let chunk): return session.received(chunk: try receive(chunk))
        case .identify(let facts):
            log.speaks(for: facts)
            return session.identified(relay: relay(facts))
        case .pass(let command): return session.passed(pass(command))
        case .queue(let message):
            return session.queued(queue(message))
        }
    }

    var limits: ServerLimits { server.configuration.limits }

    /// The step after the client's next command; nil when the connection waits elsewhere.
    private mutating func takeCommand() throws(StreamError) -> SessionStep? {
        let mayStop = !session.isInTransaction
        if mayStop, acceptedMessages > 0, Stop.hasCome { throw .stopping }
        guard let line = try line(mayStop: mayStop) else { return nil }
        lookUpName()
        return session.take(line)
    }

    /// The client's next line. Between transactions the server may stop.
    mutating func nextLine() throws(StreamError) -> CommandLine {
        let mayStop = !session.isInTransaction
        if mayStop, acceptedMessages > 0, Stop.hasCome { throw .stopping }
        return try wire.line(within: limits.command, mayStop: mayStop)
    }

    /// Puts a reply on its way.
    mutating func give(_ reply: SMTPReply) {
        if let subject {
            log.replied(reply, to: subject.0, message: subject.message, facts: session.facts)
            self.subject = nil
        }
        wire.put(reply)
    }

    /// Ends a session that the client did not end with QUIT.
    private mutating func end(_ error: StreamError) {
        let reason: String
        switch error {
        case .closed: reason = "client closed"
        case .failed(let error): reason = "\(error)"
        case .timedOut:
            reason = wire.isHurried ? "time limit, all workers are busy" : "time limit"
            farewell(.timedOut)
        case .stopping:
            reason = "shutting down"
            farewell(.shuttingDown)
        }
        log.ended(reason, messages: acceptedMessages)
    }

    private mutating func farewell(_ reason: ServerSession.EndReason) {
        wire.put(session.farewell(reason))
        // A client that does not listen misses nothing.
        try? wire.finish(within: .seconds(2), isExpected: false)
    }
}

extension SessionDriver {
    /// Whether mail for a mailbox is accepted here.
    private func admission(_ mailbox: Mailbox) -> Admission {
        do {
            return try server.configuration.domains.accepts(mailbox) ? .ours(mailbox) : .notOurs
        } catch {
            log.trouble("\(error)", message: session.messageID)
            return .unknown
        }
    }

    /// What the chain says.
    private mutating func judge(_ request: FilterRequest) -> Verdict {
        subject = Subject(request, length: stored?.length ?? 0).map {
            ($0, request.facts[.message]?.printable)
        }
        if request.stage == .mail, let reply = roomRefusal(request) { return .defer(reply) }
        guard server.chain.judges(request.stage) else { return .accept }
        var request = request
        do {
            var file: Descriptor?
            if request.stage == .message {
                request.messageLength = stored?.length ?? 0
                file = try stored?.forFilters()
            }
            var judgement = server.chain.judge(request, file, log: server.log)
            if let other = judgement.replacement.take() { stored?.replace(with: other) }
            if request.stage == .rcpt, case .reject = judgement.verdict {
                server.chain.report(
                    .refused, request, except: judgement.trail.last?.step, log: server.log)
            }
            return judgement.verdict
        } catch {
            log.trouble("\(error)", message: session.messageID)
            return .defer(.cannotStore)
        }
    }

    /// Hands the message over; the client's 250 waits for the answer.
    private mutating func queue(_ message: AcceptedMessage) -> QueueAnswer {
        if let behind { return forward(message, to: behind) }
        guard let stored = stored.take() else { return .refused(.cannotStore) }
        let submission = MailQueue.Submission(
            id: message.id, envelope: message.envelope, edits: message.edits,
            facts: message.facts, messageLength: stored.length, isCopied: stored.isCopied)
        let outcome = server.configuration.queue.commit(
            submission, stored.file.borrowed, deadline: .after(limits.queue))
        switch outcome {
        case .queued:
            acceptedMessages += 1
            return .queued
        case .refused(let reply, _): return .refused(reply)
        }
    }
}
