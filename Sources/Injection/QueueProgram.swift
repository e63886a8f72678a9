// QueueProgram: what takes the message: the one of QMAILQUEUE, else the way into our queue.
// qmail-queue(8), section on the protocol.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import MailQueue
import UnixIO

/// A pipe to or from a child, close-on-exec, whose ends wait.
private struct ChildPipe: ~Copyable {
    let reading: OwnedDescriptor
    let writing: OwnedDescriptor

    init() throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError.last("pipe", "queue program") }
        let first = OwnedDescriptor(ends[0])
        let second = OwnedDescriptor(ends[1])
        // Above 2, whatever of these was closed when we began.
        let reading = try first.duplicate()
        let writing = try second.duplicate()
        self.reading = reading
        self.writing = writing
    }

    /// Gives the end to write away and closes the other.
    consuming func intoWriting() -> OwnedDescriptor { writing }

    /// The same the other way round.
    consuming func intoReading() -> OwnedDescriptor { reading }
}

/// A running program that reads a message and then an envelope.
struct QueueProgram: ~Copyable {
    private let path: String
    private let message: OwnedDescriptor
    private let envelope: OwnedDescriptor
    private let reason: OwnedDescriptor
    private let errors: OwnedDescriptor
    private let child: Child
    private var isBroken = false

    /// Starts it.
    /// - Throws: `InjectionError`.
    static func start(
        _ root: Root, _ envelope: Envelope, _ request: InjectionRequest
    ) throws(InjectionError) -> QueueProgram {
        let (path, arguments) = try QueueProgram.program(root)
        let variables = QueueProgram.environment(envelope, request)
        do throws(SystemError) {
            return try QueueProgram(starting: Command(path, arguments, environment: variables))
        } catch {
            throw error.call == "exec" ? .configuration("\(error)") : .temporary("\(error)")
        }
    }

    private init(starting command: Command) throws(SystemError) {
        let message = try ChildPipe()
        let envelope = try ChildPipe()
        let reason = try ChildPipe()
        let errors = try Files.inMemory("errors")
        var command = command
        command.descriptors = [
            0: message.reading.number, 1: envelope.reading.number, 2: errors.number,
            6: reason.writing.number,
        ]
        let child = try Child(command)
        path = command.path
        self.child = child
        self.message = message.intoWriting()
        self.envelope = envelope.intoWriting()
        self.reason = reason.intoReading()
        self.errors = errors
    }

    /// `QMAILQUEUE`; else what `control/injectqueue` names; else queue-message, which every user of
    /// the host may ask, as not all of the chain's steps let themselves be asked by everybody.
    private static func program(
        _ root: Root
    ) throws(InjectionError) -> (path: String, arguments: [String]) {
        if let path = Environment.text("QMAILQUEUE"), !path.isEmpty { return (path, []) }
        var name = "queue-message"
        do throws(ControlError) {
            if let line = try root.control.line("injectqueue"), !line.isEmpty {
                name = String(decoding: line, as: UTF8.self)
            }
        } catch {
            throw .configuration("\(error)")
        }
        guard let path = Programs.find(name) else {
            throw .configuration("\(name): no such program beside this one or in PATH")
        }
        return (path, root.arguments)
    }

    private static func environment(
        _ envelope: Envelope, _ request: InjectionRequest
    ) -> [String] {
        // The reason comes at descriptor 6.
        let ours = Set(Envelope.optionVariables + ["ERROR_FD"])
        var variables = Environment.all(without: ours)
        if let notify = request.notify { variables.append("CHAINMAIL_NOTIFY=\(notify.value)") }
        if let ret = request.ret { variables.append("CHAINMAIL_RET=\(ret.rawValue)") }
        if let envid = request.envid {
            variables.append("CHAINMAIL_ENVID=\(envid.xtext.printable)")
        }
        let addresses = envelope.recipients.map(\.bytes) + [envelope.reversePath.bytes]
        if addresses.contains(where: { $0.contains { $0 >= 0x80 } }) {
            variables.append("CHAINMAIL_SMTPUTF8=1")
        }
        return variables
    }

    /// Writes a part of the message. A program that does not want the rest says so by its exit.
    mutating func write(_ bytes: [UInt8]) {
        guard !isBroken, !bytes.isEmpty else { return }
        do throws(SystemError) {
            try message.borrowed.writeAll(bytes, "queue program")
        } catch {
            isBroken = true
        }
    }

    /// The message is whole: the envelope follows, and the program decides.
    /// - Throws: `InjectionError` when it does not take the message.
    consuming func finish(_ envelope: Envelope) throws(InjectionError) {
        let path = self.path
        let reason = self.reason
        let errors = self.errors
        _ = consume message
        // A program that is gone says why by its exit.
        try? self.envelope.borrowed.writeAll(envelope.queueFormat, "queue program")
        _ = consume self.envelope
        let termination: Termination
        do throws(SystemError) {
            termination = try child.wait()
        } catch {
            throw .temporary("\(error)")
        }
        guard termination != .exited(0) else { return }
        throw QueueProgram.failure(
            path, termination, QueueProgram.reason(reason.borrowed),
            QueueProgram.lastLine(errors.borrowed))
    }

    /// What is in the pipe now: something else that has its other end must not hold us up.
    private static func reason(_ pipe: Descriptor) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: QueueReason.limit)
        guard (try? pipe.wait(.toRead, until: .after(.zero), "reason")) == true else { return [] }
        let got = read(pipe.rawValue, &bytes, bytes.count)
        return got > 0 ? Array(bytes[..<got]) : []
    }

    private static func lastLine(_ file: Descriptor) -> [UInt8] {
        let size = Int((try? file.status("errors").st_size) ?? 0)
        let start = max(0, size - 4096)
        let bytes = (try? file.bytes(at: start, count: size - start, "errors")) ?? []
        return bytes.split(separator: 0x0A).last.map(Array.init) ?? []
    }
}

extension QueueProgram {
    /// What an end other than exit 0 means: 11 to 40 are for good, all others are not.
    static func failure(
        _ path: String, _ termination: Termination, _ reason: [UInt8], _ errors: [UInt8]
    ) -> InjectionError {
        guard case .exited(let code) = termination else {
            return .temporary("\(path) died: \(termination)")
        }
        let isReason = code == FilterExit.reason.rawValue && reason.count > 2
        if isReason {
            let text = reason.dropFirst().printable
            return reason.first == 0x44 ? .refused(text) : .temporary(text)
        }
        let words =
            switch FilterExit(rawValue: code) {
            case .addressTooLong: "an address is too long"
            case .reject: "the message is refused"
            case .outOfMemory: "out of memory"
            case .timedOut: "it took too long"
            case .cannotWrite: "the queue cannot be written to, or the disk is full"
            case .cannotRead: "the message cannot be read"
            case .badConfiguration: "a configuration is wrong"
            case .networkTrouble: "a service behind it is not there"
            case .defer: "the message is refused for now"
            default: "exit \(code)"
            }
        let text = "\(path): \(words)"
        if code == FilterExit.badConfiguration.rawValue {
            return .configuration(errors.isEmpty ? text : "\(text); \(errors.printable)")
        }
        return (11...40).contains(code) ? .refused(text) : .temporary(text)
    }
}
