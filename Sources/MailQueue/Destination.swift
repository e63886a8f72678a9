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
            let limit = destination == .local ? 20 : 100
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
    private let locals: ControlMap
    private let virtual: ControlMap
    private let mailboxDomains: Set<[UInt8]>
    private let domainOfNone: [UInt8]

    /// Reads `locals`, `virtualdomains`, `mailboxes` (or its cdb) and `envnoathost`.
    /// - Throws: `ControlError` when one that is there cannot be read, or `me` is missing.
    public init(_ control: ControlFolder) throws(ControlError) {
        let me = try control.me()
        locals = try control.keys("locals") ?? ControlMap(keys: [me])
        virtual = try control.map("virtualdomains") ?? ControlMap(keys: [])
        mailboxDomains = try control.mailboxDomains()
        domainOfNone = try control.lineOrMe("envnoathost")
    }

    /// Where a recipient's mail goes. An address without a domain is in that of `envnoathost`.
    public func destination(of mailbox: Mailbox) -> Destination {
        let domain = (mailbox.domain.map(Array.init) ?? domainOfNone).asciiLowercased
        if locals.contains(domain) || mailboxDomains.contains(domain) { return .local }
        if let value = virtual[mailbox.folded] { return value.isEmpty ? .remote(domain) : .local }
        if let value = virtual.value(forDomain: domain), !value.isEmpty { return .local }
        return .remote(domain)
    }
}
