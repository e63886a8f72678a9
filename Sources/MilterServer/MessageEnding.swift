// MessageEnding: judges a message that is whole, and has the MTA change it.
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import UnixIO

/// What happens after the final dot.
struct MessageEnding<MTA: MilterMTA> {
    let session: MilterSession
    let mta: MTA
    /// Edits that were made before, those that take away what only we may write first.
    let edits: [Edit]

    /// The chain's verdict, done to the message.
    func judge(
        _ transaction: borrowing MilterTransaction, _ file: Descriptor
    ) -> MilterAnswer {
        let envelope = transaction.envelope
        guard !edits.applied(to: envelope).recipients.isEmpty else {
            return settle(.discard, envelope)
        }
        var judgement = ChainVerdict(verdict: .accept)
        if session.chain.judges(.message) {
            let request = FilterRequest(
                stage: .message, facts: session.facts, envelope: envelope,
                edits: edits.withoutDelay, messageLength: transaction.message.length)
            judgement = session.chain.judge(
                request, file, log: session.server.log,
                deadline: .after(session.server.limits.message))
        }
        let delay = judgement.verdict.delay
        let verdict = session.waited(for: judgement.verdict, delay, tick: mta.goOn)
        guard case .accept(let new) = verdict else { return settle(verdict, envelope) }
        let all = edits + new
        let end = all.applied(to: envelope)
        guard !end.recipients.isEmpty else { return settle(.discard, envelope) }
        do {
            try change(transaction, file, judgement.replacement.take(), all, end)
        } catch {
            session.server.log.event(
                "not-changed",
                [
                    "error": "\(error)", "session": session.id.description,
                    "message": session.facts[.message]?.printable,
                ])
            return settle(.defer(.cannotChange), envelope)
        }
        return settle(verdict, end)
    }

    private func settle(_ verdict: Verdict, _ envelope: Envelope) -> MilterAnswer {
        session.tell(.message, verdict, envelope)
        switch verdict {
        case .accept: return .goOn
        case .reject(let reply), .defer(let reply): return .refuse(reply)
        case .discard: return .discard
        }
    }

    /// Has everything changed; what fails leaves a message that must not be accepted.
    private func change(
        _ transaction: borrowing MilterTransaction, _ file: Descriptor,
        _ replacement: consuming OwnedDescriptor?, _ edits: [Edit], _ envelope: Envelope
    ) throws {
        let old = StoredRange(file: file, start: 0, end: transaction.message.length)
        if let replacement, let range = edits.replacement {
            try replace(
                old, transaction.message,
                StoredRange(
                    file: replacement.borrowed, start: range.offset,
                    end: range.offset + range.length), edits.overlay)
            withExtendedLifetime(replacement) {}
        } else {
            try changeHeader(old, transaction.message.headerLength, edits.overlay)
        }
        let changes = try [MilterChange].changing(
            from: transaction.path, transaction.recipients, to: envelope)
        for change in changes { try mta.make(change) }
        if edits.hold { try mta.make(.quarantine) }
    }

    /// Removals first: a field on top would count.
    private func changeHeader(
        _ message: StoredRange, _ headerLength: Int, _ overlay: HeaderOverlay
    ) throws {
        guard !overlay.isEmpty else { return }
        if !overlay.removedNames.isEmpty {
            let header = PlainHeader(
                try message.bytes(0, headerLength), isFieldsAlone: true)
            let removals = [MilterChange].removing(header.fields) {
                overlay.removedNames.contains(header.fields[$0].foldedName)
            }
            for change in removals { try mta.make(change) }
        }
        for field in PlainHeader(overlay.top).fields.reversed() {
            try mta.make(.insertField(name: field.name, value: field.value))
        }
    }

    private func replace(
        _ old: StoredRange, _ message: borrowing SpooledMessage, _ new: StoredRange,
        _ overlay: HeaderOverlay
    ) throws {
        let before = PlainHeader(
            try old.bytes(0, message.headerLength), isFieldsAlone: true)
        let header = PlainHeader(try new.header())
        let fields =
            PlainHeader(overlay.top).fields
            + header.fields.filter { !overlay.removedNames.contains($0.foldedName) }
        for change in [MilterChange].changing(before.fields, to: fields) { try mta.make(change) }
        let body = StoredRange(
            file: new.file, start: new.start + header.bodyStart, end: new.end)
        let oldBody = StoredRange(file: old.file, start: message.bodyStart, end: old.end)
        guard try !oldBody.equals(body) else { return }
        try body.withWirePieces { piece in try mta.replaceBody(piece) }
    }
}
