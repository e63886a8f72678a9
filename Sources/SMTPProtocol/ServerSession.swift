// ServerSession: an SMTP session as a state machine; whoever drives it does all I/O.
// RFC 5321, sections 3 and 4.1.4; smtp-server(8).
// SPDX-License-Identifier: MIT

import MailModel

/// The server's side of a session.
///
/// `start` gives the first step; every step says which call brings the next one. A call that
/// does not fit the step before it is answered 451 and changes nothing.
public struct ServerSession: Sendable {
    /// What a verdict or an answer is awaited for.
    enum Pending {
        case nothing
        case connect
        case helo(HELOCandidate)
        case sender(Transaction)
        case mail(Transaction)
        case admission(RecipientCandidate)
        case recipient(RecipientCandidate)
        case data(Chunk?)
        case message
        case chunk(Chunk, refusal: SMTPReply?)
        case judgedMessage
        case submission
        case tls
        case authentication(AuthState)
        case identity(Claim)
        case forwarded(ForwardedClaim)
        case client(Transaction, Stage)
        case passedMail(Transaction)
        case passedRecipient(Transaction)
    }

    /// Names and limits.
    public internal(set) var settings: SessionSettings
    /// What is known of the client, as the next request will carry it.
    public internal(set) var facts: Facts
    /// The id of the session.
    public let id: SessionID

    var pending = Pending.nothing
    /// True after the greeting was 554: only QUIT is obeyed. RFC 5321, section 3.1.
    var isRefused = false
    var hasGreeted = false
    /// True when it was EHLO: only then there are extensions.
    var isExtended = false
    /// What is known of the session's TLS; nil in the clear.
    public internal(set) var tls: TLSFacts?
    /// Who has been authenticated.
    var user: [UInt8]?
    /// What lets the client relay whoever it is.
    var ownRelay: [UInt8]?
    /// What XCLIENT said of the client.
    var claimed: ClaimedClient?
    /// What is known of the client itself while it speaks for another; nil while it does not.
    var ownFacts: Facts?
    /// True when that other is a program of the server in front.
    var isFromNobody = false
    /// Why a chunk was refused: the reply for those that came with it.
    var chunkRefusal: SMTPReply?
    var isDiscarded = false
    var errors = 0
    var commands = 0
    var messages: UInt32 = 0
    /// Edits that were made before any transaction, for all messages of the session.
    var connectEdits: [Edit] = []
    var heloEdits: [Edit] = []
    var transaction: Transaction?

    /// A session with a client of which these facts are known. `tls` is what is known of TLS where
    /// the session begins with it.
    public init(settings: SessionSettings, facts: Facts, id: SessionID, tls: TLSFacts? = nil) {
        self.settings = settings
        self.facts = facts
        self.id = id
        self.tls = tls
        ownRelay = facts[.relay]
        tls?.enter(&self.facts)
    }

    /// The id of the message that is being given; nil outside of a transaction.
    public var messageID: QueueID? { transaction?.id }

    /// What MAIL and RCPT gave so far; nil outside of a transaction.
    public var envelope: Envelope? { transaction?.envelope }

    /// True while a message is on its way, from MAIL to its last reply.
    public var isInTransaction: Bool { transaction != nil }

    /// The id that the next message will have.
    var nextMessageID: QueueID { id.message(messages &+ 1) }

    /// The first step: what the steps at `connect` say of the client.
    public mutating func start() -> SessionStep {
        pending = .connect
        if settings.allowsXFORWARD { return judged(.accept) }
        return .judge(FilterRequest(stage: .connect, facts: facts))
    }

    /// The step that a command leads to.
    public mutating func take(_ line: CommandLine) -> SessionStep {
        guard case .nothing = pending else { return .reply(.outOfStep) }
        commands += 1
        guard settings.commands == 0 || commands <= settings.commands else {
            return .close(.tooManyCommands)
        }
        switch line {
        case .line(let bytes): return take(Command(bytes), length: bytes.count + 2)
        case .tooLong: return failed(.lineTooLong)
        case .bareLF: return failed(.bareLineFeed)
        case .badChunk: return .close(.lostChunk)
        }
    }

