// Destination: where recipients' mail goes next, and how a message is split by it.
// queue-manager(8).
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// An agent, and for the remote one the domain.
public enum Destination: Hashable, Sendable, CustomStringConvertible {
    /// A mailbox of ours.
    case local
    /// The hosts of a domain, ASCII letters folded.
    case remote([UInt8])

    /// The agent.
    public var channel: DeliveryChannel { self == .local ? .local : .remote }

    /// The domain; nil when local.
    public var domain: [UInt8]? {
        if case .remote(let domain) = self { domain } else { nil }
    }

    /// `local`, or the domain for a log line.
    public var description: String { domain?.printable ?? "local" }

    /// Splits recipients by destination, each in parts that one delivery can take: 20 when local,
    /// since they are delivered one after the other, 100 when remote (RFC 5321, section 4.5.3.1.8),
    /// and never more than 32 KiB of addresses.
    public static func split(
        _ numbers: [Int], of envelope: Envelope, by routing: Routing
    ) -> [(destination: Destination, recipients: [Int])] {
        var parts: [(destination: Destination, recipients: [Int])] = []
        var open: [Destination: (part: Int, bytes: Int)] = [:]
        for number in numbers {
            let mailbox = envelope.recipients[number]
            let destination = routing.destination(of: mailbox)
            // Each recipient of a variable reverse-path has its own.
            let limit =
                envelope.reversePath.isVariable ? 1 : destination == .local ? 20 : 100
            if let (part, bytes) = open[destination], parts[part].recipients.count < limit,
                bytes + mailbox.bytes.count <= 32_768
            {
                parts[part].recipients.append(number)
                open[destination] = (part, bytes + mailbox.bytes.count)
            } else {
                open[destination] = (parts.count, mailbox.bytes.count)
                parts.append((destination, [number]))
            }
        }
        return parts
    }
}

/// Which recipients are ours. Unlike the question whom we accept mail for, hosts in `rcpthosts`
/// alone are not: their mail is passed on.
public struct Routing: Sendable {
    private let qmail: QmailRouting
    private let mailboxDomains: Set<[UInt8]>

    /// Reads `mailboxes` (or its cdb) and the files of `QmailRouting`.
    /// - Throws: `ControlError` when one that is there cannot be read, or `me` is missing.
    public init(_ control: ControlFolder) throws(ControlError) {
        qmail = try QmailRouting(control)
        mailboxDomains = try control.mailboxDomains()
    }

    /// The address that is meant: `QmailRouting.rewritten`.
    public func rewritten(_ mailbox: Mailbox) -> Mailbox { qmail.rewritten(mailbox) }

    /// Where a recipient's mail goes, after it was rewritten.
    public func destination(of mailbox: Mailbox) -> Destination {
        let mailbox = qmail.rewritten(mailbox)
        let domain = mailbox.domain?.asciiLowercased ?? []
        if mailboxDomains.contains(domain) { return .local }
        return qmail.route(mailbox) == .remote ? .remote(domain) : .local
    }
}
