// QueueRunner+Reports: telling the sender what became of a message.
// queue(5), section Reports; RFC 3461, sections 4.1 and 5.2.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension ActiveMessage {
    /// A result as it is kept: with a notice only where the sender is to be told of a success from
    /// here. RFC 3461, section 5.2.
    func withDueNotice(
        _ result: DeliveryResult, of recipient: Int, _ destination: Destination
    ) -> DeliveryResult {
        var kept = result
        kept.notice = nil
        let notify = message.envelope.options(ofRecipient: recipient).notify
        guard result.outcome == .delivered, notify?.contains(.success) == true,
            message.senderPath != nil, result.notice != .passed
        else { return kept }
        kept.notice = result.notice ?? (destination == .local ? .delivered : .relayed)
        return kept
    }
}

extension QueueRunner {
    /// Makes every report that is due about a message, each once.
    /// - Returns: false when one that must be made could not be queued now.
    func report(_ message: ActiveMessage) throws(QueueError) -> Bool {
        var isDone = true
        if message.progress.owesReport {
            // The results must be safe first: whether a report is due follows from them.
            try save(message)
            isDone = try reportFailures(message)
            isDone = try reportSuccesses(message) && isDone
        }
        if let moment = warningMoment(message), moment <= Int(clamping: now / 1_000_000) {
            try warn(message)
        }
        return isDone
    }

    private func reportFailures(_ message: ActiveMessage) throws(QueueError) -> Bool {
        let failed = message.progress.unreported.map(\.recipient)
        guard !failed.isEmpty else { return true }
        // RFC 3461, section 4.1.
        let envelope = message.message.envelope
        let wanted = failed.filter { envelope.options(ofRecipient: $0).notifiesFailure }
        let why: String
        if wanted.isEmpty {
            why = "NOTIFY does not ask for it"
        } else if let path = message.message.failurePath(settings.reports.doubles) {
            guard let id = queueReport(.failure, on: message, about: wanted, to: path) else {
                return false
            }
            try conclude(.bounced(failed, dsn: id), id, message)
            return true
        } else {
            why =
                message.message.envelope.reversePath.isNull
                ? "the reverse-path is null" : "a report on a report failed"
        }
        log.dropped(message.message, why)
        message.note(.bounced(failed, dsn: nil))
        return true
    }

    private func reportSuccesses(_ message: ActiveMessage) throws(QueueError) -> Bool {
        let numbers = message.progress.unconfirmed.map(\.recipient)
        guard !numbers.isEmpty, let path = message.message.senderPath else { return true }
        guard let id = queueReport(.success, on: message, about: numbers, to: path) else {
            return false
        }
        try conclude(.confirmed(numbers, dsn: id), id, message)
        return true
    }

    /// When a message that stays is next due for a warning to its sender, in seconds since 1970;
    /// nil when it is not. Whatever its retries, it is taken up at that moment, and settled again
    /// when no recipient is due then. One that is late could not be queued, and is for the next try.
    func nextWarning(of message: ActiveMessage) -> Int? {
        warningMoment(message).flatMap { $0 > Int(clamping: now / 1_000_000) ? $0 : nil }
    }

    /// When the sender is to be told that a message takes long, in seconds since 1970; nil: never,
    /// or that was done. A message is so once, since all its recipients have its age.
    private func warningMoment(_ message: ActiveMessage) -> Int? {
        guard let age = settings.reports.warningAge, message.progress.reports(of: .delay) == 0,
            message.message.senderPath != nil, !delayed(message).isEmpty
        else { return nil }
        return message.arrival &+ age
    }

    /// The recipients that are not done and whose sender wants to hear of it.
    private func delayed(_ message: ActiveMessage) -> [Int] {
        message.progress.pending.filter { number in
            message.message.envelope.options(ofRecipient: number).notify?.contains(.delay) ?? true
        }
    }

    /// A warning that cannot be queued now is for the next time.
    private func warn(_ message: ActiveMessage) throws(QueueError) {
        guard let path = message.message.senderPath,
            let id = queueReport(.delay, on: message, about: delayed(message), to: path)
        else { return }
        try conclude(.warned(dsn: id), id, message)
    }

    /// The report is in the queue: this is written down before it can be delivered and be gone.
    private func conclude(
        _ record: StateRecord, _ id: QueueID, _ message: ActiveMessage
    ) throws(QueueError) {
        message.note(record)
        try save(message)
        source.tell(id)
    }

    /// Before a report is delivered, the reported message's state must say that it was made:
    /// else a crash in between would make it again when it is gone from here.
    func recordReport(by report: ActiveMessage) throws(QueueError) {
        guard let id = report.message.reportOn else { return }
        if let original = active[id] { return try save(original) }
        let state: OpenedState
        do throws(QueueError) {
            state = try spool.state(of: id)
        } catch {
            // The other message is damaged, not this one.
            guard case .damaged = error else { throw error }
            return
        }
        let highest = state.records.flatMap(\.recipients).max() ?? 0
        let progress = MessageProgress(recipients: highest + 1, state.records)
        // Its id says which one it is, and that none of its kind was recorded since.
        let kind = ReportKind.allCases.first { kind in
            DSN.id(for: id, kind, number: progress.reports(of: kind)) == report.id
        }
        let record: StateRecord
        switch kind {
        case .failure? where !progress.unreported.isEmpty:
            record = .bounced(progress.unreported.map(\.recipient), dsn: report.id)
        case .success? where !progress.unconfirmed.isEmpty:
            record = .confirmed(progress.unconfirmed.map(\.recipient), dsn: report.id)
        case .delay? where try spool.place(of: id) != nil: record = .warned(dsn: report.id)
        default: return
        }
        do throws(SystemError) {
            _ = try spool.append([record], to: id, at: state.length, isSynced: true)
        } catch {
            throw .system(error)
        }
    }
}

extension StateRecord {
    /// The numbers of the recipients that it is about.
    var recipients: [Int] {
        switch self {
        case .result(let recipients, _, _, _), .bounced(let recipients, _),
            .confirmed(let recipients, _):
            recipients
        case .done(let recipient, _): [recipient]
        case .warned: []
        }
    }
}
