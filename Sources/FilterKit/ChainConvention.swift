// ChainConvention: a filter that filter-chain started for one request.
// filter-protocol(7), section ONE MESSAGE, ONE PROCESS.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import SystemPackage
import UnixIO

/// Message on descriptor 0, envelope on descriptor 3, a record to `FILTER_VERDICT_FD`.
struct ChainConvention {
    private let setup: Setup
    private let name: String
    private let facts: Facts
    private let stage: Stage
    private let outcome: Outcome?
    private let record: Descriptor
    /// Where a message goes that takes the place of the one that came.
    private let newMessage: Descriptor?

    /// - Throws: `FilterError.configuration` when the variables are not what they must be.
    init(_ setup: Setup, _ facts: Facts, _ name: String) throws(FilterError) {
        guard let stage = Environment.text("FILTER_STAGE").flatMap(Stage.init(rawValue:)) else {
            throw .configuration("FILTER_STAGE names no stage")
        }
        guard
            let number = Environment.bytes("FILTER_VERDICT_FD")?.decimalValue.flatMap(
                Int32.init(exactly:)), number > 2
        else { throw .configuration("FILTER_VERDICT_FD names no descriptor") }
        let outcome = Environment.text("FILTER_OUTCOME").map(Outcome.init(rawValue:))
        if let outcome, outcome == nil {
            throw .configuration("FILTER_OUTCOME names no outcome")
        }
        self.outcome = outcome ?? nil
        self.setup = setup
        self.facts = facts
        self.name = name
        self.stage = stage
        record = Descriptor(rawValue: number)
        newMessage = Environment.bytes("FILTER_MESSAGE_FD")?.decimalValue.flatMap(
            Int32.init(exactly:)
        ).flatMap { $0 > 2 ? Descriptor(rawValue: $0) : nil }
        Signals.ignoreBrokenPipes()
    }

    /// Judges once. An error of reading is answered by a record too, so that the caller's log
    /// has it.
    func run<F: Filter>(_ filter: inout F) throws(FilterError) -> FilterExit {
        let input = try MessageInput(Standard.input)
        guard stage != .message || !input.isEmpty else {
            throw FilterError(.cannotRead, "the message is empty")
        }
        let envelopeBytes = try EnvelopeInput.bytes(on: Descriptor(rawValue: 3))
        let wire = FilterRequest(
            stage: stage, facts: facts, envelope: try envelope(envelopeBytes),
            messageLength: MessageView(input.base).baseLength, isTrial: setup.checks,
            outcome: outcome)
        let request = Request(
            wire, input.base, Origin(marks: setup.marks, envelope: (3, envelopeBytes)))
        let judgement = Judgement.of(&filter, request, explains: setup.explains)
        judgement.explain(name)
        judgement.log(name, request)
        if judgement.replacement != nil { try writeMessage(judgement) }
        do {
            try record.writeAll(judgement.record.frame, "verdict descriptor")
        } catch {
            throw FilterError(error, otherwise: .cannotWrite)
        }
        return judgement.exit
    }

    /// A message that takes the place of the one that came; the record, which says so, is written
    /// after it.
    private func writeMessage(_ judgement: Judgement) throws(FilterError) {
        guard let newMessage else {
            throw .configuration("FILTER_MESSAGE_FD names no descriptor for a new message")
        }
        guard let file = judgement.replacement?.descriptor else { return }
        let message = MessageView(
            .file(file, offset: 0, length: judgement.replacement?.length ?? 0))
        try message.write(to: newMessage, "new message")
    }

    /// Before MAIL there is none, and nothing on the descriptor.
    private func envelope(_ bytes: [UInt8]) throws(FilterError) -> Envelope? {
        bytes.isEmpty && stage < .mail ? nil : try EnvelopeInput.parse(bytes)
    }
}

extension Judgement {
    /// What goes over the wire.
    var record: Fields { FilterReply(verdict, evidence: error?.text ?? evidence.summary).fields }
}
