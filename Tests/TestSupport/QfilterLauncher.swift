// QfilterLauncher: runs filters one after the other as qmail-qfilter does, descriptor by descriptor.
// qmail-qfilter(1): Debian has none, so tests bring this along.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// What qmail-qfilter does before it becomes qmail-queue.
public struct QfilterLauncher {
    /// The command lines, as `--` divides them.
    public var filters: [Tool]
    /// What it reads from descriptor 0.
    public var message: [UInt8]
    /// What it reads from descriptor 1.
    public var envelope: [UInt8]
    /// What the client gave it as descriptor 6.
    public var descriptor6: Int32?
    /// Where the offset of the message stands for each filter: 0 in the original.
    public var messageOffset = 0

    /// What came of all filters.
    public struct Outcome {
        /// The exit code of the whole: 0 also when a filter dropped the message.
        public var code: Int32
        /// How each filter ended that was run.
        public var ends: [Termination] = []
        /// True when qmail-queue would be run.
        public var isQueued = false
        /// What qmail-queue would read from descriptor 0.
        public var message: [UInt8]
        /// What qmail-queue would read from descriptor 1.
        public var envelope: [UInt8]
        /// What filters wrote to descriptors 1 and 4, for each.
        public var written: [(message: [UInt8], envelope: [UInt8])] = []
        /// What filters wrote to descriptor 2.
        public var errors = ""
    }

    /// A launcher of one filter or more.
    public init(_ filters: [Tool], message: [UInt8], envelope: [UInt8]) {
        self.filters = filters
        self.message = message
        self.envelope = envelope
    }

    /// Runs the filters until one does not exit 0.
    public func run() throws -> Outcome {
        var outcome = Outcome(code: 0, message: message, envelope: envelope)
        let errors = try Files.inMemory("errors")
        let nextProgram = try Files.inMemory("next program")
        for filter in filters {
            let end = try run(filter, errors.number, nextProgram.number, &outcome)
            outcome.ends.append(end)
            guard end == .exited(0) else {
                switch end {
                case .exited(99): outcome.code = 0
                case .exited(let code): outcome.code = code
                case .killed: outcome.code = 81
                }
                outcome.errors = try text(errors)
                return outcome
            }
            guard let written = outcome.written.last else { continue }
            // What is empty is unchanged.
            if !written.message.isEmpty { outcome.message = written.message }
            if !written.envelope.isEmpty { outcome.envelope = written.envelope }
        }
        outcome.isQueued = true
        outcome.errors = try text(errors)
        return outcome
    }

    private func run(
        _ filter: Tool, _ errors: Int32, _ nextProgram: Int32, _ outcome: inout Outcome
    ) throws -> Termination {
        let message = try file(outcome.message, at: messageOffset)
        let envelope = try file(outcome.envelope, at: 0)
        let newMessage = try Files.inMemory("new message")
        let newEnvelope = try Files.inMemory("new envelope")
        var filter = filter
        filter.environment.merge(variables(outcome)) { own, _ in own }
        var command = try filter.command
        command.descriptors = [
            0: message.number, 1: newMessage.number, 2: errors, 3: envelope.number,
            4: newEnvelope.number, 5: nextProgram,
        ]
        if let descriptor6 { command.descriptors[6] = descriptor6 }
        let end = try Running(try Child(command)).wait(filter.limit, filter.path)
        outcome.written.append((try bytes(newMessage), try bytes(newEnvelope)))
        return end
    }

    private func variables(_ outcome: Outcome) -> [String: String] {
        let envelope = try? Envelope(queueFormat: outcome.envelope)
        let sender = envelope?.reversePath.mailbox
        let recipients = envelope?.recipients ?? []
        return [
            "QMAILPPID": "\(getpid())",
            "QMAILUSER": sender.map { String(decoding: $0.localPart, as: UTF8.self) } ?? "",
            "QMAILHOST": sender?.domain.map { String(decoding: $0, as: UTF8.self) } ?? "",
            "QMAILRCPTS": recipients.map { "\(String(decoding: $0.bytes, as: UTF8.self))\n" }
                .joined(),
            "NUMRCPTS": "\(recipients.count)", "ENVSIZE": "\(outcome.envelope.count)",
            "MSGSIZE": "\(outcome.message.count)",
        ]
    }

    private func file(_ bytes: [UInt8], at offset: Int) throws -> OwnedDescriptor {
        let file = try Files.inMemory("input")
        try file.borrowed.writeAll(bytes, "input")
        _ = lseek(file.number, min(offset, bytes.count), SEEK_SET)
        return file
    }

    private func bytes(_ file: borrowing OwnedDescriptor) throws -> [UInt8] {
        let size = Int(try file.borrowed.status("output").st_size)
        return try file.borrowed.bytes(at: 0, count: size, "output")
    }

    private func text(_ file: borrowing OwnedDescriptor) throws -> String {
        String(decoding: try bytes(file), as: UTF8.self)
    }
}
