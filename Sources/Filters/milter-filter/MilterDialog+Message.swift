// MilterDialog+Message: header, body and end of a message, and what the milter changes then.
// milter-filter(8); smfi_register, xxfi_header to xxfi_eom.
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import MilterProtocol
import SMTPProtocol
import UnixIO

extension MilterDialog {
    /// Header, body and end.
    mutating func message(_ request: borrowing Request) throws(MilterStop) -> MilterDecision {
        let header = try MessageHeader(request)
        if let end = try send(header) { return end }
        if let end = try step(.endOfHeader, .endOfHeader) { return end }
        if let end = try sendBody(request.message, from: header.bodyStart) { return end }
        return try end(request, header)
    }

    private func send(_ header: MessageHeader) throws(MilterStop) -> MilterDecision? {
        let steps = line.agreement.steps
        guard !steps.contains(.noHeader) else { return nil }
        let keepsSpace = steps.contains(.leadingSpace)
        for field in header.fields {
            guard !field.value.contains(0) else { return refused(.nulInHeader, .header) }
            guard !field.value.contains(0x0D) else { return refused(.bareCarriageReturn, .header) }
            // Without the step, one space and no tab goes, as Sendmail has it.
            let value =
                !keepsSpace && field.value.first == 0x20
                ? Array(field.value.dropFirst()) : field.value
            let answer = try say(
                .header(name: field.name, value: value), unanswered: .noReplyToHeader,
                settings.contentLimit)
            switch answer {
            case .goOn: continue
            case .skip: return nil
            case .decided(let decision): return decision
            }
        }
        return nil
    }

    /// The message itself decides.
    private func refused(_ verdict: Verdict, _ command: MilterCommand.Code) -> MilterDecision {
        MilterDecision(verdict: verdict, command: command, answer: .reject)
    }

    private func sendBody(
        _ message: MessageView, from start: Int
    ) throws(MilterStop) -> MilterDecision? {
        guard !line.agreement.steps.contains(.noBody) else { return nil }
        var sender = BodySender(skipping: start, pieceSize: line.agreement.packetLimit)
        do throws(FilterError) {
            try message.forEachChunk { chunk throws(FilterError) in
                try sender.take(chunk) { say($0, .body) }
            }
            try sender.finish { say($0, .body) }
        } catch {
            guard !sender.isOver else { return sender.decision }
            throw sender.stop ?? .known(error)
        }
        return sender.decision
    }

    private func say(
        _ piece: [UInt8], _: MilterCommand.Code
    ) -> Result<MilterAnswer, MilterStop> {
        Result { () throws(MilterStop) in
            try say(.body(piece), unanswered: .noReplyToBody, settings.contentLimit)
        }
    }

    /// The end, and then the changes until the milter decides.
    private mutating func end(
        _ request: borrowing Request, _ header: MessageHeader
    ) throws(MilterStop) -> MilterDecision {
        let given = macros.macros(.endOfMessage)
        let end = MilterCommand.endOfBody([])
        if !given.isEmpty { line.put(.macros(for: end.code.rawValue, given)) }
        line.put(end)
        var changes = MilterChanges(
            header, request, bodyLimit: settings.bodyLimit,
            hasLeadingSpace: line.agreement.steps.contains(.leadingSpace))
        while true {
            let reply: MilterReply
            do throws(MilterFailure) {
                try line.flush(limit(settings.contentLimit))
                reply = try line.receive(limit(settings.contentLimit))
            } catch {
                throw .failed(error)
            }
            if reply == .progress { continue }
            do throws(FilterError) {
                if try changes.take(reply) { continue }
            } catch {
                throw .known(error)
            }
            endTransaction()
            return try decision(reply, changes, request)
        }
    }

    private func decision(
        _ reply: MilterReply, _ changes: MilterChanges, _ request: borrowing Request
    ) throws(MilterStop) -> MilterDecision {
        let verdict = reply == .continue ? .accept : reply.verdict
        guard let verdict else {
            throw .failed(.unexpected(reply.code, "\(MilterCommand.Code.endOfBody)"))
        }
        var decision = MilterDecision(verdict: verdict, command: .endOfBody, answer: reply.code)
        guard case .accept = verdict else { return decision }
        do throws(FilterError) {
            decision = MilterDecision(
                verdict: .accept(try changes.edits(request)), command: .endOfBody,
                answer: reply.code, quarantine: changes.quarantine)
        } catch {
            throw .known(error)
        }
        return decision
    }
}
