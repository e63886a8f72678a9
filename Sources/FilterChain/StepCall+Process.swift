// StepCall+Process: a step that is started for one message.
// filter-protocol(7), section ONE MESSAGE, ONE PROCESS; qmail-qfilter(1); qmail-queue(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

extension StepCall {
    /// Ours: the verdict counts only when exit code and record agree.
    func runInChainConvention() throws(StepError) -> ChainVerdict {
        try StepError.translated {
            let record = try Files.inMemory("verdict")
            let envelope = try file(request.envelope == nil ? [] : envelopeBytes)
            let view = try view()
            var command = command(
                ["FILTER_STAGE=\(request.stage.rawValue)", "FILTER_VERDICT_FD=5"])
            if request.isTrial { command.arguments.append("--check") }
            command.descriptors = [0: view.number, 3: envelope.number, 5: record.number]
            let output = try Files.open("/dev/null", O_WRONLY)
            command.descriptors[1] = output.number
            let code = try run(command)
            let bytes = try contents(of: record.borrowed, "verdict")
            return try verdict(of: code, record: bytes)
        }
    }

    /// A plain qmail-queue: exit code only.
    func runInQueueConvention() throws(StepError) -> ChainVerdict {
        try StepError.translated {
            let envelope = try file(envelopeBytes)
            let view = try view()
            var command = command([])
            command.descriptors = [0: view.number, 1: envelope.number]
            let verdict = try plainVerdict(of: try run(command))
            return ChainVerdict(verdict: verdict, replacement: nil)
        }
    }

    /// qmail-qfilter's: a changed message comes on 1, a changed envelope on 4.
    func runInQfilterConvention() throws(StepError) -> ChainVerdict {
        try StepError.translated {
            let view = try view()
            let envelope = try file(envelopeBytes)
            let newMessage = try Files.inMemory("new message")
            let newEnvelope = try Files.inMemory("new envelope")
            let nextProgram = try Files.inMemory("next program")
            var command = command(qfilterVariables(try view.borrowed.status("message").st_size))
            command.descriptors = [
                0: view.number, 1: newMessage.number, 3: envelope.number,
                4: newEnvelope.number, 5: nextProgram.number,
            ]
            let verdict = try plainVerdict(of: try run(command))
            guard case .accept = verdict else {
                return ChainVerdict(verdict: verdict, replacement: nil)
            }
            return try changes(newMessage, try contents(of: newEnvelope.borrowed, "envelope"))
        }
    }

    // MARK: What goes in

    private var envelopeBytes: [UInt8] { request.currentEnvelope.queueFormat }

    private func file(_ bytes: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        let file = try Files.inMemory("envelope")
        try file.borrowed.writeAll(bytes, "envelope")
        return try file.reopenedForReading()
    }

    private func view() throws(SystemError) -> OwnedDescriptor {
        try ViewFile.make(
            message, offset: request.messageOffset, length: request.messageLength,
            request.edits.overlay)
    }

    /// The step's command line, with the facts and without what marks our own convention.
    private func command(_ variables: [String]) -> Command {
        let ours = Set(Facts.variables.map(\.variable) + Facts.conventionVariables)
        var command = Command(
            step.program, step.arguments,
            environment: Environment.all(without: ours) + request.facts.environment + variables)
        command.deathSignal = SIGKILL
        command.hasOwnGroup = true
        return command
    }

    private func qfilterVariables(_ size: Int) -> [String] {
        let envelope = request.currentEnvelope
        let sender = envelope.reversePath.mailbox
        let recipients = envelope.recipients.map { "\(text($0.bytes[...]))\n" }.joined()
        return [
            "QMAILPPID=\(getppid())", "QMAILUSER=\(sender.map { text($0.localPart) } ?? "")",
            "QMAILHOST=\(sender?.domain.map { text($0) } ?? "")", "QMAILRCPTS=\(recipients)",
            "NUMRCPTS=\(envelope.recipients.count)", "ENVSIZE=\(envelopeBytes.count)",
            "MSGSIZE=\(size)",
        ]
    }

