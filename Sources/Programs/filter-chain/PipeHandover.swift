// PipeHandover: an accepted message to descriptor 1, a server or a program.
// filter-chain(8), section In a pipe.
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
import MailModel
import Relaying
import SMTPProtocol
import UnixIO

/// What became of it.
enum HandoverEnd {
    /// Whoever took it says so.
    case ended(SysExit)
    /// A server says this.
    case answered(Reply)
}

/// Hands one message over.
struct PipeHandover {
    let target: PipeTarget
    let patience: Duration
    let id: QueueID
    let facts: Facts
    let envelope: Envelope
    let edits: [Edit]
    /// Where a program's words for the caller go.
    let errors: Int32
    let log: Log

    /// Does it.
    func finish(
        _ message: borrowing PipedMessage, _ replacement: consuming OwnedDescriptor?
    ) throws -> HandoverEnd {
        if let replacement, let range = edits.replacement {
            let content = EditedMessage(
                replacement.borrowed, offset: range.offset, length: range.length, edits.overlay)
            let exit = try hand(content, message)
            withExtendedLifetime(replacement.number) {}
            return exit
        }
        return try hand(
            EditedMessage(
                message.arrival.file.borrowed, offset: message.arrival.offset,
                length: message.arrival.length, edits.overlay), message)
    }

    private func hand(
        _ content: EditedMessage, _ message: borrowing PipedMessage
    ) throws -> HandoverEnd {
        switch target {
        case .output:
            let output = Descriptor(rawValue: 1)
            try output.writeAll(message.fromLine, "standard output")
            try write(content, to: output, usesCRLF: message.usesCRLF)
            return .ended(.accepted)
        case .server(let server): return .answered(give(content, to: server))
        case .sendmail(let words):
            return .ended(try start(words + sendmailArguments(), content))
        case .program(let words): return .ended(try start(words, content))
        }
    }

    private func write(
        _ content: EditedMessage, to file: Descriptor, usesCRLF: Bool = false
    ) throws {
        var content = content
        var encoder = DataEncoder(hasFinalDot: false)
        while let piece = try content.next() {
            guard usesCRLF else {
                try file.writeAll(piece, "message")
                continue
            }
            var output: [UInt8] = []
            try encoder.encode(piece, into: &output)
            try file.writeAll(output, "message")
        }
    }

    private func give(_ content: EditedMessage, to server: ServerBehind) -> Reply {
        let reply = server.take(
            edits.applied(to: envelope), content, of: facts, until: .after(patience * 2))
        log.event(
            "handed-over",
            [
                "server": "\(server.endpoint)", "reply": reply.description,
                "message": id.description,
            ])
        return reply
    }

    /// What follows the program's own words. Recipients come after `--`, so that none is an option.
    private func sendmailArguments() throws -> [String] {
        let envelope = edits.applied(to: envelope)
        let sender = try envelope.reversePath.mailbox.map(argument) ?? "<>"
        return ["-i", "-f", sender, "--"] + (try envelope.recipients.map(argument))
    }

    /// Programs parse an address as it would be in a header field.
    private func argument(_ mailbox: Mailbox) throws -> String {
        let path = PathSyntax.path(of: mailbox, utf8: true)?.dropFirst().dropLast()
        return String(decoding: path.map(Array.init) ?? mailbox.bytes, as: UTF8.self)
    }

    /// Runs a program, without a shell, that reads the message from descriptor 0.
    private func start(_ words: [String], _ content: EditedMessage) throws -> SysExit {
        guard let name = words.first, let path = Programs.find(name) else {
            throw Failure(.badConfiguration, "\(words.first ?? ""): no such program")
        }
        let file = try ViewFile.temporary(for: .max)
        try write(content, to: file.borrowed)
        let input = try file.reopenedForReading()
        let ours = Set(Facts.conventionVariables)
        var command = Command(
            path, Array(words.dropFirst()), environment: Environment.all(without: ours))
        command.descriptors = [0: input.number, 2: errors]
        command.deathSignal = SIGKILL
        let child = try Child(command)
        let termination = try child.waitOrKill(.after(patience))
        withExtendedLifetime(input.number) {}
        log.event(
            "handed-over",
            [
                "program": path, "result": termination.map { "\($0)" } ?? "time limit",
                "message": id.description,
            ])
        return SysExit(termination)
    }
}

extension PipeTarget {
    /// True when nothing goes to descriptor 1.
    var isHandover: Bool {
        if case .output = self { false } else { true }
    }
}
