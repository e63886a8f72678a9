// Shadow: what must be true of a session, kept by other means than the session's own.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol

/// What was said and granted so far.
struct Shadow {
    let settings: SessionSettings
    var ownRelay: Bool
    /// True when the greeting was 554.
    var isRefused = false
    /// True when a step said discard before there was a transaction: nothing is ever queued then.
    var connectDiscards = false
    var isTLS: Bool
    var user: [UInt8]?
    var connectEdits: [Edit] = []
    var heloEdits: [Edit] = []
    /// What the client gave and was granted; nil outside of a transaction.
    var envelope: Envelope?
    var edits: [Edit] = []
    var serverEdits: [Edit] = []
    var isDiscarded = false
    /// The mailbox that was last said to be ours.
    var admitted: Mailbox?
    /// Recipients that got 250.
    var recipients = 0

    /// A session with a client of which these facts are known.
    init(_ settings: SessionSettings, _ facts: Facts, isTLS: Bool) {
        self.settings = settings
        ownRelay = facts.mayRelay
        self.isTLS = isTLS
    }

    var mayRelay: Bool { ownRelay || user != nil }

    /// All edits, in the order in which they must be.
    var pendingEdits: [Edit] { serverEdits + connectEdits + heloEdits + edits }

    /// RSET and whatever has its effect.
    mutating func reset() {
        envelope = nil
        edits = []
        serverEdits = []
        isDiscarded = false
        admitted = nil
        recipients = 0
    }

    /// What must be true of a session at any time.
    func check(_ session: ServerSession) {
        require(session.isInTransaction == (envelope != nil), "transaction: \(self)")
        require(session.envelope == envelope, "\(session.envelope.debugDescription) in \(self)")
        require(session.facts[.authUser] == user, "user")
        require((session.facts[.tlsVersion] != nil) == isTLS, "TLS")
        require(session.facts.mayRelay == mayRelay, "relay")
        require(session.facts[.message] == nil || envelope != nil, "message id without a message")
        require(!isRefused || envelope == nil, "a refused client has a transaction")
        require(recipients <= settings.recipients, "too many recipients")
    }

    /// What must be true of a question to the chain.
    func check(_ request: FilterRequest) {
        require(!isRefused, "a refused client is judged")
        require(request.facts[.authUser] == user, "user")
        require((request.facts[.tlsVersion] != nil) == isTLS, "TLS")
        require(request.facts.mayRelay == mayRelay, "relay")
        let helo = request.facts[.helo] ?? []
        require(!helo.contains { $0.isControl || $0 == 0x20 }, "helo: \(helo.printable)")
        if request.stage >= .mail {
            require(isTLS || !settings.requiresTLS, "MAIL without TLS")
            require(mayRelay || !settings.requiresAuth, "MAIL without AUTH")
            require(request.facts[.helo] != nil, "MAIL without HELO")
        }
        switch request.stage {
        case .connect: require(request.envelope == nil && request.edits.isEmpty, "connect")
        case .helo: require(request.envelope == nil && request.edits == connectEdits, "helo")
        case .mail:
            require(request.envelope?.recipients.isEmpty == true && envelope == nil, "mail")
            require(request.edits == connectEdits + heloEdits, "edits at mail")
        case .rcpt:
            require(request.envelope?.recipients.count == 1, "rcpt")
            require(request.envelope?.reversePath == envelope?.reversePath, "path at rcpt")
            let mailbox = request.envelope?.recipients.first
            let isPostmaster = mailbox?.description == "postmaster@mx.example.test"
            require(mayRelay || mailbox == admitted || isPostmaster, "relayed: \(mailbox as Any)")
        case .data, .message:
            require(request.envelope == envelope, "envelope at \(request.stage)")
            require(request.edits == pendingEdits, "edits at \(request.stage)")
        }
    }

    /// What must be true of a message that is to be queued.
    func check(_ message: AcceptedMessage) {
        require(!isRefused && !connectDiscards && !isDiscarded, "queued: \(self)")
        require(message.envelope == envelope, "envelope")
        require(message.edits == pendingEdits, "edits")
        require(!message.edits.applied(to: message.envelope).recipients.isEmpty, "for nobody")
        require(message.facts[.message].flatMap { QueueID($0) } == message.id, "id")
    }
}

/// What must be true of a reply on the wire. RFC 5321, section 4.2; RFC 2034.
func check(_ reply: SMTPReply) {
    let bytes = reply.bytes
    require((200...599).contains(reply.code), "code \(reply.code)")
    require(bytes.suffix(2) == [0x0D, 0x0A], "no CRLF at the end")
    if let status = reply.status {
        require(UInt16(status.statusClass) == reply.replyClass, "\(reply)")
    }
    let digits = Array("\(reply.code)".utf8)
    let limit = reply.code == 334 ? 12_288 : 512
    var rest = bytes[...]
    while let end = rest.firstIndex(of: 0x0A) {
        let line = rest[...end]
        rest = rest[(end + 1)...]
        require(line.count <= limit, "a line of \(line.count) bytes")
        require(line.starts(with: digits) && line.count >= 6, "\(reply)")
        require(line[line.startIndex + 3] == (rest.isEmpty ? 0x20 : 0x2D), "\(reply)")
        require(line.dropLast(2).allSatisfy { (0x20...0x7E).contains($0) }, "\(reply)")
        require(line.dropLast().last == 0x0D, "no CR before LF")
    }
}
