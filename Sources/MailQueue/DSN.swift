// DSN: the report to a sender about recipients of a message.
// RFC 3464; RFC 6522 (multipart/report); RFC 3461, section 6; RFC 6533.
// SPDX-License-Identifier: MIT

import MailModel

/// What a report tells. Each kind has its own count in a message's state.
public enum ReportKind: String, CaseIterable, Sendable {
    /// Recipients will never get the message.
    case failure = "report"
    /// Recipients have it, or another host took it that sends no reports.
    case success
    /// Recipients do not have it yet.
    case delay
}

/// A delivery status notification, as a whole message.
struct DSN {
    /// How much of the message's header a report returns at most.
    static let headerLimit = 65_536
    /// The longest message that a report returns as a whole.
    static let messageLimit = 262_144

    /// A recipient, by number, and the end of the last attempt at it; nil when there was none.
    struct Entry {
        var recipient: Int
        var result: DeliveryResult?
        /// Seconds since 1970.
        var lastAttempt: Int?
    }

    let kind: ReportKind
    /// The message that is reported on.
    var message: QueuedMessage
    /// Where the report goes.
    let path: ReportPath
    /// Our own name.
    let host: [UInt8]
    let settings: ReportSettings
    var entries: [Entry] = []
    /// The header of the message or its beginning, or all of it when `isWhole`; LF as line end.
    var content: [UInt8] = []
    /// When a message that is delayed is tried last, in seconds since 1970.
    var lastRetry: Int?

    init(
        _ kind: ReportKind, on message: QueuedMessage, to path: ReportPath, by host: [UInt8],
        _ settings: ReportSettings
    ) {
        self.kind = kind
        self.message = message
        self.path = path
        self.host = host
        self.settings = settings
    }

    /// True when the report is on what nobody can be told of: the null reverse-path.
    var isDouble: Bool { !path.reversePath.isNull }

    /// True for the words of qmail-send; it has some for failures only.
    private var isInQmailFormat: Bool { kind == .failure && settings.format == .qmail }

    /// True when the report returns the whole message: a failure where the sender wants that or
    /// nobody said, and not what was to go by TLS only. RFC 3461, section 4.3.
    var isWhole: Bool {
        guard kind == .failure, !message.envelope.options.requireTLS else { return false }
        if isInQmailFormat { return true }
        return (isDouble || message.envelope.options.ret == .full)
            && message.messageLength <= DSN.messageLimit
    }

    /// The report's id: the same whenever it is made anew, since it follows from the message's id
    /// and from how many reports of its kind were made before.
    static func id(for message: QueueID, _ kind: ReportKind, number: Int) -> QueueID {
        // FNV-1a, so that equal ids in are equal ids out on every host and in every version.
        let bytes = Array("\(message) \(kind.rawValue) \(number)".utf8)
        let hash = bytes.reduce(UInt64(0xCBF2_9CE4_8422_2325)) {
            ($0 ^ UInt64($1)) &* 0x100_0000_01B3
        }
        return SessionID(microseconds: message.microseconds, random: hash).message(1)
    }

    /// The report as a message; `id` is its own, `now` is in seconds since 1970.
    func bytes(id: QueueID, now: Int) -> [UInt8] {
        isInQmailFormat ? qmailBytes(id: id, now: now) : reportBytes(id: id, now: now)
    }

    private func reportBytes(id: QueueID, now: Int) -> [UInt8] {
        let boundary = "=_\(id)"
        var text = DSNText()
        text.line("From: Mail Delivery System <", settings.from, ">")
        text.line("To: <", path.recipient.quoted, ">")
        text.line("Subject: \(subject)")
        text.line("Date: \(MailDate(seconds: now))")
        text.line("Message-ID: <\(id)@", host, ">")
        text.line("Auto-Submitted: auto-replied")
        text.line("MIME-Version: 1.0")
        text.line("Content-Type: multipart/report; report-type=delivery-status;")
        text.line("\tboundary=\"\(boundary)\"")
        text.line()
        text.line("--\(boundary)")
        explain(in: &text)
        text.line("--\(boundary)")
        status(in: &text)
        text.line("--\(boundary)")
        giveBack(in: &text)
        text.line("--\(boundary)--")
        return text.bytes
    }

    private func status(in text: inout DSNText) {
        text.line("Content-Type: message/delivery-status")
        text.line()
        if let envid = message.envelope.options.envid {
            text.line("Original-Envelope-Id: ", envid.decoded)
        }
        text.line("Reporting-MTA: dns; ", host)
        text.line("X-Queue-ID: \(message.id)")
        text.line("Arrival-Date: \(MailDate(seconds: Int(clamping: message.arrival / 1_000_000)))")
        for entry in entries {
            text.line()
            status(of: entry, in: &text)
        }
        text.line()
    }

    private func status(of entry: Entry, in text: inout DSNText) {
        if let original = message.envelope.options(ofRecipient: entry.recipient).orcpt {
            text.line("Original-Recipient: ", DSN.field(of: original))
        }
        text.line("Final-Recipient: ", DSN.field(of: address(entry.recipient)))
        text.line("Action: \(action(of: entry))")
        text.line("Status: \(entry.result?.reply.status ?? EnhancedStatus(4, 0, 0))")
        if let result = entry.result {
            if let host = result.host { text.line("Remote-MTA: dns; \(host)") }
            let kind = result.host == nil ? "X-Chainmail" : "smtp"
            text.line("Diagnostic-Code: \(kind); \(result.reply)")
        }
        if let moment = entry.lastAttempt {
            text.line("Last-Attempt-Date: \(MailDate(seconds: moment))")
        }
        if let lastRetry { text.line("Will-Retry-Until: \(MailDate(seconds: lastRetry))") }
    }

    func address(_ recipient: Int) -> [UInt8] {
        let recipients = message.envelope.recipients
        return recipients.indices.contains(recipient) ? recipients[recipient].bytes : []
    }
}

/// Lines that are put together. Control characters of what came from outside become `?`.
struct DSNText {
    private(set) var bytes: [UInt8] = []

    mutating func line(_ start: String = "", _ value: [UInt8] = [], _ end: String = "") {
        bytes += start.utf8
        bytes += value.map { $0.isControl ? 0x3F : $0 }
        bytes += end.utf8
        bytes.append(0x0A)
    }

    mutating func raw(_ value: [UInt8]) { bytes += value }
}
