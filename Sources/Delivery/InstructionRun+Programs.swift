// InstructionRun+Programs: what a recipient's instructions run.
// deliver-local(8), section Programs.
// SPDX-License-Identifier: MIT

import MailModel
import Recipients
import UnixIO

/// What a filter made of a message.
final class FilteredMessage {
    /// The command.
    let filter: [UInt8]
    private let output: OwnedDescriptor
    let length: Int
    /// What a program gets of it.
    var copy: MessageCopy?

    init(_ filter: [UInt8], _ output: consuming OwnedDescriptor, length: Int) {
        self.filter = filter
        self.output = output
        self.length = length
    }

    /// Its bytes, from the first one on. It is borrowed from this object.
    var file: Descriptor { output.borrowed }

    /// The same delivery, of these bytes as they are: the edits were made before.
    func request(for request: DeliveryRequest) -> DeliveryRequest {
        var other = request
        other.edits = []
        other.messageOffset = 0
        other.messageLength = length
        return other
    }
}

extension InstructionRun {
    /// What a filter may make of a message: twice as much, and a mebibyte.
    private static func outputLimit(_ request: DeliveryRequest) -> Int {
        let (double, overflow) = request.messageLength.multipliedReportingOverflow(by: 2)
        return overflow ? .max : double.addingReportingOverflow(1 << 20).partialValue
    }

    /// Runs a program.
    mutating func run(
        _ command: [UInt8], _ line: InstructionLine, _ plan: Plan, _ stops: inout Bool
    ) throws(InstructionFault) -> Reply {
        let filtered = try filtered(line, plan)
        let call = try call(command, line, plan)
        do throws(SystemError) {
            let end = try call.run(try message(filtered))
            stops = end.stops
            if !end.output.isEmpty { note("output", end.output) }
            return end.reply
        } catch {
            throw InstructionRun.notNow(error)
        }
    }

    private mutating func message(
        _ filtered: FilteredMessage?
    ) throws(SystemError) -> MessageCopy {
        if let copy = filtered == nil ? copy : filtered?.copy { return copy }
        let made = try MessageCopy(
            filtered?.request(for: request) ?? request, filtered?.file ?? file)
        if let filtered { filtered.copy = made } else { copy = made }
        return made
    }

    private static func notNow(_ error: SystemError) -> InstructionFault {
        InstructionFault(
            Reply(451, EnhancedStatus(4, 3, 0), "The program cannot be run now."), "\(error)")
    }

    private func call(
        _ command: [UInt8], _ line: InstructionLine, _ plan: Plan
    ) throws(InstructionFault) -> ProgramCall {
        let words = ProgramEnvironment(
            destination, mailbox: mailbox, sender: request.envelope.reversePath,
            newSender: plan.sender, rest: plan.rest, more: line.variables)
        guard let environment = words.variables(now: WallClock.seconds) else {
            throw InstructionFault(
                Reply(
                    554, EnhancedStatus(5, 6, 7), "An address that is no text goes to no program."),
                "")
        }
        return ProgramCall(
            command: String(decoding: command, as: UTF8.self),
            home: line.folder ?? destination.home, environment: environment,
            deadline: min(deadline, .after(terms.programLimit)))
    }

    /// What the filter of a line makes of the message; nil without one. It runs once for lines
    /// that follow each other.
    mutating func filtered(
        _ line: InstructionLine, _ plan: Plan
    ) throws(InstructionFault) -> FilteredMessage? {
        guard let filter = line.filter else { return nil }
        if let filtered, filtered.filter == filter { return filtered }
        var ofHome = line
        ofHome.folder = nil
        let made: FilteredMessage
        let isWhole: Bool
        var call = try call(filter, ofHome, plan)
        let failure = { (reason: String) in
            InstructionFault(
                Reply(451, EnhancedStatus(4, 3, 0), "The filter of this mailbox failed."),
                "\(filter.printable): \(reason)")
        }
        do throws(SystemError) {
            let output = try Files.nameless(in: "/tmp")
            call.result = (output.borrowed, InstructionRun.outputLimit(request))
            let end = try call.run(try message(nil))
            if !end.output.isEmpty { note("filter-output", end.output) }
            let length = try Int(output.borrowed.status("output").st_size)
            isWhole = end.reply.code < 300 && !end.stops
            made = FilteredMessage(filter, output, length: length)
        } catch {
            throw failure("\(error)")
        }
        guard isWhole else { throw failure("it did not end with 0, or printed too much") }
        // An empty message is what a filter leaves that was never there.
        guard made.length > 0 else { throw failure("it printed nothing") }
        filtered = made
        return made
    }
}
