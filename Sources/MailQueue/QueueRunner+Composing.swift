// QueueRunner+Composing: a report as a message in the queue.
// RFC 3461, section 6; RFC 8689, section 5.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension QueueRunner {
    /// Queues a report on recipients.
    /// - Returns: its id; nil when it could not be queued now.
    func queueReport(
        _ kind: ReportKind, on message: ActiveMessage, about recipients: [Int], to path: ReportPath
    ) -> QueueID? {
        let number = message.progress.reports(of: kind)
        let id = DSN.id(for: message.id, kind, number: number)
        do throws(QueueError) {
            let report = try compose(kind, on: message, about: recipients, to: path)
            try accept(report.bytes(id: id, now: Int(clamping: now / 1_000_000)), id, report)
        } catch {
            // One that is there already was made before a crash.
            guard case .system(let system) = error, system.errno == .fileExists else {
                log.event("bounce-failed", ["message": "\(message.id)", "error": "\(error)"])
                return nil
            }
        }
        guard kind != .failure else {
            log.bounced(message.id, id, to: path.recipient)
            return id
        }
        log.event(
            kind == .success ? "confirmation" : "warning",
            ["message": "\(message.id)", "report": "\(id)", "to": "<\(path.recipient)>"])
        return id
    }

    private func accept(
        _ bytes: [UInt8], _ id: QueueID, _ report: DSN
    ) throws(QueueError) {
        let options = report.message.envelope.options
        var submission = Submission(
            id: id,
            envelope: Envelope(
                reversePath: report.path.reversePath, recipients: [report.path.recipient]),
            messageLength: bytes.count)
        submission.reportOn = report.message.id
        // What is in UTF-8 in the message is so in its report.
        submission.envelope.options.smtputf8 = options.smtputf8
        // What was to go by TLS only does not come back in the clear.
        submission.envelope.options.requireTLS = options.requireTLS
        let accepted = try spool.accept(submission, bytes: bytes, submitter: "manager", now: now)
        log.queued(accepted)
    }

    private func compose(
        _ kind: ReportKind, on message: ActiveMessage, about recipients: [Int], to path: ReportPath
    ) throws(QueueError) -> DSN {
        let stored = message.message
        var report = DSN(kind, on: stored, to: path, by: settings.host, settings.reports)
        report.entries = recipients.map { number in
            let attempt = message.progress.attempts[number]
            // RFC 3464, section 2.3.7: no date where there was no attempt.
            let isTry = attempt.map { !$0.result.isWithoutTry } ?? false
            return DSN.Entry(
                recipient: number, result: attempt?.result,
                lastAttempt: isTry ? attempt.map { Int(clamping: $0.time / 1_000_000) } : nil)
        }
        if kind == .delay {
            report.lastRetry = message.arrival &+ settings.schedule.lifetime
        }
        let length = report.isWhole ? DSN.messageLimit : DSN.headerLimit
        do throws(SystemError) {
            report.content = try message.file.borrowed.bytes(
                at: stored.messageOffset, count: min(length, stored.messageLength),
                "\(message.id)")
        } catch {
            throw .system(error)
        }
        return report
    }
}
