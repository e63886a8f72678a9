// QueueRunner+Silence: destinations that do not answer, and the mail for them.
// queue-manager(8), section CONCURRENCY.
// SPDX-License-Identifier: MIT

import MailModel

/// Why a destination is left alone, and until when, in seconds since 1970.
typealias Silence = (until: Int, reason: String)

extension QueueRunner {
    static let silentText = "Not tried now: nobody at the destination could be reached when it was"
    static let stoppedText = "Not tried now: deliveries to the destination are stopped"

    /// Why nothing is delivered to a destination now; nil when it may be tried.
    func silence(of destination: Destination, _ seconds: Int) -> Silence? {
        if destination != .local, settings.concurrency.of(destination) == 0 {
            return (seconds, QueueRunner.stoppedText)
        }
        return queue.silence(of: destination, now: seconds)
    }

    /// Nobody at a destination could be reached. When it is left alone from now on, what waits for
    /// it is deferred without a try.
    func failed(_ destination: Destination, _ reply: DeliveryReply) {
        let seconds = Int(clamping: now / 1_000_000)
        let last = reply.results.first.map { " (\($0.reply))" } ?? ""
        guard queue.failed(destination, now: seconds, reason: QueueRunner.silentText + last),
            let silence = queue.health.silence(of: destination)
        else { return }
        log.event(
            "silent",
            [
                "destination": "\(destination)", "until": "\(silence.until)",
                "reply": reply.results.first.map { "\($0.reply)" },
            ])
        for plan in queue.removeWaiting(for: destination) {
            guard let message = active[plan.message] else { continue }
            leaveAlone(plan.recipients, of: message, destination, silence)
            close(message)
        }
    }

    /// Defers recipients without a try, as far as the schedule says and the silence lasts. This is
    /// written down only for those that were never tried, so that there is a reason to be seen:
    /// for the others it would say nothing new, again and again, for a million messages.
    func leaveAlone(
        _ recipients: [Int], of message: ActiveMessage, _ destination: Destination,
        _ silence: Silence
    ) {
        let result = DeliveryResult(Reply(451, EnhancedStatus(4, 4, 1), silence.reason))
        guard !message.isLastAttempt else {
            return note(result, for: recipients, of: message, destination)
        }
        let next = settings.schedule.next(
            arrival: message.arrival, now: Int(clamping: now / 1_000_000),
            channel: destination.channel)
        let due = max(next, silence.until)
        let isFirst = recipients.contains(where: message.progress.wasNeverTried)
        let record = StateRecord.result(recipients, result, time: now, due: due)
        if isFirst { message.note(record) } else { message.progress.apply(record) }
        log.event(
            "postponed",
            [
                "message": "\(message.id)", "destination": "\(destination)",
                "recipients": "\(recipients.count)", "due": "\(due)",
            ])
    }
}

extension MessageProgress {
    /// True when a recipient is to be tried for the first time.
    func wasNeverTried(_ recipient: Int) -> Bool {
        guard recipients.indices.contains(recipient) else { return false }
        if case .pending(_, tried: 0) = recipients[recipient] { return true }
        return false
    }
}
