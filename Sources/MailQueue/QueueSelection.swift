// QueueSelection: which messages of the queue somebody means.
// chainmail(1), section THE QUEUE.
// SPDX-License-Identifier: MIT

import MailModel

/// A pattern: `*` is any text, everything else itself, ASCII letters of any case.
public struct GlobPattern: Hashable, Sendable {
    private let pattern: [UInt8]

    /// A pattern.
    public init(_ text: String) { pattern = Array(text.utf8).asciiLowercased }

    /// True when it is the whole of a text. Time is at most the product of both lengths.
    public func matches(_ text: [UInt8]) -> Bool {
        let text = text.asciiLowercased
        var (place, at) = (0, 0)
        var last: (star: Int, text: Int)?
        while place < text.count {
            if at < pattern.count, pattern[at] == 0x2A {
                last = (at, place)
                at += 1
            } else if at < pattern.count, pattern[at] == text[place] {
                at += 1
                place += 1
            } else if let (star, begin) = last {
                last = (star, begin + 1)
                (at, place) = (star + 1, begin + 1)
            } else {
                return false
            }
        }
        return pattern[at...].allSatisfy { $0 == 0x2A }
    }
}

/// What a message must be. All that is given must hold; of a list one.
public struct QueueSelection: Sendable {
    /// Of the reverse-path without brackets; the null one is empty.
    public var senders: [GlobPattern] = []
    /// Of a recipient that is not done.
    public var recipients: [GlobPattern] = []
    /// Of the domain that a recipient which is not done is delivered to, or `local`.
    public var destinations: [GlobPattern] = []
    /// Of the last reply of a recipient that is not done; a text that it contains.
    public var replies: [GlobPattern] = []
    /// `new`, `deferred` or `held`.
    public var places: Set<String> = []
    /// Accepted before this moment, in microseconds since 1970.
    public var before: UInt64?
    /// Accepted after this moment, in microseconds since 1970.
    public var after: UInt64?
    /// Which recipients are ours, for `destinations`.
    public var routing: Routing?

    /// Every message.
    public init() {}

    /// True when nothing is asked for.
    public var isEverything: Bool {
        senders.isEmpty && recipients.isEmpty && destinations.isEmpty && replies.isEmpty
            && places.isEmpty && before == nil && after == nil
    }

    /// True when a message is meant.
    public func matches(_ entry: QueueEntry) -> Bool {
        let message = entry.message
        if let before, message.arrival >= before { return false }
        if let after, message.arrival <= after { return false }
        if !places.isEmpty, !places.contains(entry.place.word) { return false }
        if !senders.isEmpty,
            !senders.contains(where: { $0.matches(message.envelope.reversePath.bytes) })
        {
            return false
        }
        guard !(recipients.isEmpty && destinations.isEmpty && replies.isEmpty) else { return true }
        return message.envelope.recipients.indices.contains { matches(entry, recipient: $0) }
    }

    private func matches(_ entry: QueueEntry, recipient number: Int) -> Bool {
        guard entry.isLeft(number) else { return false }
        let mailbox = entry.message.envelope.recipients[number]
        if !recipients.isEmpty, !recipients.contains(where: { $0.matches(mailbox.bytes) }) {
            return false
        }
        if !destinations.isEmpty {
            let name = destination(of: mailbox)
            guard destinations.contains(where: { $0.matches(name) }) else { return false }
        }
        guard !replies.isEmpty else { return true }
        let reply = entry.progress.attempts[number].map { Array($0.result.reply.description.utf8) }
        return reply.map { reply in replies.contains { $0.matches(reply) } } ?? false
    }

    private func destination(of mailbox: Mailbox) -> [UInt8] {
        guard let routing else { return mailbox.domain.map(Array.init) ?? [] }
        return Array("\(routing.destination(of: mailbox))".utf8)
    }
}

extension QueueEntry {
    /// True for a recipient that is to be tried, or failed and is not reported.
    public func isLeft(_ number: Int) -> Bool {
        guard progress.recipients.indices.contains(number) else { return false }
        switch progress.recipients[number] {
        case .pending, .failed: return true
        case .delivered, .unconfirmed, .bounced: return false
        }
    }
}

extension MessagePlace {
    /// `new`, `deferred` or `held`.
    public var word: String {
        switch self {
        case .new: "new"
        case .deferred: "deferred"
        case .held: "held"
        }
    }
}
