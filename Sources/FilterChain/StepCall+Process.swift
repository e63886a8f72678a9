// StepCall+Process: a step that is started for one message.
// filter-protocol(7), section ONE MESSAGE, ONE PROCESS; qmail-queue(8).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

extension StepCall {
    /// Ours: the verdict counts only when exit code and record agree. A new message comes on
    /// descriptor 5.
    func runInChainConvention() throws(StepError) -> StepAnswer {
        try StepError.translated {
            let record = try Files.inMemory("verdict")
            let output = try Files.open("/dev/null", O_WRONLY)
            let envelope = try file(request.envelope == nil ? [] : envelopeBytes)
            let view = try view()
            let newMessage = try ViewFile.temporary(for: request.messageLength)
            var command = self.command([
                "FILTER_STAGE=\(request.stage.rawValue)", "FILTER_VERDICT_FD=4",
                "FILTER_MESSAGE_FD=5",
            ])
            if let outcome = request.outcome {
                command.variables.append(Array("FILTER_OUTCOME=\(outcome.rawValue)".utf8))
            }
            if request.isTrial { command.arguments.append("--check") }
            // No gap, in which a descriptor of whoever called us could reach the step.
            command.descriptors = [
                0: view.number, 1: output.number, 3: envelope.number, 4: record.number,
                5: newMessage.number,
            ]
            let code = try run(command)
            let bytes = try contents(of: record.borrowed, "verdict")
            let reply = try reply(of: code, record: bytes)
            guard case .accept(let edits) = reply.verdict, let range = edits.replacement else {
                return StepAnswer(reply: reply, replacement: nil)
            }
            let (end, overflow) = range.offset.addingReportingOverflow(range.length)
            guard !overflow, end <= Int(try newMessage.borrowed.status("new message").st_size)
            else { throw StepError.failed("\(step.program) gave less of a message than it says") }
            return StepAnswer(
                reply: reply, replacement: try newMessage.reopenedForReading())
        }
    }

    /// A plain qmail-queue: exit code only.
    func runInQueueConvention() throws(StepError) -> StepAnswer {
        try StepError.translated {
            let envelope = try file(envelopeBytes)
            let view = try view()
            var command = self.command([])
            command.descriptors = [0: view.number, 1: envelope.number]
            let code = try run(command)
            // There is no discard among qmail-queue's exit codes: 99 is one that is not known.
            guard code != FilterExit.discard.rawValue else { throw unknown(code) }
            return StepAnswer(reply: FilterReply(try verdict(of: code)), replacement: nil)
        }
    }

    // MARK: What goes in

    var envelopeBytes: [UInt8] { request.currentEnvelope.queueFormat }

    func file(_ bytes: [UInt8]) throws(SystemError) -> OwnedDescriptor {
        let file = try Files.inMemory("envelope")
        try file.borrowed.writeAll(bytes, "envelope")
        return try file.reopenedForReading()
    }

    func view() throws(SystemError) -> OwnedDescriptor {
        try ViewFile.make(
            message, offset: request.messageOffset, length: request.messageLength,
            request.edits.overlay)
    }

    /// The step's command line, with the facts and without what marks our own convention. It ends
    /// when we end, and what it started is killed with it when its time is over.
    func command(_ variables: [String], _ more: [[UInt8]] = []) -> Command {
        let ours = Set(
            Facts.variables.map(\.variable) + Facts.conventionVariables + ["ERROR_FD"]
                + (root.folder == nil ? [] : ["CHAINMAIL_ROOT"]))
        let root = root.folder.map { ["CHAINMAIL_ROOT=\($0)"] } ?? []
        var command = Command(step.program, step.arguments, environment: root + variables)
        // Names that clients chose are passed on byte for byte.
        command.variables = Environment.allBytes(without: ours) + request.facts.environment + more
        command.deathSignal = SIGKILL
        command.hasOwnGroup = true
        return command
    }

    // MARK: What comes out

    /// The exit code.
    func run(_ command: Command) throws(StepError) -> Int32 {
        // What it left running could still write to what it gave us, and hold our caller's pipes.
        let termination = try StepError.translated {
            try Child(command).waitOrKill(deadline, endingGroup: true)
        }
        guard let termination else { throw .timedOut("\(step.program) took too long: killed") }
        guard case .exited(let code) = termination else {
            throw .failed("\(step.program) died: \(termination)")
        }
        return code
    }

    func contents(of file: Descriptor, _ object: String) throws(SystemError) -> [UInt8] {
        let size = Int(try file.status(object).st_size)
        guard size <= Fields.maximumLength else {
            throw SystemError("read", object, .fileTooLarge)
        }
        return try file.bytes(at: 0, count: size, object)
    }

    private func reply(of code: Int32, record: [UInt8]) throws(StepError) -> FilterReply {
        let reply: FilterReply
        do {
            reply = try FilterReply(Fields(frame: record))
        } catch {
            throw .failed("\(step.program) ended with exit \(code) and no whole record: \(error)")
        }
        guard let exit = FilterExit(rawValue: code), StepCall.agrees(reply.verdict, with: exit)
        else { throw .failed("\(step.program) says \(reply.verdict.word) and exit \(code)") }
        return reply
    }

    private static func agrees(_ verdict: Verdict, with exit: FilterExit) -> Bool {
        switch verdict {
        case .accept: exit == .accept
        case .reject: exit == .reject || exit == .reason || exit == .reasonOnErrorDescriptor
        case .discard: exit == .discard
        // A filter that cannot know says so in its record and by the exit code of the reason.
        case .defer: exit != .accept && exit != .discard && !exit.isPermanent
        }
    }

    /// The meaning of an exit code without a record.
    func verdict(of code: Int32) throws(StepError) -> Verdict {
        switch FilterExit(rawValue: code) {
        case .accept: .accept
        case .discard: .discard
        case .addressTooLong: .reject(EnhancedStatus(5, 1, 3), "an address is too long")
        case .reject: .reject(EnhancedStatus(5, 7, 1), "this message is refused here")
        case .defer: .defer(EnhancedStatus(4, 7, 1), "this message is not taken now")
        default: throw unknown(code)
        }
    }

    private func unknown(_ code: Int32) -> StepError {
        .failed("\(step.program) ended with exit \(code)")
    }
}