    private func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self)
    }

    // MARK: What comes out

    /// The exit code.
    private func run(_ command: Command) throws(StepError) -> Int32 {
        let termination = try StepError.translated { try Child(command).waitOrKill(deadline) }
        guard let termination else { throw .timedOut("\(step.program) took too long: killed") }
        guard case .exited(let code) = termination else {
            throw .failed("\(step.program) died: \(termination)")
        }
        return code
    }

    private func contents(
        of file: Descriptor, _ object: String
    ) throws(SystemError) -> [UInt8] {
        let size = Int(try file.status(object).st_size)
        guard size <= Fields.maximumLength else {
            throw SystemError("read", object, .fileTooLarge)
        }
        return try file.bytes(at: 0, count: size, object)
    }

    private func verdict(of code: Int32, record: [UInt8]) throws(StepError) -> ChainVerdict {
        let reply: FilterReply
        do {
            reply = try FilterReply(Fields(frame: record))
        } catch {
            throw .failed("\(step.program) ended with exit \(code) and no whole record: \(error)")
        }
        guard let exit = FilterExit(rawValue: code), StepCall.agrees(reply.verdict, with: exit)
        else { throw .failed("\(step.program) says \(reply.verdict.word) and exit \(code)") }
        if case .accept(let edits) = reply.verdict, edits.replacement != nil {
            throw .failed("\(step.program): only a resident step can replace the message")
        }
        return ChainVerdict(verdict: reply.verdict, replacement: nil)
    }

    private static func agrees(_ verdict: Verdict, with exit: FilterExit) -> Bool {
        switch verdict {
        case .accept: exit == .accept
        case .reject: exit == .reject || exit == .rejectWithText
        case .discard: exit == .discard
        // A filter that cannot know says so in its record and by the exit code of the reason.
        case .defer: exit != .accept && exit != .discard && !exit.isPermanent
        }
    }

    /// The meaning of an exit code without a record.
    private func plainVerdict(of code: Int32) throws(StepError) -> Verdict {
        switch FilterExit(rawValue: code) {
        case .accept: .accept
        case .discard: .discard
        case .addressTooLong: .reject(EnhancedStatus(5, 1, 3), "an address is too long")
        case .reject: .reject(EnhancedStatus(5, 7, 1), "this message is refused here")
        case .defer: .defer(EnhancedStatus(4, 7, 1), "this message is not taken now")
        default: throw .failed("\(step.program) ended with exit \(code)")
        }
    }

    private func changes(
        _ newMessage: consuming OwnedDescriptor, _ newEnvelope: [UInt8]
    ) throws(StepError) -> ChainVerdict {
        var edits: [Edit] = []
        if !newEnvelope.isEmpty {
            do {
                edits = StepCall.edits(
                    from: request.currentEnvelope, to: try Envelope(queueFormat: newEnvelope))
            } catch {
                throw .failed("\(step.program) wrote an envelope that is \(error)")
            }
        }
        let file = newMessage.borrowed
        let length = try StepError.translated { Int(try file.status("new message").st_size) }
        guard length > 0 else { return ChainVerdict(verdict: .accept(edits), replacement: nil) }
        edits.append(.replaceMessage(offset: 0, length: length))
        return ChainVerdict(verdict: .accept(edits), replacement: newMessage)
    }

    /// The edits that make one envelope of another.
    static func edits(from old: Envelope, to new: Envelope) -> [Edit] {
        var edits: [Edit] = []
        if old.reversePath != new.reversePath { edits.append(.reversePath(new.reversePath)) }
        guard old.recipients != new.recipients else { return edits }
        for mailbox in Set(old.recipients) { edits.append(.removeRecipient(mailbox)) }
        return edits + new.recipients.map(Edit.addRecipient)
    }
}
