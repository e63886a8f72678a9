// LimitKey: what a limit counts by.
// throttle-limits(5), section KEYS.
// SPDX-License-Identifier: MIT

import MailModel

/// One thing that a request is counted under, or several together: `client/24`, `sender+recipient`.
struct LimitKey: Hashable, Sendable {
    /// One part of a key.
    enum Part: Hashable, Sendable {
        case client
        case network(Int)
        case user
        case sender
        case senderDomain
        case recipient
        case recipientDomain
        case helo
        case all
    }

    let parts: [Part]

    /// The names of keys, for hints; `client/N` is one more.
    static var allNames: [String] { names.keys.sorted() + ["client/24", "client/64"] }

    private static let names: [String: Part] = [
        "client": .client, "user": .user, "sender": .sender, "sender-domain": .senderDomain,
        "recipient": .recipient, "recipient-domain": .recipientDomain, "helo": .helo, "all": .all,
    ]

    /// Reads names joined by `+`; nil for anything else.
    init?(_ text: String) {
        var parts: [Part] = []
        for name in text.split(separator: "+", omittingEmptySubsequences: false) {
            if let part = LimitKey.names[String(name)] {
                parts.append(part)
            } else if name.hasPrefix("client/"), let length = name.utf8.dropFirst(7).decimalValue,
                (1...128).contains(length)
            {
                parts.append(.network(length))
            } else {
                return nil
            }
        }
        self.parts = parts
    }

    /// True when each recipient is counted by itself.
    var isPerRecipient: Bool { parts.contains(.recipient) || parts.contains(.recipientDomain) }

    /// What an occasion is counted under: nothing when a part is not known, one value, or, with a
    /// recipient in the key, one for each recipient. Values of parts are netstrings, so that no
    /// two rows of values are one.
    func values(of occasion: Occasion) -> [[UInt8]] {
        guard isPerRecipient else { return value(occasion, nil).map { [$0] } ?? [] }
        var values: [[UInt8]] = []
        for recipient in occasion.recipients {
            if let value = value(occasion, recipient) { values.append(value) }
        }
        return values
    }

    private func value(_ occasion: Occasion, _ recipient: Mailbox?) -> [UInt8]? {
        var row: [UInt8] = []
        for part in parts {
            guard let value = part.value(occasion, recipient) else { return nil }
            row.append(netstring: value)
        }
        return row
    }
}

extension LimitKey.Part {
    /// The value; nil when it is not known. The null reverse-path is no sender: reports about
    /// mail come from everywhere. ASCII case makes no difference: many checkers of passwords take
    /// one user's name in any case, and each way of writing it must not be another limit.
    fileprivate func value(_ occasion: Occasion, _ recipient: Mailbox?) -> [UInt8]? {
        switch self {
        case .client: occasion.client?.text
        case .network(let length):
            occasion.client.flatMap { address in
                // A prefix longer than the address means the address.
                Network(address, prefixLength: min(length, address.bytes.count * 8))
            }.map { network in
                var text = network.address.text
                text.append(0x2F)
                text.append(decimal: network.prefixLength)
                return text
            }
        case .user: occasion.facts[.authUser]?.asciiLowercased
        case .sender: occasion.reversePath?.mailbox?.folded
        case .senderDomain: occasion.reversePath?.mailbox?.domain?.asciiLowercased
        case .recipient: recipient?.folded
        case .recipientDomain: recipient?.domain?.asciiLowercased
        case .helo: occasion.facts[.helo]?.asciiLowercased
        case .all: []
        }
    }
}

extension IPAddress {
    /// The printed form, without a `String` for the commoner family: this is done per decision.
    fileprivate var text: [UInt8] {
        guard isVersion4 else { return Array(description.utf8) }
        var text: [UInt8] = []
        text.reserveCapacity(18)
        for byte in bytes {
            if !text.isEmpty { text.append(0x2E) }
            text.append(decimal: Int(byte))
        }
        return text
    }
}

extension [UInt8] {
    /// Appends the length, a colon and the bytes.
    fileprivate mutating func append(netstring value: [UInt8]) {
        append(decimal: value.count)
        append(0x3A)
        self += value
    }

    /// Appends the digits of a number that is not negative.
    fileprivate mutating func append(decimal number: Int) {
        if number >= 10 { append(decimal: number / 10) }
        append(0x30 + UInt8(truncatingIfNeeded: number % 10))
    }
}
