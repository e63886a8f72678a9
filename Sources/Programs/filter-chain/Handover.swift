// Handover: what becomes of a message after its verdict.
// filter-chain(8); qmail-queue(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import UnixIO

/// Becomes the next program, or writes the edited message, or only tells.
struct Handover {
    let root: Root
    let byHand: Bool
    let isTrial: Bool

    /// - Returns: the exit code, unless the next program took this process's place.
    func finish(
        _ outcome: inout ChainOutcome, _ arrival: borrowing Arrival, _ envelope: Envelope
    ) throws -> FilterExit {
        switch outcome.verdict {
        case .reject(let reply):
            tell(outcome.verdict, reply)
            return .reject
        case .defer(let reply):
            tell(outcome.verdict, reply)
            return .defer
        case .discard:
            tell(outcome.verdict, nil)
            return byHand ? .discard : .accept
        case .accept(let edits):
            guard !edits.hold else {
                // The next program knows no such state.
                let reply = Reply(451, EnhancedStatus(4, 7, 1), "held for the administrator")
                tell(.defer(reply), reply)
                return .defer
            }
            let edited = edits.applied(to: envelope)
            if byHand {
                if !isTrial { try write(edits, outcome.replacement.take(), arrival) }
                tell(outcome.verdict, nil)
                return .accept
            }
            // Nobody is left to deliver to: that is discard.
            if edited.recipients.isEmpty, !envelope.recipients.isEmpty { return .accept }
            try become(edits, outcome.replacement.take(), arrival, edited)
        }
    }

    /// The message after the edits, to descriptor 1.
    private func write(
        _ edits: [Edit], _ replacement: consuming OwnedDescriptor?, _ arrival: borrowing Arrival
    ) throws {
        let target = Descriptor(rawValue: 1)
        if let replacement, let range = edits.replacement {
            try ViewFile.copy(
                replacement.borrowed, range.offset, range.length, edits.overlay, to: target)
        } else {
            try ViewFile.copy(
                arrival.file.borrowed, arrival.offset, arrival.length, edits.overlay, to: target)
        }
    }

    /// The next program in this process, with the message on 0 and the envelope on 1.
    private func become(
        _ edits: [Edit], _ replacement: consuming OwnedDescriptor?,
        _ arrival: borrowing Arrival, _ envelope: Envelope
    ) throws -> Never {
        let (path, arguments) = try next()
        if let replacement, let range = edits.replacement {
            let file = try ViewFile.make(
                replacement.borrowed, offset: range.offset, length: range.length, edits.overlay)
            try place(file, 0)
        } else if !arrival.isDescriptor0 || !edits.overlay.isEmpty {
            let file = try ViewFile.make(
                arrival.file.borrowed, offset: arrival.offset, length: arrival.length,
                edits.overlay)
            try place(file, 0)
        }
        let file = try Files.inMemory("envelope")
        try file.borrowed.writeAll(envelope.queueFormat, "envelope")
        try place(try file.reopenedForReading(), 1)
        try exec(
            path, arguments, environment: Environment.all(without: Set(Facts.conventionVariables)))
    }

    /// `CHAINMAIL_NEXT`, else our queue-message; never `QMAILQUEUE`, which may be this program.
    private func next() throws -> (path: String, arguments: [String]) {
        if let next = Environment.text("CHAINMAIL_NEXT"), !next.isEmpty {
            guard let path = Programs.find(next) else {
                throw Failure(.badConfiguration, "CHAINMAIL_NEXT: \(next): no such program")
            }
            return (path, [])
        }
        guard let path = Programs.find("queue-message") else {
            throw Failure(
                .badConfiguration, "queue-message: no such program beside this one or in PATH")
        }
        return (path, root.arguments)
    }

    private func place(_ file: consuming OwnedDescriptor, _ number: Int32) throws(SystemError) {
        let source = file.number
        _ = try retrying("dup2", "descriptor \(number)") { dup2(source, number) }
        withExtendedLifetime(file) {}
    }

    /// One line for people, or for the log of whoever called.
    private func tell(_ verdict: Verdict, _ reply: Reply?) {
        if byHand {
            let text = reply.map { "\(verdict.word) \($0)" } ?? verdict.word
            try? Descriptor(rawValue: 2).writeAll(
                Array("filter-chain: \(text)\n".utf8), "standard error")
        } else {
            Log("filter-chain").event(
                "verdict", ["verdict": verdict.word, "reply": reply?.description])
        }
    }
}
