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
            row += "\(value.count):".utf8
            row += value
        }
        return row
    }
}

extension LimitKey.Part {
    /// The value; nil when it is not known. The null reverse-path is no sender: reports about
    /// mail come from everywhere. ASCII case makes no difference but in `user`.
    fileprivate func value(_ occasion: Occasion, _ recipient: Mailbox?) -> [UInt8]? {
        switch self {
        case .client: occasion.facts.clientIP.map { Array($0.description.utf8) }
        case .network(let length):
            occasion.facts.clientIP.flatMap { address in
                // A prefix longer than the address means the address.
                Network(address, prefixLength: min(length, address.bytes.count * 8))
            }.map { Array($0.description.utf8) }
        case .user: occasion.facts[.authUser]
        case .sender: occasion.reversePath?.mailbox?.folded
        case .senderDomain: occasion.reversePath?.mailbox?.domain?.asciiLowercased
        case .recipient: recipient?.folded
        case .recipientDomain: recipient?.domain?.asciiLowercased
        case .helo: occasion.facts[.helo]?.asciiLowercased
        case .all: []
        }
    }
}
