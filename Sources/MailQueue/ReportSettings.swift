// ReportSettings: what the control files say of reports.
// queue-manager(8); qmail-send(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// From whom reports come, in which words, where they go that nobody else may get, and when
/// senders are told of a delay.
public struct ReportSettings: Sendable {
    /// Whose words a failure is reported in.
    public enum Format: Sendable {
        /// A delivery status notification. RFC 3464.
        case dsn
        /// The qmail-send bounce message format, which readers of qmail's bounces know.
        case qmail
    }

    /// The From address.
    public var from: [UInt8]
    /// The name in qmail's words.
    public var host: [UInt8]
    /// Where a failure goes of what has the null reverse-path; nil: nowhere.
    public var doubles: Mailbox?
    /// How a failure is reported.
    public var format = Format.dsn
    /// The age in seconds at which the sender is told that a message is not delivered yet; nil:
    /// never.
    public var warningAge: Int?

    /// Reads `bouncefrom`, `bouncehost`, `doublebounceto`, `doublebouncehost`, `bounceformat` and
    /// `queuewarn`.
    /// - Throws: `ControlError`, also for a format that does not exist and an address that is none.
    public init(_ control: ControlFolder) throws(ControlError) {
        host = try control.lineOrMe("bouncehost")
        from = (try control.line("bouncefrom") ?? Array("MAILER-DAEMON".utf8)) + [0x40] + host
        doubles = try ReportSettings.doubles(control)
        switch try control.line("bounceformat")?.printable {
        case nil, "", "dsn": format = .dsn
        case "qmail": format = .qmail
        case .some(let word):
            throw control.invalid("bounceformat", 1, "\(word): it is dsn or qmail")
        }
        let hours = try control.integer("queuewarn") ?? 4
        warningAge = hours > 0 ? min(hours, 1_000_000) * 3600 : nil
    }

    /// A blank first line of `doublebounceto` discards what would go there.
    private static func doubles(_ control: ControlFolder) throws(ControlError) -> Mailbox? {
        let name = try control.line("doublebounceto") ?? Array("postmaster".utf8)
        guard !name.isEmpty else { return nil }
        let isWhole = name.contains(0x40)
        let host = isWhole ? [] : [0x40] + (try control.lineOrMe("doublebouncehost"))
        guard let mailbox = try? Mailbox(name + host) else {
            throw control.invalid("doublebounceto", 1, "not an address")
        }
        return mailbox
    }
}

/// Where a report goes, and with which reverse-path.
struct ReportPath: Hashable {
    var recipient: Mailbox
    var reversePath: ReversePath

    /// qmail's mark of a report on a report: what has it and fails is reported to nobody.
    static let mark = Array("#@[]".utf8)
}

extension QueuedMessage {
    /// Where a report goes that the sender asked for; nil for the null reverse-path and for
    /// `#@[]`. The mark `-@[]` of a list's variable reverse-path is taken off.
    var senderPath: ReportPath? {
        guard let mailbox = envelope.reversePath.withoutMark.mailbox,
            mailbox.bytes != ReportPath.mark
        else { return nil }
        return ReportPath(recipient: mailbox, reversePath: .null)
    }

    /// Where the report on a failure goes: to the sender; of what has the null reverse-path to
    /// `doubles`, where there is one; nil otherwise.
    func failurePath(_ doubles: Mailbox?) -> ReportPath? {
        if let path = senderPath { return path }
        guard let doubles, envelope.reversePath.withoutMark.isNull,
            let mark = try? ReversePath(ReportPath.mark)
        else { return nil }
        return ReportPath(recipient: doubles, reversePath: mark)
    }
}
