// Handover: what becomes of a message after its verdict.
// filter-chain(8); qmail-queue(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import MailQueue
import UnixIO

/// Queues the message, becomes the next program, writes the edited message, or only tells.
struct Handover {
    private static let timeLimit = Duration.seconds(300)
    /// What a verdict's delay is cut to, when not given.
    static let longestDelay = Duration.seconds(30)

    let root: Root
    let byHand: Bool
    let isTrial: Bool
    let id: QueueID
    let facts: Facts
    let envelope: Envelope
    /// What the client takes beside the exit code.
    let reason: QueueReason?
    /// What a verdict's delay is cut to.
    let longestDelay: Duration

    /// - Returns: the exit code, unless the next program took this process's place.
    func finish(
        _ outcome: inout ChainVerdict, _ arrival: borrowing Arrival
    ) throws -> FilterExit {
        tell(outcome.verdict)
        try wait(for: outcome.verdict.delay)
        switch outcome.verdict {
        case .reject: return reason?.exit(of: outcome.verdict) ?? .reject
        case .defer: return reason?.exit(of: outcome.verdict) ?? .defer
        case .discard: return byHand ? .discard : .accept
        case .accept(let edits):
            let file = outcome.replacement.take()
            guard byHand else { return try pass(edits, file, arrival) }
            if !isTrial { try write(edits, file, arrival) }
            return .accept
        }
    }

    /// In qmail-queue's place nobody else can wait: the reply comes when we end. By hand nobody
    /// waits, since no client does.
    private func wait(for delay: Duration) throws(Failure) {
        guard !byHand, delay > .zero else { return }
        guard Caller.stays(for: min(delay, longestDelay)) else {
            throw Failure(.cannotRead, "the caller went away during the delay")
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

    /// `CHAINMAIL_NEXT`, else our queue; never `QMAILQUEUE`, which may be this program.
    private func pass(
        _ edits: [Edit], _ replacement: consuming OwnedDescriptor?, _ arrival: borrowing Arrival
    ) throws -> FilterExit {
        if let next = Environment.text("CHAINMAIL_NEXT"), !next.isEmpty {
            guard let path = Programs.find(next) else {
                throw Failure(.badConfiguration, "CHAINMAIL_NEXT: \(next): no such program")
            }
            return try become(path, [], edits, replacement, arrival)
        }
        // As qmail-queue does, though such a message reaches nobody.
        guard !edits.applied(to: envelope).recipients.isEmpty else { return .accept }
        let submission = Submission(
            id: id, envelope: envelope,
            edits: edits + (QueueEntrance.traceField.map { [.prepend($0)] } ?? []), facts: facts,
            messageOffset: arrival.offset, messageLength: arrival.length, isCopied: true)
        let socket = root.socket("queue-message")
        if try Files.status(socket) != nil {
            let exit = QueueClient(socket: socket).commit(
                submission, replacement, else: arrival.file.borrowed, Handover.timeLimit)
            // Nobody answered: queue-message may do it without the service.
            guard exit == .networkTrouble else { return exit }
        }
        guard let path = Programs.find("queue-message") else {
            throw Failure(
                .badConfiguration, "queue-message: no such program beside this one or in PATH")
        }
        return try become(path, root.arguments, edits, replacement, arrival)
    }

    /// The next program in this process, with the message on 0 and the envelope on 1.
    private func become(
        _ path: String, _ arguments: [String], _ edits: [Edit],
        _ replacement: consuming OwnedDescriptor?, _ arrival: borrowing Arrival
    ) throws -> FilterExit {
        guard !edits.hold else {
            // The next program knows no such state.
            let verdict = Verdict.defer(EnhancedStatus(4, 7, 1), "held for the administrator")
            tell(verdict)
            return reason?.exit(of: verdict) ?? .defer
        }
        if let replacement, let range = edits.replacement {
            try place(
                try ViewFile.make(
                    replacement.borrowed, offset: range.offset, length: range.length,
                    edits.overlay), 0)
        } else if !arrival.isDescriptor0 || !edits.overlay.isEmpty {
            try place(
                try ViewFile.make(
                    arrival.file.borrowed, offset: arrival.offset, length: arrival.length,
                    edits.overlay), 0)
        }
        let file = try Files.inMemory("envelope")
        try file.borrowed.writeAll(edits.applied(to: envelope).queueFormat, "envelope")
        try place(try file.reopenedForReading(), 1)
        signal(SIGPIPE, SIG_DFL)
        reason?.giveBack()
        // Two chains, one after the other, must not hand to each other for ever.
        let ours = Set(Facts.conventionVariables + ["CHAINMAIL_NEXT"])
        try exec(
            path, arguments, environment: [], variables: Environment.allBytes(without: ours))
    }

    private func place(_ file: consuming OwnedDescriptor, _ number: Int32) throws(SystemError) {
        let source = file.number
        _ = try retrying("dup2", "descriptor \(number)") { dup2(source, number) }
        withExtendedLifetime(file) {}
    }

    /// One line for people, or for the log of whoever called.
    private func tell(_ verdict: Verdict) {
        guard !byHand else {
            let text = verdict.reply.map { "\(verdict.word) \($0)" } ?? verdict.word
            // There is nowhere to say that this cannot be written.
            try? Descriptor(rawValue: 2).writeAll(
                Array("filter-chain: \(text)\n".utf8), "standard error")
            return
        }
        Log("filter-chain").event(
            "verdict",
            [
                "verdict": verdict.word, "reply": verdict.reply?.description,
                "delay": verdict.delay > .zero ? "\(verdict.delay.milliseconds)ms" : nil,
                "sender": envelope.reversePath.bytes.printable,
                "recipients": "\(envelope.recipients.count)", "caller": "\(getppid())",
                "session": facts[.session]?.printable, "message": id.description,
            ])
    }
}

extension QueueClient {
    /// Hands over the replacement, else the base.
    fileprivate func commit(
        _ submission: Submission, _ replacement: borrowing OwnedDescriptor?,
        else base: Descriptor, _ limit: Duration
    ) -> FilterExit {
        let outcome =
            switch replacement {
            case .some(let file): commit(submission, file.borrowed, deadline: .after(limit))
            case .none: commit(submission, base, deadline: .after(limit))
            }
        switch outcome {
        case .queued: return .accept
        case .refused(let reply, let exit):
            Log("filter-chain").event(
                "not-queued",
                ["reply": reply.description, "message": submission.id.description])
            return exit
        }
    }
}
