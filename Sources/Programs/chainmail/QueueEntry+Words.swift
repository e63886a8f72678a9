// QueueEntry+Words: a message of the queue for people and for programs.
// chainmail(1).
// SPDX-License-Identifier: MIT

import MailModel
import MailQueue

extension QueueEntry {
    /// The message on one line, then each recipient that is left.
    var lines: String {
        let first =
            "\(message.id) \(placeWords) \(message.messageLength) bytes, \(arrival), "
            + "from \(message.envelope.reversePath)\n"
        return first
            + recipients.filter { !$0.isDone }.map { "    \($0.mailbox) \($0.state)\n" }.joined()
    }

    /// The message in full.
    var description: String {
        var rows = [
            ("message", "\(message.id)"), ("place", placeWords), ("arrived", "\(arrival)"),
            ("size", "\(message.messageLength) bytes"),
            ("submitter", Array(message.submitter.utf8).printable),
            ("from", "\(message.envelope.reversePath)"),
        ]
        rows += message.facts.all.map { ($0.name.rawValue, $0.value.printable) }
        if let reported = message.reportOn { rows.append(("report on", "\(reported)")) }
        rows += recipients.map { ("to", "\($0.mailbox) \($0.state)") }
        return rows.map { name, value in
            name + String(repeating: " ", count: max(1, 14 - name.utf8.count)) + value + "\n"
        }.joined()
    }

    /// One JSON object and a line end.
    var json: String {
        var members = [
            ("id", JSONText.quoted("\(message.id)")), ("place", JSONText.quoted(place.word)),
            ("arrival", "\(message.arrival / 1_000_000)"), ("size", "\(message.messageLength)"),
            ("sender", JSONText.quoted(message.envelope.reversePath.bytes)),
        ]
        if let reported = message.reportOn {
            members.append(("report-on", JSONText.quoted("\(reported)")))
        }
        let recipients = message.envelope.recipients.indices.map(recipientJSON)
        members.append(("recipients", JSONText.list(recipients)))
        return JSONText.object(members) + "\n"
    }

    private func recipientJSON(_ number: Int) -> String {
        var members = [("address", JSONText.quoted(message.envelope.recipients[number].bytes))]
        let state = progress.recipients[number]
        let word =
            switch state {
            case .pending: "pending"
            case .delivered, .unconfirmed: "delivered"
            case .failed: "failed"
            case .bounced: "bounced"
            }
        members.append(("state", JSONText.quoted(word)))
        if case .pending(let due, let tried) = state, tried > 0 {
            members.append(("due", "\(due)"))
        }
        if let attempt = progress.attempts[number] {
            members.append(("tried", "\(attempt.time / 1_000_000)"))
            members.append(("reply", JSONText.quoted("\(attempt.result.reply)")))
            if let host = attempt.result.host { members.append(("host", JSONText.quoted(host))) }
        }
        return JSONText.object(members)
    }

    private var arrival: MailDate { MailDate(seconds: Int(clamping: message.arrival / 1_000_000)) }

    private var placeWords: String {
        guard case .deferred(let bucket) = place else { return place.word }
        return "deferred until \(MailDate(seconds: bucket.moment))"
    }

    private var recipients: [(mailbox: Mailbox, state: String, isDone: Bool)] {
        message.envelope.recipients.enumerated().map { number, mailbox in
            switch progress.recipients[number] {
            case .pending(_, tried: 0): (mailbox, "not tried yet", false)
            case .pending(let due, _): (mailbox, waiting(number, due), false)
            case .delivered: (mailbox, "delivered", true)
            case .unconfirmed: (mailbox, "delivered, to be reported", true)
            case .failed(let result): (mailbox, "failed: \(result.reply)", false)
            case .bounced: (mailbox, "failed and reported", true)
            }
        }
    }

    private func waiting(_ number: Int, _ due: Int) -> String {
        let moment = due == 0 ? "due now" : "due \(MailDate(seconds: due))"
        guard let result = progress.attempts[number]?.result else { return moment }
        let host = result.host.map { " (\($0))" } ?? ""
        return "\(moment): \(result.reply)\(host)"
    }
}
