// SimulatedSession: one session of a log, as limits would have met it.
// throttle(8), section SIMULATION.
// SPDX-License-Identifier: MIT

import MailModel

/// What is known of a session so far, and what of it would have been refused.
struct SimulatedSession {
    /// The events of smtp-server that are read.
    static let events: Set<String> = [
        "connect", "login-refused", "mail", "rcpt", "message", "disconnect",
    ]

    private var facts = Facts()
    private var reversePath: ReversePath?
    private var recipients: [Mailbox] = []
    /// True when the server took the recipient of the last line.
    private var isTaken = false
    private var isGone = false
    private var hasNoMail = false

    /// The session of a `connect` line.
    init(_ line: LogLine) {
        facts[.clientIP] = line["client"]
        facts[.relay] = line["relay"] == nil ? nil : []
    }

    /// When a session began, by its id.
    static func begin(_ id: [UInt8]) -> UInt64? {
        SessionID(id).map { $0.message(0).microseconds }
    }

    /// What a line asks of the limits. What the server itself or another step refused is asked
    /// too, unless the session would have ended before; a recipient refused for good is a failure.
    mutating func occasions(_ line: LogLine) -> [Occasion] {
        if let user = line["auth-user"] ?? line["user"] { facts[.authUser] = user }
        if let helo = line["helo"] { facts[.helo] = helo }
        switch line.event {
        case "connect": return [Occasion(.connect, facts)]
        case "login-refused":
            var tried = facts
            tried[.authUser] = line["login"]
            var failed = Occasion(.helo, tried)
            failed.isFailure = true
            return [failed]
        case "mail":
            reversePath = line["reverse-path"].flatMap { try? ReversePath($0) }
            recipients = []
            hasNoMail = false
            return [Occasion(.mail, facts, reversePath)]
        case "rcpt":
            guard let mailbox = line["recipient"].flatMap({ try? Mailbox($0) }) else { return [] }
            var asked = Occasion(.rcpt, facts, reversePath)
            asked.recipients = [mailbox]
            isTaken = line.code < 400
            guard line.code >= 500 else { return [asked] }
            var failed = asked
            failed.isFailure = true
            return [asked, failed]
        case "message":
            var asked = Occasion(.message, facts, reversePath)
            asked.recipients = recipients
            // Messages were counted at MAIL, recipients at RCPT.
            asked.units = [.bytes]
            asked.bytes = line["size"]?.decimalValue.map { UInt64($0) }
            return [asked]
        default: return []
        }
    }

    /// True when the session or its mail was refused before.
    func isRefused(_ stage: Stage) -> Bool { isGone || hasNoMail && stage > .mail }

    /// Remembers that a limit refused.
    mutating func refuse(_ stage: Stage) {
        switch stage {
        case .connect, .helo: isGone = true
        case .mail, .data: hasNoMail = true
        case .rcpt, .message: break
        }
    }

    /// Remembers that no limit refused.
    mutating func pass(_ occasion: Occasion) {
        guard occasion.stage == .rcpt, isTaken, !occasion.isFailure else { return }
        recipients += occasion.recipients
    }
}
