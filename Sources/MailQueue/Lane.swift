// Lane: what a delivery is worth, and how much of a limit it may use.
// queue-manager(8), section PRECEDENCE.
// SPDX-License-Identifier: MIT

import MailModel

/// What kind of delivery it is, as far as the message says.
enum Precedence: Int, CaseIterable, Hashable, Sendable {
    /// A report: the reverse-path is null, and it is not large.
    case report
    /// Small mail for a mailbox of ours.
    case small
    case ordinary
    /// Large, or for many: a mailing list's.
    case large
    /// Tried before.
    case retried

    /// Up to so many bytes a report is one.
    static let reportLimit = 256 << 10
    /// Up to so many bytes local mail is small.
    static let smallLimit = 64 << 10
    /// Over so many bytes mail is large.
    static let largeLimit = 1 << 20
    /// With more recipients mail is for many.
    static let fewRecipients = 50
}

extension QueuedMessage {
    /// The precedence of its first attempt at a destination.
    func precedence(to destination: Destination) -> Precedence {
        let count = envelope.recipients.count
        if count > Precedence.fewRecipients || messageLength > Precedence.largeLimit {
            return .large
        }
        if isReport, messageLength <= Precedence.reportLimit { return .report }
        let isSmall = destination == .local && messageLength <= Precedence.smallLimit
        return isSmall ? .small : .ordinary
    }

    /// True for the null reverse-path, and for qmail's mark of a report that failed.
    private var isReport: Bool {
        guard let mailbox = envelope.reversePath.mailbox else { return true }
        return mailbox.bytes.elementsEqual("#@[]".utf8)
    }
}

/// Deliveries that are worth the same, the best first. A lane and those below it together use no
/// more than their share of a limit, so that what is better finds room at any moment.
enum Lane: Int, CaseIterable, Hashable, Sendable {
    /// Reports.
    case report
    /// Small mail for mailboxes of ours.
    case small
    /// Mail for a destination that answered.
    case ordinary
    /// Mail for a destination of which nothing is known yet, and later attempts where one answers.
    case other
    /// Large mail, and mail for many.
    case bulk
    /// Later attempts at a destination that did not answer since.
    case doubtful

    /// The lane of a delivery to a destination of this standing.
    init(_ precedence: Precedence, _ standing: DestinationHealth.Standing) {
        switch (standing, precedence) {
        case (.failing, _), (.unknown, .retried): self = .doubtful
        case (_, .large): self = .bulk
        case (.answering, .report): self = .report
        case (.answering, .small): self = .small
        case (.answering, .ordinary): self = .ordinary
        case (.unknown, .report): self = .ordinary
        case (.answering, .retried), (.unknown, .small), (.unknown, .ordinary): self = .other
        }
    }

    /// How much of a limit this lane and those below it use at most. With a limit under 4 there is
    /// nothing to keep free but for what is doubtful.
    func share(of limit: Int) -> Int {
        guard limit > 1 else { return limit }
        if limit < 4 { return self == .doubtful ? 1 : limit }
        let tenths = [10, 10, 9, 8, 7, 5][rawValue]
        return limit * tenths / 10
    }

    /// The same of the limit of one destination: the lower ones leave a fifth, at least one.
    func share(ofDestination limit: Int) -> Int {
        guard limit >= 4, self == .bulk || self == .doubtful else { return limit }
        return limit - max(1, limit / 5)
    }
}

/// A number for each lane.
struct LaneCounts: Hashable, Sendable {
    private var counts = Array(repeating: 0, count: Lane.allCases.count)

    subscript(lane: Lane) -> Int {
        get { counts[lane.rawValue] }
        set { counts[lane.rawValue] = newValue }
    }

    /// Of all lanes.
    var total: Int { counts.reduce(0, +) }

    /// True when one more in this lane keeps within the shares of all above it.
    func hasRoom(in lane: Lane, limit: Int) -> Bool {
        var used = counts[(lane.rawValue + 1)...].reduce(0, +)
        for better in Lane.allCases.reversed() where better.rawValue <= lane.rawValue {
            used += self[better]
            guard used < better.share(of: limit) else { return false }
        }
        return true
    }
}