    private mutating func take(_ command: Command, length: Int) -> SessionStep {
        let barred = barred(command, length: length)
        if command.verb == .bdat { return bdat(command.argument, barred: barred) }
        chunkRefusal = nil
        if let barred { return failed(barred) }
        switch command.verb {
        case .helo: return helo(command.argument)
        case .ehlo: return ehlo(command.argument)
        case .mail: return mail(command.argument)
        case .rcpt: return rcpt(command.argument)
        case .data: return data(command.argument)
        case .rset: return rset(command.argument)
        case .noop: return noop()
        case .quit: return quit(command.argument)
        case .vrfy: return vrfy(command.argument)
        case .help: return help()
        case .bdat: return bdat(command.argument, barred: nil)
        case .startTLS: return startTLS(command.argument)
        case .auth: return auth(command.argument)
        case .xclient: return xclient(command.argument)
        case .xforward: return xforward(command.argument)
        case nil: return unknown(command.word)
        }
    }

    /// The reply to a command that may not be given at all, whatever it is.
    private func barred(_ command: Command, length: Int) -> SMTPReply? {
        if length > command.verb?.lineLimit ?? 512 { return .lineTooLong }
        if command.argument.contains(where: \.isControl) { return .controlCharacter }
        if isRefused, command.verb != .quit { return .refusedSession }
        if settings.requiresTLS, tls == nil, command.verb?.needsTLS == true { return .needsTLS }
        return nil
    }

    /// The step that a verdict leads to.
    public mutating func judged(_ verdict: Verdict) -> SessionStep {
        let verdict = verdict.delayed(by: .zero)
        let question = pending
        pending = .nothing
        switch question {
        case .connect: return connectJudged(verdict)
        case .helo(let candidate): return heloJudged(verdict, candidate)
        case .client(let transaction, let stage):
            return clientJudged(verdict, transaction, stage)
        case .mail(let transaction): return mailJudged(verdict, transaction)
        case .recipient(let candidate): return recipientJudged(verdict, candidate)
        case .data(let chunk): return dataJudged(verdict, chunk)
        case .judgedMessage: return messageJudged(verdict)
        case .nothing, .sender, .admission, .message, .chunk, .submission, .tls, .authentication,
            .identity, .forwarded, .passedMail, .passedRecipient:
            pending = question
            return .reply(.outOfStep)
        }
    }

    /// The step after a command that was in error; the last one when there were too many.
    mutating func failed(_ reply: SMTPReply) -> SessionStep {
        errors += 1
        return errors >= settings.errors ? .close(.tooManyErrors) : .reply(reply)
    }

    /// The step after a verdict that refuses. A reply of code 421 also ends the session: RFC
    /// 5321, section 3.8.
    func refused(_ reply: Reply, withStatus: Bool = true) -> SessionStep {
        let full = SMTPReply(reply)
        let reply = withStatus ? full : full.withoutStatus
        return reply.code == 421 ? .close(reply) : .reply(reply)
    }

    /// Forgets the transaction. RFC 5321, section 4.1.1.5.
    mutating func reset() {
        if transaction?.envelope.options.smtputf8 == true { facts[.protocolName] = protocolName }
        transaction = nil
        forgetForwarded()
        facts[.message] = nil
        facts[.bodyType] = nil
        facts[.declaredSize] = nil
    }

    /// The keyword of RFC 3848 for the session as it is.
    var protocolName: [UInt8] { protocolName(isExtended: isExtended) }

    /// The same where HELO or EHLO is not yet judged, or where SMTPUTF8 was asked for: RFC 6531,
    /// section 4.3.
    func protocolName(isExtended: Bool, isUTF8: Bool = false) -> [UInt8] {
        guard claimed?.isExtended ?? isExtended else { return Array("SMTP".utf8) }
        return Array((isUTF8 ? "UTF8SMTP" : "ESMTP").utf8) + (tls == nil ? [] : [0x53])
            + (user == nil ? [] : [0x41])
    }

    /// Edits that are pending for a message, in the order in which they were made.
    var pendingEdits: [Edit] {
        (transaction?.serverEdits ?? []) + connectEdits + heloEdits + (transaction?.edits ?? [])
    }
}
