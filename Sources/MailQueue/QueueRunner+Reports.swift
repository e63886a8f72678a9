// QueueRunner+Reports: telling the sender what became of a message.
// queue(5), section WHO WRITES WHAT WHEN.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension QueueRunner {
    /// When a message that stays is next due for a warning to its sender, in seconds since 1970;
    /// nil when it is not. Whatever its retries, it is taken up at that moment, and settled again
    /// when no recipient is due then.
    func nextWarning(of message: ActiveMessage) -> Int? { nil }

    /// Makes the report about what failed, once.
    /// - Returns: false when it could not be queued now.
    func report(_ message: ActiveMessage) throws(QueueError) -> Bool {
        let failed = message.progress.unreported
        let numbers = failed.map(\.recipient)
        guard let path = message.message.bouncePath else {
            log.event(
                "bounce-dropped",
                ["message": "\(message.id)", "why": "the reverse-path is null"])
            message.note(.bounced(numbers, dsn: nil))
            return true
        }
        // RFC 3461, section 4.1.
        let envelope = message.message.envelope
        let failures = failed.filter {
            envelope.options(ofRecipient: $0.recipient).notifiesFailure
        }
        guard !failures.isEmpty else {
            log.event(
                "bounce-dropped", ["message": "\(message.id)", "why": "NOTIFY does not ask for it"])
            message.note(.bounced(numbers, dsn: nil))
            return true
        }
        let id = DSN.id(for: message.id, number: message.progress.bounces)
        do throws(QueueError) {
            try queueReport(id, to: path, on: message, failures)
        } catch {
            guard case .system(let system) = error, system.errno == .fileExists else {
                log.event("bounce-failed", ["message": "\(message.id)", "error": "\(error)"])
                return false
            }
        }
        log.event("bounce", ["message": "\(message.id)", "report": "\(id)", "to": "<\(path)>"])
        message.note(.bounced(numbers, dsn: id))
        // Before the report can be delivered and be gone.
        try save(message)
        source.tell(id)
        return true
    }

    private func queueReport(
        _ id: QueueID, to path: Mailbox, on message: ActiveMessage,
        _ failures: [(recipient: Int, result: DeliveryResult)]
    ) throws(QueueError) {
        let stored = message.message
        // RFC 8689, section 5: what was to go by TLS only does not come back in the clear.
        let isWhole =
            stored.envelope.options.ret == .full && !stored.envelope.options.requireTLS
            && stored.messageLength <= DSN.messageLimit
        let header: [UInt8]
        do throws(SystemError) {
            header = try message.file.borrowed.bytes(
                at: stored.messageOffset,
                count: isWhole ? stored.messageLength : min(DSN.headerLimit, stored.messageLength),
                "\(message.id)")
        } catch {
            throw .system(error)
        }
        let report = DSN(
            message: stored, failures: failures, header: header, host: settings.host,
            from: settings.bounceFrom, isWhole: isWhole)
        let bytes = report.bytes(id: id, to: path, now: Int(clamping: now / 1_000_000))
        var submission = Submission(
            id: id, envelope: Envelope(reversePath: .null, recipients: [path]),
            messageLength: bytes.count)
        submission.reportOn = message.id
        // What is in UTF-8 in the message is so in its report.
        submission.envelope.options.smtputf8 = stored.envelope.options.smtputf8
        let accepted = try spool.accept(
            submission, bytes: bytes, submitter: "manager", now: now)
        log.queued(accepted, false)
    }
}

extension QueuedMessage {
    /// Where a report goes; nil for the null reverse-path and for `#@[]`, qmail's mark of a report
    /// that failed. The mark `-@[]` of a list's variable reverse-path is taken off.
    var bouncePath: Mailbox? {
        guard let bytes = envelope.reversePath.mailbox?.bytes else { return nil }
        if bytes.elementsEqual("#@[]".utf8) { return nil }
        let isVariable = bytes.suffix(4).elementsEqual("-@[]".utf8)
        return try? Mailbox(isVariable ? bytes.dropLast(4) : bytes[...])
    }
}
