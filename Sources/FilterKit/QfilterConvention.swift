// QfilterConvention: a filter that qmail-qfilter started.
// qmail-qfilter(1); filters(7).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

/// Message on descriptor 0, envelope on 3; what was edited goes to 1 and to 4, and what stays
/// empty there is unchanged. No text ever goes to 4, which other clients read a reason from.
struct QfilterConvention {
    private static let envelope = Descriptor(rawValue: 3)
    private static let newEnvelope = Descriptor(rawValue: 4)

    private let setup: Setup
    private let name: String
    private var facts: Facts

    init(_ setup: Setup, _ facts: Facts, _ name: String) {
        self.setup = setup
        self.facts = facts
        self.name = name
        Signals.ignoreBrokenPipes()
    }

    /// Judges once.
    /// - Returns: 99 for discard, and where the edits leave no recipient.
    consuming func run<F: Filter>(_ filter: inout F) throws(FilterError) -> FilterExit {
        // Of what qmail-qfilter passes on, descriptor 6 may be a client's; 5 names a program.
        let reason = QueueReason(reserved: [0, 1, 3, 4, 5])
        // Whoever read them before has left the offsets anywhere.
        let input = try MessageInput(Standard.input, fromBeginning: true)
        let envelopeBytes = try EnvelopeInput.bytes(on: Self.envelope, fromBeginning: true)
        let envelope = try EnvelopeInput.parse(envelopeBytes)
        let message = MessageView(input.base)
        try facts.addHelo(from: message)
        let request = Request(
            FilterRequest(
                stage: .message, facts: facts, envelope: envelope,
                messageLength: message.baseLength, isTrial: setup.checks), input.base,
            Origin(marks: setup.marks, envelope: (3, envelopeBytes), reason: reason))
        let judgement = Judgement.of(&filter, request, explains: setup.explains).withoutHold
        judgement.explain(name)
        judgement.log(name, request)
        let delay = setup.checks ? .zero : judgement.verdict.delay
        guard Caller.stays(for: min(delay, QueueConvention.longestDelay)) else {
            throw FilterError(.cannotRead, "the caller went away during the delay")
        }
        guard case .accept(let edits) = judgement.verdict else {
            return judgement.verdict == .discard ? .discard : judgement.exit(reason)
        }
        let edited = edits.applied(to: envelope)
        // Nobody is left to deliver to: that is discard.
        if edited.recipients.isEmpty, !envelope.recipients.isEmpty { return .discard }
        guard !setup.checks else { return .accept }
        if edited != envelope {
            try write(edited.queueFormat, to: Self.newEnvelope, "descriptor 4")
        }
        let result = judgement.edited(message)
        if result.isEdited || judgement.replacement != nil { try write(result) }
        return .accept
    }

    private func write(_ message: MessageView) throws(FilterError) {
        var isEmpty = true
        try message.forEachChunk { chunk throws(FilterError) in
            isEmpty = isEmpty && chunk.isEmpty
            try system(otherwise: .cannotWrite) { () throws(SystemError) in
                try Standard.output.writeAll(chunk, "descriptor 1")
            }
        }
        // Nothing would mean that the message is unchanged: an empty header and no body are next
        // to it.
        if isEmpty { try write([0x0A], to: Standard.output, "descriptor 1") }
    }

    private func write(
        _ bytes: [UInt8], to target: Descriptor, _ object: String
    ) throws(FilterError) {
        try system(otherwise: .cannotWrite) { () throws(SystemError) in
            try target.writeAll(bytes, object)
        }
    }
}
