// ShellConvention: a filter in a pipe or by hand.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import SystemPackage
import UnixIO

/// Message on descriptor 0, edited message to descriptor 1, one line to descriptor 2.
struct ShellConvention {
    private let setup: Setup
    private let name: String
    private var facts: Facts

    /// - Throws: `FilterError.configuration` when descriptor 1 is an envelope to read: this
    ///   process was started as a queue without a next program, and an accepted message would
    ///   be lost.
    init(_ setup: Setup, _ facts: Facts, _ name: String) throws(FilterError) {
        guard !Convention.outputIsEnvelope else {
            throw .configuration(
                "descriptor 1 is to be read, as if this were a queue, but no next program follows --"
            )
        }
        self.setup = setup
        self.facts = facts
        self.name = name
        // A reader of ours that goes away is a write that fails, exit 53, and not a death.
        Signals.ignoreBrokenPipes()
    }

    /// Judges once.
    mutating func run<F: Filter>(_ filter: inout F) throws(FilterError) -> FilterExit {
        let input = try MessageInput(Standard.input)
        let message = MessageView(input.base)
        guard !message.isEmpty else {
            throw FilterError(.cannotRead, "the message is empty: whoever wrote it refused it")
        }
        try facts.addHelo(from: message)
        let envelope = try EnvelopeInput.shell(
            sender: setup.options.bytes("sender"),
            recipients: setup.options.allBytes("recipient"), message)
        let wire = FilterRequest(
            stage: .message, facts: facts, envelope: envelope,
            messageLength: message.baseLength, isTrial: setup.checks)
        let request = Request(wire, input.base, Origin(marks: setup.marks))
        if let done = try filter.examine(request) { return done }
        let judgement = Judgement.of(&filter, request, explains: setup.explains).withoutHold
        if case .accept = judgement.verdict, !setup.checks {
            try judgement.edited(message).write(to: Standard.output, "standard output")
        }
        judgement.explain(name)
        judgement.say(name)
        return judgement.exit
    }
}
