// SessionFuzz: drives a session by a script, and holds it against its shadow.
// SPDX-License-Identifier: MIT

import MailModel

@testable import SMTPProtocol

/// The target `session`: the same script with what the client sends in one piece and in many must
/// come to the same replies, unless STARTTLS makes of them what must not come in one piece.
func fuzzSession(_ bytes: [UInt8]) {
    var whole = FuzzedSession(Script(bytes), pieces: nil)
    whole.run()
    if isVerbose { print(String(decoding: whole.transcript, as: UTF8.self)) }
    var pieces = FuzzedSession(Script(bytes), pieces: UInt64(bytes.count) &* 0x9E37_79B9 &+ 1)
    pieces.run()
    if whole.hasTriedTLS || pieces.hasTriedTLS { return }
    require(whole.transcript == pieces.transcript, "the pieces matter")
}

/// A session, its client, and everybody else.
struct FuzzedSession {
    var script: Script
    var session: ServerSession
    var shadow: Shadow
    var buffer = LineBuffer()
    private var position = 0
    /// The state of a generator of lengths; nil for everything at once.
    private var pieces: UInt64?
    private(set) var transcript: [UInt8] = []
    private(set) var hasTriedTLS = false
    /// Steps since the last reply, and whether one was given to the command.
    private var steps = 0
    private var hasReplied = true
    private var line: [UInt8] = []
    /// True between the end of a message and the reply to it.
    var hasMessage = false

    init(_ script: Script, pieces: UInt64?) {
        var script = script
        let settings = script.settings()
        let facts = script.facts()
        let tls = script.isChosen(in: 8) ? FuzzedSession.tls : nil
        session = ServerSession(
            settings: settings, facts: facts, id: SessionID(microseconds: 1, random: 2), tls: tls)
        shadow = Shadow(settings, facts, isTLS: tls != nil)
        self.script = script
        self.pieces = pieces
    }

    static let tls = TLSFacts(version: Array("TLSv1.3".utf8), cipher: Array("X".utf8))

    /// Goes through the session to its end or to that of the script.
    mutating func run() {
        var step = session.start()
        while let next = perform(step) {
            step = next
            steps += 1
            require(steps < 20, "no end of steps: \(step)")
            if case .read = step { continue }
        }
    }

    private mutating func perform(_ step: SessionStep) -> SessionStep? {
        switch step {
        case .reply(let reply):
            give([reply])
            return take()
        case .replies(let replies):
            require(!replies.isEmpty, "no reply")
            give(replies)
            return take()
        case .read: return take()
        case .close(let reply):
            give([reply], closing: true)
            return nil
        case .startTLS(let reply): return startTLS(reply)
        case .authenticate(let request): return authenticate(request)
        case .challenge(let reply):
            require(reply.code == 334, "\(reply)")
            give([reply])
            return nextLine().map { session.responded($0) }
        case .admitSender(_, let user):
            require(user == shadow.user && shadow.settings.limitsSenders, "sender")
            return session.senderAdmitted(!script.isChosen(in: 4))
        case .admit(let mailbox): return admit(mailbox)
        case .judge(let request): return judge(request)
        case .receive(let reply): return receive(reply)
        case .receiveChunk(let chunk): return receive(chunk)
        case .identify(let facts): return identify(facts)
        case .pass:
            require(false, "there is no server behind")
            return session.passed(SMTPReply(250, nil, ""))
        case .queue(let message):
            shadow.check(message)
            transcript += message.envelope.queueFormat
            let isQueued = !script.isChosen(in: 6)
            return session.queued(
                isQueued ? .queued : .refused(script.reply(permanent: script.isChosen(in: 2))))
        }
    }

    /// Takes note of replies.
    private mutating func give(_ replies: [SMTPReply], closing: Bool = false) {
        for reply in replies {
            check(reply)
            transcript += reply.bytes
            require(closing || reply.code != 221 && reply.code != 421, "not closed: \(reply)")
            require(!closing || reply.code == 221 || reply.code == 421, "closed: \(reply)")
        }
        guard let last = replies.last else { return }
        steps = 0
        hasReplied = true
        conclude(last)
        if !closing { shadow.check(session) }
    }

