// PassedSession: a session with a server behind that follows one with a client, command by command.
// smtp-server(8), section A server behind; RFC 5321, section 3.3.
// SPDX-License-Identifier: MIT

public import MailModel
public import SMTPClient
public import SMTPProtocol
import UnixIO

/// What became of a message that was given to a server behind.
public enum PassedAnswer: Sendable {
    /// What it says.
    case answered(SMTPReply)
    /// It has not answered, for this reason.
    case failed(Reply)
}

/// The connection is opened when there is something to say, and kept for the client's next message.
public final class PassedSession {
    private let server: ServerBehind
    private var session: ClientSession?
    /// What XCLIENT said; nil where it was not said.
    private var claimed: [ClientAttribute]?
    /// What the server knows of the envelope; nil where it is in no transaction of ours.
    private var told: Envelope?
    private var facts = Facts()
    /// What the server offered when it was last asked.
    public private(set) var extensions: ServerExtensions?

    /// A session that has not begun.
    public init(_ server: ServerBehind) { self.server = server }

    /// MAIL for a client of which these facts are known, with the bytes that it has declared.
    public func begin(_ envelope: Envelope, size: Int?, for facts: Facts) -> SMTPReply {
        giveUp()
        self.facts = facts
        do throws(ServerBehindError) {
            var session = try ready()
            let reply = try start(envelope, size, &session)
            keep(session)
            return reply
        } catch {
            return SMTPReply(error.reply)
        }
    }

    /// RCPT for each of the recipients.
    /// - Returns: the reply to the first that is refused, else to the last.
    public func add(_ recipients: Envelope) -> SMTPReply {
        do throws(ServerBehindError) {
            guard told != nil, var session = session.take() else {
                throw .session(.lost(.rcpt))
            }
            let reply = try name(recipients, &session).reply
            keep(session)
            return reply
        } catch {
            // Those that it has taken are told anew, at the end.
            told = nil
            return SMTPReply(error.reply)
        }
    }

    /// The message for an envelope. Where that is not the one which the server knows, it is told anew,
    /// and nobody gets the message unless everybody does.
    public func finish(_ envelope: Envelope, _ message: some MessageSource) -> PassedAnswer {
        do throws(ServerBehindError) {
            var session = try taken()
            if told != envelope, let refusal = try tellAnew(envelope, &session) {
                keep(session)
                return .answered(refusal)
            }
            told = nil
            let result = session.send(message)
            guard let reply = result.reply else {
                throw .session(result.failure ?? .lost(.finalDot))
            }
            keep(session)
            return .answered(reply)
        } catch {
            told = nil
            return .failed(error.reply)
        }
    }

    /// Takes back a transaction that the client has given up.
    public func giveUp() {
        guard told != nil else { return }
        told = nil
        guard var session = session.take() else { return }
        do {
            try session.reset()
        } catch {
            return
        }
        keep(session)
    }

    /// Says goodbye.
    public func quit() {
        told = nil
        if let session = session.take() { session.quit() }
    }

    private func keep(_ session: consuming ClientSession) {
        if session.canGoOn { self.session = consume session }
    }

    /// The session of the transaction, or a new one where that is lost.
    private func taken() throws(ServerBehindError) -> ClientSession {
        if let session = session.take() { return session }
        told = nil
        return try ready()
    }

    /// A session in which the server knows for whom we speak, as far as it wants to.
    private func ready() throws(ServerBehindError) -> ClientSession {
        if var old = session.take() {
            let isHis = claimed == nil || claimed == facts.claimed
            if isHis, old.isStillOpen() { return old }
            old.quit()
        }
        claimed = nil
        var new = try server.open()
        extensions = new.extensions
        guard !new.extensions.xclient.isEmpty else { return new }
        let attributes = facts.claimed
        let name = facts[.helo].flatMap { PassedSession.isName($0) ? $0 : nil } ?? server.name
        let refusal: SMTPReply?
        do {
            refusal = try new.become(attributes, as: name)
        } catch {
            throw .session(error)
        }
        if let refusal { throw .strange(refusal) }
        claimed = attributes
        return new
    }

    private static func isName(_ name: [UInt8]) -> Bool {
        PathSyntax.isDomain(name) || PathSyntax.isAddressLiteral(name)
    }

    private func start(
        _ envelope: Envelope, _ size: Int?, _ session: inout ClientSession
    ) throws(ServerBehindError) -> SMTPReply {
        var mail: OutgoingMail
        do {
            mail = try OutgoingMail(envelope)
        } catch {
            return SMTPReply(error.reply)
        }
        mail.size = size
        if mail.options.smtputf8, !session.extensions.smtputf8 {
            // It did when the client was told so.
            return SMTPReply(451, EnhancedStatus(4, 6, 7), "the server behind takes no SMTPUTF8")
        }
        let reply: SMTPReply
        let refusal: SMTPReply?
        do throws(ClientError) {
            refusal = claimed == nil ? try session.forward(facts.forwarded) : nil
            reply = refusal == nil ? try session.begin(mail) : SMTPReply(451, nil, "")
        } catch {
            throw .session(error)
        }
        if let refusal { throw .strange(refusal) }
        guard reply.isPositive else { return reply }
        var told = Envelope(reversePath: envelope.reversePath)
        told.options = envelope.options
        self.told = told
        return reply
    }

    private func name(
        _ recipients: Envelope, _ session: inout ClientSession
    ) throws(ServerBehindError) -> (reply: SMTPReply, number: Int) {
        var envelope = recipients
        envelope.reversePath = .null
        envelope.options = told?.options ?? envelope.options
        let mail: OutgoingMail
        do {
            mail = try OutgoingMail(envelope)
        } catch {
            return (SMTPReply(error.reply), 0)
        }
        var last = SMTPReply(250, nil, "")
        for number in recipients.recipients.indices {
            do {
                last = try session.add(number, of: mail)
            } catch {
                throw .session(error)
            }
            guard last.isPositive else { return (last, number) }
            told?.append(
                recipients.recipients[number], recipients.options(ofRecipient: number))
        }
        return (last, 0)
    }

    /// - Returns: the reply that refuses; nil when the server takes all of it.
    private func tellAnew(
        _ envelope: Envelope, _ session: inout ClientSession
    ) throws(ServerBehindError) -> SMTPReply? {
        let answer = try start(envelope.withRecipients([]), nil, &session)
        guard answer.isPositive else { return answer }
        let (reply, number) = try name(envelope, &session)
        guard !reply.isPositive else { return nil }
        let recipient = envelope.recipients[number]
        return SMTPReply(reply.code, reply.status, "\(recipient): \(reply.text)")
    }
}
