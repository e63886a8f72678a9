// MessageProgress: what became of each recipient of a message so far.
// queue(5), section THE STATE FILE.
// SPDX-License-Identifier: MIT

import MailModel

/// The state machine of a message's recipients. It has no clock and no files: records go in,
/// questions come out.
public struct MessageProgress: Hashable, Sendable {
    /// One recipient.
    public enum Recipient: Hashable, Sendable {
        /// To be tried at `due` (seconds since 1970; 0: at once), last tried at `tried`
        /// (microseconds; 0: never).
        case pending(due: Int, tried: UInt64)
        /// Done.
        case delivered
        /// Done, and the sender is to be told.
        case unconfirmed(DeliveryResult)
        /// Never to be tried again, and to be reported.
        case failed(DeliveryResult)
        /// Failed and reported.
        case bounced
    }

    /// An attempt and its end.
    public struct Attempt: Hashable, Sendable {
        /// The words.
        public var result: DeliveryResult
        /// When, in microseconds since 1970.
        public var time: UInt64
    }

    /// Each recipient, in the order of the envelope.
    public private(set) var recipients: [Recipient]
    /// The last attempt at each recipient that there was one at.
    public private(set) var attempts: [Int: Attempt] = [:]
    /// How many reports of each kind were made; the next report's id counts from here.
    private var reports: [ReportKind: Int] = [:]
    /// Keys of instructions that were carried out for recipients that are pending, by number.
    public private(set) var done: [Int: [[UInt8]]] = [:]

    /// A message that was never tried.
    public init(recipients count: Int) {
        recipients = Array(repeating: .pending(due: 0, tried: 0), count: count)
    }

    /// What the records of a state file amount to.
    public init(recipients count: Int, _ records: [StateRecord]) {
        self.init(recipients: count)
        for record in records { apply(record) }
    }

    /// Takes note of what happened. Numbers of recipients that do not exist are passed over, and
    /// so is whatever comes after a recipient's end.
    public mutating func apply(_ record: StateRecord) {
        switch record {
        case .result(let numbers, let result, let time, let due):
            for number in numbers where recipients.indices.contains(number) {
                guard case .pending = recipients[number] else { continue }
                if attempts[number] == nil || !result.isWithoutTry {
                    attempts[number] = Attempt(result: result, time: time)
                }
                switch result.outcome {
                case .delivered:
                    recipients[number] = result.notice == nil ? .delivered : .unconfirmed(result)
                case .failed: recipients[number] = .failed(result)
                case .deferred: recipients[number] = .pending(due: due ?? 0, tried: time)
                }
                if result.outcome != .deferred { done[number] = nil }
            }
        case .bounced(let numbers, _):
            reports[.failure, default: 0] += 1
            for number in numbers where recipients.indices.contains(number) {
                guard case .failed = recipients[number] else { continue }
                recipients[number] = .bounced
            }
        case .done(let number, let keys):
            guard recipients.indices.contains(number), case .pending = recipients[number] else {
                return
            }
            for key in keys where !(done[number] ?? []).contains(key) {
                done[number, default: []].append(key)
            }
        case .confirmed(let numbers, _):
            reports[.success, default: 0] += 1
            for number in numbers where recipients.indices.contains(number) {
                guard case .unconfirmed = recipients[number] else { continue }
                recipients[number] = .delivered
            }
        case .warned: reports[.delay, default: 0] += 1
        }
    }

    /// How many reports of a kind were made.
    public func reports(of kind: ReportKind) -> Int { reports[kind, default: 0] }

    /// True when a report must be made before anything else happens to the message: which
    /// recipients it is about follows from the records so far.
    public var owesReport: Bool { !unreported.isEmpty || !unconfirmed.isEmpty }

    /// The recipients that are delivered and not confirmed yet, with the words.
    public var unconfirmed: [(recipient: Int, result: DeliveryResult)] {
        recipients.enumerated().compactMap { index, recipient in
            if case .unconfirmed(let result) = recipient { (index, result) } else { nil }
        }
    }

    /// The recipients that are neither delivered nor failed.
    public var pending: [Int] {
        recipients.indices.filter { index in
            if case .pending = recipients[index] { true } else { false }
        }
    }

    /// True when nothing is left to do: every recipient is delivered or bounced.
    public var isFinished: Bool {
        recipients.allSatisfy { $0 == .delivered || $0 == .bounced }
    }

    /// The recipients that failed and are not reported yet, with the reason.
    public var unreported: [(recipient: Int, result: DeliveryResult)] {
        recipients.enumerated().compactMap { index, recipient in
            if case .failed(let result) = recipient { (index, result) } else { nil }
        }
    }

    /// The recipients to try at `now` (seconds): those whose moment has come, and those last
    /// tried before `flush` (microseconds), when everything was made due.
    public func due(now: Int, flush: UInt64 = 0) -> [Int] {
        recipients.enumerated().compactMap { index, recipient in
            guard case .pending(let due, let tried) = recipient, due <= now || tried < flush
            else { return nil }
            return index
        }
    }

    /// The earliest moment at which something is due; nil when nothing is pending.
    public var nextDue: Int? {
        recipients.compactMap { recipient in
            if case .pending(let due, _) = recipient { due } else { nil }
        }.min()
    }
}

extension DeliveryResult {
    /// What the words of a deferral begin with that no agent was asked for.
    static let notTried = "Not tried now: "

    /// True when no agent was asked.
    var isWithoutTry: Bool { outcome == .deferred && reply.text.hasPrefix(DeliveryResult.notTried) }
}