    /// The next command; nil at the end of the script.
    private mutating func take() -> SessionStep? {
        require(hasReplied, "no reply to \(line.printable)")
        guard let next = nextLine() else { return nil }
        hasReplied = false
        if case .line(let bytes) = next { line = bytes } else { line = [] }
        let step = session.take(next)
        guard shadow.isRefused else { return step }
        switch step {
        case .reply(let reply): require(reply.isPermanent, "a refused client got \(reply)")
        case .close: break
        case .receiveChunk(let chunk): require(!chunk.isKept, "a refused client sends a message")
        default: fatalError("a refused client got \(step)")
        }
        return step
    }

    private mutating func nextLine() -> CommandLine? {
        while true {
            if let line = buffer.nextLine() { return line }
            guard fill() else { return nil }
        }
    }

    mutating func fill() -> Bool {
        guard position < script.wire.count else { return false }
        var length = script.wire.count - position
        if let state = pieces {
            // A linear congruential generator: lengths from 1 to 16.
            pieces = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            length = min(length, Int(state >> 60) + 1)
        }
        let taken = buffer.append(script.wire[position..<(position + length)])
        require(taken > 0, "no room")
        position += taken
        return true
    }

    /// Reads a message up to its end; nil at the end of the script.
    private mutating func receive(_ reply: SMTPReply) -> SessionStep? {
        require(reply.code == 354, "\(reply)")
        give([reply])
        hasReplied = false
        let rest = Array(buffered() + script.wire[position...])
        var decoder = DataDecoder(bareLineFeed: shadow.settings.bareLineFeed)
        var output: [UInt8] = []
        var used = 0
        while !decoder.isComplete {
            if buffer.isEmpty, !fill() { return nil }
            buffer.take { bytes in
                let taken = decoder.decode(bytes, into: &output)
                used += taken
                return taken
            }
        }
        require(used == endOfData(rest), "the message ends at \(used)")
        hasMessage = true
        transcript += output
        let isRefused = !decoder.isWellFormed || script.isChosen(in: 8)
        if isRefused {
            return session.received(.refused(script.reply(permanent: !script.isChosen(in: 3))))
        }
        let edits = HeaderField("Received", "x").map { [Edit.prepend($0)] } ?? []
        if !session.isThrownAway { shadow.serverEdits = edits }
        return session.received(.whole(edits: edits))
    }

    private func buffered() -> [UInt8] {
        var copy = buffer
        var bytes: [UInt8] = []
        copy.take { raw in
            bytes = Array(raw)
            return 0
        }
        return bytes
    }
}

extension FuzzedSession {
    private mutating func startTLS(_ reply: SMTPReply) -> SessionStep? {
        hasTriedTLS = true
        require(shadow.settings.offersTLS && !shadow.isTLS, "STARTTLS")
        if script.isChosen(in: 5) { return session.tlsUnavailable() }
        give([reply])
        // Whatever is there already was put there by somebody: the session ends.
        guard buffer.isEmpty else { return nil }
        shadow.reset()
        shadow.isTLS = true
        shadow.user = nil
        shadow.heloEdits = []
        let step = session.tlsStarted(FuzzedSession.tls)
        require(step == .read, "after TLS: \(step)")
        require(session.facts[.helo] == nil && session.facts[.protocolName] == nil, "HELO stays")
        shadow.check(session)
        return step
    }

    private mutating func authenticate(_ request: AuthRequest) -> SessionStep {
        let offered =
            shadow.isTLS
            ? shadow.settings.mechanismsUnderTLS : shadow.settings.mechanismsInClear
        require(offered.contains(request.mechanism), "\(request.mechanism) was not offered")
        require(shadow.user == nil && shadow.envelope == nil, "AUTH at the wrong time")
        let name = Array("user".utf8)
        switch script.answer() % 8 {
        case 3: return session.authenticated(.challenge([]))
        case 4: return session.authenticated(.challenge(Array(repeating: 0x61, count: 9000)))
        case 5: return session.authenticated(.refused(script.reply(permanent: true)))
        case 6: return session.authenticated(.unavailable(script.reply(permanent: false)))
        case 7: return session.authenticated(.accepted(user: name, final: [0x62]))
        default: return session.authenticated(.accepted(user: name))
        }
    }

