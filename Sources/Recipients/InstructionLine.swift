// InstructionLine: one thing to do with a message, with what holds for it alone.
// deliver-local(8), section Virtual users.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// One thing to do with a message, with what holds for it alone.
public struct InstructionLine: Hashable, Sendable {
    /// A variable of a program's environment, beside those that all have.
    public struct Variable: Hashable, Sendable {
        /// What it is called.
        public let name: String
        /// What is in it.
        public let value: [UInt8]

        /// A variable.
        public init(_ name: String, _ value: some Sequence<UInt8>) {
            self.name = name
            self.value = Array(value)
        }
    }

    /// What to do.
    public var instruction: Instruction
    /// Why it ends here, instead.
    public var fault: InstructionFault?
    /// A command that the message goes through before.
    public var filter: [UInt8]?
    /// The folder that a program runs in; nil for the home.
    public var folder: String?
    /// The folder below which a Maildir's folders are made where they are missing; nil for that of
    /// the host.
    public var base: String?
    /// What Delivered-To says; nil for the recipient.
    public var address: [UInt8]?
    /// What else a program knows.
    public var variables: [Variable] = []

    /// An instruction of which nothing else is to be said.
    public init(_ instruction: Instruction) { self.instruction = instruction }

    /// The end, with a reply.
    init(_ fault: InstructionFault) {
        instruction = .drop
        self.fault = fault
    }

    /// The same behind a filter.
    func filtered(by filter: [UInt8]?) -> InstructionLine {
        var line = self
        line.filter = filter
        return line
    }
}

extension InstructionFault {
    /// Nobody can say now what is to be done.
    static func later(_ reason: String) -> InstructionFault {
        InstructionFault(
            Reply(451, EnhancedStatus(4, 3, 0), "The mailbox cannot be looked up now."), reason)
    }

    /// The mailbox is there and takes no mail.
    static func disabled(_ reason: String) -> InstructionFault {
        InstructionFault(
            Reply(550, EnhancedStatus(5, 2, 1), "This mailbox takes no mail."), reason)
    }

    /// Runs what looks a mailbox up.
    static func looking<Result>(
        _ body: () throws(ControlError) -> Result
    ) throws(InstructionFault) -> Result {
        do throws(ControlError) { return try body() } catch { throw .later("\(error)") }
    }
}
