// StepCall+Qfilter: a step in qmail-qfilter's convention.
// qmail-qfilter(1).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

extension StepCall {
    /// A changed message comes on descriptor 1, a changed envelope on 4; what stays empty is
    /// unchanged.
    func runInQfilterConvention() throws(StepError) -> StepAnswer {
        try StepError.translated {
            let view = try view()
            let size = Int(try view.borrowed.status("message").st_size)
            let envelope = try file(envelopeBytes)
            let newMessage = try ViewFile.temporary(for: size)
            let newEnvelope = try Files.inMemory("new envelope")
            let nextProgram = try Files.inMemory("next program")
            var command = self.command([], variables(size))
            command.descriptors = [
                0: view.number, 1: newMessage.number, 3: envelope.number,
                4: newEnvelope.number, 5: nextProgram.number,
            ]
            let verdict = try verdict(of: try run(command))
            // To hand the message to another queue than all others is not a step's to decide.
            guard try nextProgram.borrowed.status("next program").st_size == 0 else {
                throw StepError.failed("\(step.program) asks for another queue program")
            }
            guard case .accept = verdict else {
                return StepAnswer(reply: FilterReply(verdict), replacement: nil)
            }
            return try changes(newMessage, try contents(of: newEnvelope.borrowed, "envelope"))
        }
    }

    /// All but `QMAILPPID`: with it, a filter that a script calls would take itself for one of
    /// qmail-qfilter's.
    private func variables(_ size: Int) -> [[UInt8]] {
        let envelope = request.currentEnvelope
        let sender = envelope.reversePath.mailbox
        return [
            Array("QMAILUSER=".utf8) + (sender?.localPart ?? []),
            Array("QMAILHOST=".utf8) + (sender?.domain ?? []),
            Array("QMAILRCPTS=".utf8) + envelope.recipients.flatMap { $0.bytes + [0x0A] },
            Array("NUMRCPTS=\(envelope.recipients.count)".utf8),
            Array("ENVSIZE=\(envelopeBytes.count)".utf8), Array("MSGSIZE=\(size)".utf8),
        ]
    }

    private func changes(
        _ newMessage: borrowing OwnedDescriptor, _ newEnvelope: [UInt8]
    ) throws -> StepAnswer {
        var edits: [Edit] = []
        if !newEnvelope.isEmpty {
            do {
                edits = StepCall.edits(
                    from: request.currentEnvelope, to: try Envelope(queueFormat: newEnvelope))
            } catch {
                throw StepError.failed("\(step.program) wrote an envelope that is \(error)")
            }
        }
        let length = Int(try newMessage.borrowed.status("new message").st_size)
        guard length > 0 else {
            return StepAnswer(reply: FilterReply(.accept(edits)), replacement: nil)
        }
        edits.append(.replaceMessage(offset: 0, length: length))
        return StepAnswer(
            reply: FilterReply(.accept(edits)), replacement: try newMessage.reopenedForReading())
    }

    /// The edits that make one envelope of another.
    static func edits(from old: Envelope, to new: Envelope) -> [Edit] {
        var edits: [Edit] = []
        if old.reversePath != new.reversePath { edits.append(.reversePath(new.reversePath)) }
        guard old.recipients != new.recipients else { return edits }
        // A list of many recipients loses or gains a few: the others are not touched.
        let (before, after) = (Set(old.recipients), Set(new.recipients))
        let few =
            before.subtracting(after).map(Edit.removeRecipient)
            + new.recipients.filter { !before.contains($0) }.map(Edit.addRecipient)
        if few.applied(to: old).recipients == new.recipients { return edits + few }
        edits += before.map(Edit.removeRecipient)
        return edits + new.recipients.map(Edit.addRecipient)
    }
}