    private mutating func admit(_ mailbox: Mailbox) -> SessionStep {
        require(!shadow.mayRelay && shadow.envelope != nil, "admit")
        // What a path was parsed to is written as a path that parses to the same.
        var path = (PathSyntax.path(of: mailbox, utf8: true) ?? [])[...]
        let again = try? PathSyntax.forwardPath(from: &path, utf8: true)
        require(again == mailbox && path.isEmpty, "\(mailbox) is no path")
        shadow.admitted = nil
        switch script.answer() % 6 {
        case 3: return session.admitted(.notOurs)
        case 4: return session.admitted(.unknown)
        case 5:
            let other = script.mailbox()
            shadow.admitted = other
            return session.admitted(.ours(other))
        default:
            shadow.admitted = mailbox
            return session.admitted(.ours(mailbox))
        }
    }

    /// Gives a verdict, and takes note of what follows from it once it is said.
    private mutating func judge(_ request: FilterRequest) -> SessionStep {
        shadow.check(request)
        let verdict = script.verdict()
        let step = session.judged(verdict)
        let edits: [Edit]
        switch verdict.delayed(by: .zero) {
        case .accept(let made): edits = made
        case .discard: edits = []
        case .reject, .defer:
            refuse(request.stage, step)
            return step
        }
        let isDiscard = verdict == .discard
        switch request.stage {
        case .connect:
            shadow.connectEdits = edits
            shadow.connectDiscards = isDiscard
        case .helo:
            shadow.reset()
            shadow.heloEdits = edits
            shadow.connectDiscards = shadow.connectDiscards || isDiscard
        case .mail:
            shadow.envelope = request.envelope
            shadow.edits = edits
            shadow.isDiscarded = isDiscard
        case .rcpt:
            if !isDiscard, let single = request.envelope {
                shadow.envelope?.appendRecipients(of: edits.applied(to: single))
                shadow.edits += edits.filter { !$0.isOfRecipient }
            }
            shadow.recipients += 1
        case .data, .message:
            shadow.edits += edits
            shadow.isDiscarded = shadow.isDiscarded || isDiscard
        }
        return step
    }

    private mutating func refuse(_ stage: Stage, _ step: SessionStep) {
        switch stage {
        case .connect:
            if case .reply(let reply) = step {
                require(reply.code == 554, "\(reply)")
                shadow.isRefused = true
            }
        case .data, .message: shadow.reset()
        case .helo, .mail, .rcpt: break
        }
        if case .receiveChunk(let chunk) = step {
            require(stage == .data && !chunk.isKept, "refused, but \(chunk)")
            return
        }
        switch step {
        case .reply(let reply): require(reply.code >= 400, "refused, but \(reply)")
        case .replies(let replies):
            // PRDR: what opens them, then the refusal for each recipient and for all.
            require(
                stage == .message && replies.first?.code == 353 && replies.count > 3
                    && replies.dropFirst().allSatisfy { $0.code >= 400 }, "refused, but \(replies)")
        case .close: break
        default: fatalError("refused, but \(step)")
        }
    }

    /// What follows from the reply to a command that nobody was asked about.
    mutating func conclude(_ reply: SMTPReply) {
        let word = line.prefix { $0 != 0x20 }.trimmed.asciiLowercased
        let verb = String(decoding: word, as: UTF8.self)
        switch verb {
        case "rset" where reply.isPositive: shadow.reset()
        case "ehlo" where reply.isPositive, "helo" where reply.isPositive:
            // Judged, or nobody judges any more.
            if shadow.connectDiscards { shadow.reset() }
        case "mail" where reply.isPositive && shadow.connectDiscards && shadow.envelope == nil:
            shadow.envelope = session.envelope
            shadow.isDiscarded = true
        case "rcpt" where reply.isPositive && shadow.isDiscarded: shadow.recipients += 1
        case "auth" where reply.code == 235: shadow.user = Array("user".utf8)
        default: break
        }
        // Whatever is said to a message, the transaction is over.
        if hasMessage { shadow.reset() }
        hasMessage = false
    }
}

extension Edit {
    fileprivate var isOfRecipient: Bool {
        switch self {
        case .addRecipient, .removeRecipient: true
        default: false
        }
    }
}

/// Where CRLF . CRLF ends, the CRLF of DATA before the first byte; nil when it is not there.
func endOfData(_ wire: [UInt8]) -> Int? {
    let all = [0x0D, 0x0A] + wire
    let mark: [UInt8] = [0x0D, 0x0A, 0x2E, 0x0D, 0x0A]
    guard all.count >= mark.count else { return nil }
    return (0...(all.count - mark.count)).first { all[$0..<($0 + mark.count)].elementsEqual(mark) }
        .map { $0 + mark.count - 2 }
}
