// ManagerLog: what the manager logs, as events or in qmail-send's words.
// queue-manager(8), section Log; qmail-log(5).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// Whose words a message's life is logged in.
public enum LogFormat: Sendable {
    /// As everywhere else: `Log`.
    case events
    /// Those of qmail-send, which programs that analyze qmail's logs read.
    case qmail
}

/// The manager's log. What is no step of a message's life is an event in both formats.
final class ManagerLog {
    private let log: Log
    var format: LogFormat
    /// Where qmail's lines go.
    var write: ([UInt8]) -> Void = { line in
        _ = line.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
    }
    private var begun = 0
    /// The numbers of the deliveries that run.
    private var numbers: [Delivery: Int] = [:]

    private struct Delivery: Hashable {
        var message: QueueID
        var recipient: Int
    }

    init(_ log: Log, _ format: LogFormat) {
        self.log = log
        self.format = format
    }

    func event(_ name: String, _ pairs: KeyValuePairs<String, String?> = [:]) {
        log.event(name, pairs)
    }

    func queued(_ message: QueuedMessage) { log.queued(message, messageID: nil, isHeld: false) }

    /// A message is worked on for the first time.
    func new(_ message: ActiveMessage) {
        guard format == .qmail, !message.isAnnounced else { return }
        message.isAnnounced = true
        guard !message.hasState else { return }
        let stored = message.message
        let words = stored.submitter.split(separator: " ").map { Array($0.utf8).decimalValue }
        let process = words.first.flatMap(\.self) ?? Int(getpid())
        let user = words.dropFirst().first.flatMap(\.self) ?? Int(getuid())
        let number = stored.id.logNumber
        line("new msg \(number)")
        line(
            "info msg \(number): bytes \(stored.messageLength) from <",
            stored.envelope.reversePath.bytes,
            "> qp \(process) uid \(user)")
    }

    /// A delivery begins.
    func began(_ plan: PlannedDelivery, of message: ActiveMessage) {
        guard format == .qmail else { return }
        for recipient in plan.recipients {
            _ = begin(recipient, of: message, plan.destination.channel)
        }
    }

    private func begin(
        _ recipient: Int, of message: ActiveMessage, _ channel: DeliveryChannel
    ) -> Int {
        begun += 1
        numbers[Delivery(message: message.id, recipient: recipient)] = begun
        line(
            "starting delivery \(begun): msg \(message.id.logNumber) to \(channel.rawValue) ",
            message.message.envelope.recipients[recipient].bytes)
        return begun
    }

    /// What became of a recipient.
    func ended(
        _ recipient: Int, of message: ActiveMessage, _ result: DeliveryResult,
        _ channel: DeliveryChannel, due: Int?, age: UInt64
    ) {
        let delivery = Delivery(message: message.id, recipient: recipient)
        let known = numbers.removeValue(forKey: delivery)
        guard format == .qmail else {
            return log.event(
                result.outcome.rawValue,
                [
                    "message": "\(message.id)",
                    "to": "<\(message.message.envelope.recipients[recipient])>",
                    "channel": channel.rawValue, "host": result.host,
                    "reply": "\(result.reply)", "age": "\(age)ms", "due": due.map { "\($0)" },
                ])
        }
        // One that is given up without a try has no number yet.
        let number = known ?? begin(recipient, of: message, channel)
        numbers[delivery] = nil
        let word =
            switch result.outcome {
            case .delivered: "success"
            case .failed: "failure"
            case .deferred: "deferral"
            }
        line("delivery \(number): \(word): ", Array(ManagerLog.text(of: result).utf8))
    }

    /// As qmail-remote and qmail-local say it, each line with its end.
    private static func text(of result: DeliveryResult) -> String {
        guard let host = result.host else { return "\(result.reply)\n" }
        let verdict =
            switch result.outcome {
            case .delivered: "accepted message"
            case .failed: "does not like recipient"
            case .deferred: "does not accept the message now"
            }
        return "\(host) \(verdict).\nRemote host said: \(result.reply)\n"
    }

    /// How many deliveries run, after one began or ended.
    func status(_ running: [RunningDelivery], _ limits: Concurrency, isEnding: Bool) {
        guard format == .qmail else { return }
        let local = running.count { $0.plan.destination.channel == .local }
        let remote = running.count - local
        line(
            "status: local \(local)/\(limits.local) remote \(remote)/\(limits.remote)"
                + (isEnding ? " exitasap" : ""))
    }

    /// A failure was reported.
    func bounced(_ message: QueueID, _ report: QueueID, to recipient: Mailbox) {
        guard format == .qmail else {
            return event(
                "bounce",
                ["message": "\(message)", "report": "\(report)", "to": "<\(recipient)>"])
        }
        line("bounce msg \(message.logNumber) qp \(getpid())")
    }

    /// A failure is reported to nobody.
    func dropped(_ message: QueuedMessage, _ why: String) {
        let path = message.envelope.reversePath.withoutMark
        if format == .qmail, path.isNull || path.bytes == ReportPath.mark {
            let word = path.isNull ? "double" : "triple"
            return line("\(word) bounce: discarding bounce/\(message.id.logNumber)")
        }
        event("bounce-dropped", ["message": "\(message.id)", "why": why])
    }

    /// Nothing is left of a message.
    func finished(_ message: QueueID) {
        guard format == .qmail else { return event("finished", ["message": "\(message)"]) }
        line("end msg \(message.logNumber)")
    }

    /// The manager ends.
    func stopped(abandoned: Int) {
        guard format == .qmail else { return event("stopped", ["abandoned": "\(abandoned)"]) }
        line("status: exiting")
    }

    /// Writes a line whose middle is free text: a line end becomes `/`, and what is no printable
    /// ASCII, a blank or `%` becomes `_`.
    private func line(_ start: String, _ text: [UInt8] = [], _ end: String = "") {
        var bytes = Array(start.utf8)
        bytes += text.prefix(1000).map { byte in
            if byte == 0x0A { return 0x2F }
            return byte < 33 || byte > 126 || byte == 0x25 ? 0x5F : byte
        }
        bytes += end.utf8
        write(bytes + [0x0A])
    }
}

extension QueueID {
    /// The message's number in qmail's words, where a queue has the number of an inode: 63 bits
    /// of the id's FNV-1a hash, so that it is the same at each start.
    var logNumber: UInt64 {
        let hash = description.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { hash, byte in
            (hash ^ UInt64(byte)) &* 0x100_0000_01B3
        }
        return hash >> 1
    }
}
