// QueueConvention: a filter in the place of qmail-queue.
// qmail-queue(8); filter-protocol(7).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SystemPackage
import UnixIO

/// Message on descriptor 0, envelope read from descriptor 1; accept becomes the next program.
struct QueueConvention {
    /// Nobody waits longer before the reply, whatever delay a verdict has: well below the ten
    /// minutes that a client waits for it. RFC 5321, section 4.5.3.2.6.
    static let longestDelay = Duration.seconds(30)

    let next: NextProgram
    let name: String
    let explains: Bool
    var facts: Facts

    /// Judges once.
    /// - Returns: the exit code, unless the next program took this process's place.
    mutating func run<F: Filter>(_ filter: inout F) throws(FilterError) -> FilterExit {
        // All of descriptor 0 first, then all of 1: a sender that goes away closes 1 empty.
        let input = try MessageInput(Standard.input)
        let envelopeBytes = try EnvelopeInput.bytes(on: Standard.output)
        let envelope = try EnvelopeInput.parse(envelopeBytes)
        let message = MessageView(input.base)
        try facts.addHelo(from: message)
        let request = Request(
            FilterRequest(
                stage: .message, facts: facts, envelope: envelope,
                messageLength: message.baseLength), input.base)
        let judgement = Judgement.of(&filter, request, explains: explains).withoutHold
        judgement.explain(name)
        judgement.log(name, request)
        guard Caller.stays(for: min(judgement.verdict.delay, QueueConvention.longestDelay)) else {
            throw FilterError(.cannotRead, "the caller went away during the delay")
        }
        guard case .accept(let edits) = judgement.verdict else {
            return judgement.verdict == .discard ? .accept : judgement.exit
        }
        let edited = edits.applied(to: envelope)
        // Nobody is left to deliver to: that is discard.
        if edited.recipients.isEmpty, !envelope.recipients.isEmpty { return .accept }
        try handOver(judgement.edited(message), input)
        try handOver(edited == envelope ? envelopeBytes : edited.queueFormat, edited == envelope)
        try next.become()
    }

    /// Puts the message on descriptor 0: as it came where it is a file and nothing changed.
    private func handOver(
        _ message: MessageView, _ input: borrowing MessageInput
    ) throws(FilterError) {
        if case .file(let file, _, _) = message.base, file.rawValue == 0, !message.isEdited {
            return
        }
        guard !message.isEdited else {
            let file = try message.copy()
            return try place(file, on: 0)
        }
        let base = try message.baseDescriptor()
        try place(base.descriptor, on: 0)
    }

    /// Puts the envelope on descriptor 1; a file that did not change is there still, at the
    /// offset it had.
    private func handOver(_ envelope: [UInt8], _ isUnchanged: Bool) throws(FilterError) {
        let file = try system(otherwise: .cannotWrite) { () throws(SystemError) in
            if isUnchanged, try MessageInput.extent(of: Standard.output) != nil {
                return OwnedDescriptor?.none
            }
            let file = try Files.inMemory("envelope")
            try file.borrowed.writeAll(envelope, "envelope")
            return file
        }
        if let file { try place(file, on: 1) }
    }

    /// Opens a file anew, read-only and at its beginning, under this number.
    private func place(_ file: borrowing OwnedDescriptor, on number: Int32) throws(FilterError) {
        do throws(SystemError) {
            let reading = try file.reopenedForReading()
            _ = try retrying("dup2", "descriptor \(number)") { dup2(reading.number, number) }
        } catch {
            throw FilterError(error, otherwise: .cannotWrite)
        }
    }
}
