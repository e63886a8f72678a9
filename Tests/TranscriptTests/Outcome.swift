// Outcome: all that came of one step, in one text, so that whole results are compared.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport

/// What came of a step, and what should have.
struct Outcome: Equatable, CustomStringConvertible {
    var exit: String?
    var verdict: String?
    var reply: String?
    /// What went on: to descriptor 1, to the next program, or into the queue.
    var message: [UInt8]?
    var envelope: [UInt8]?
    var errors: String?

    var description: String {
        let rows: [(String, String?)] = [
            ("exit", exit), ("verdict", verdict), ("reply", reply),
            ("message", message.map(Outcome.short)), ("envelope", envelope.map(Outcome.short)),
            ("errors", errors),
        ]
        return "\n" + rows.map { "  \($0.0): \($0.1 ?? "-")\n" }.joined()
    }

    private static func short(_ bytes: [UInt8]) -> String {
        let text = String(decoding: bytes.prefix(400), as: UTF8.self)
        return "\(bytes.count) bytes \(text.debugDescription)"
    }
}

extension Step {
    /// True when the message goes on.
    var isAccepted: Bool { verdict == "accept" }

    /// The exit code that belongs to the verdict in a convention.
    func exitCode(in way: Way) -> Int32 {
        if let exit { return exit }
        let isQueue = way == .queue || way == .queueByPipe
        return switch verdict {
        case "accept": 0
        case "reject": 31
        case "discard": isQueue ? 0 : 99
        default: 71
        }
    }

    /// What should come of it.
    func expected(_ way: Way, tool: String) -> Outcome {
        var outcome = Outcome()
        switch way {
        case .shell, .shellByPipe:
            outcome.exit = "exit \(exitCode(in: way))"
            let goesOn = isAccepted || exit == 0 && output != nil
            outcome.message = goesOn && !options.contains("--check") ? output ?? message : []
            outcome.errors = expectedErrors(tool)
        case .queue, .queueByPipe:
            outcome.exit = "exit \(exitCode(in: way))"
            outcome.message = isAccepted ? output ?? message : nil
            outcome.envelope = isAccepted ? newQueueFormat : nil
        case .qfilter:
            let isEdited = isAccepted && !options.contains("--check")
            outcome.exit = "exit \(exitCode(in: way))"
            outcome.message = isEdited ? output ?? message : isAccepted ? message : nil
            outcome.envelope = isEdited ? newQueueFormat : isAccepted ? queueFormat : nil
        case .chain, .resident:
            outcome.exit = way == .chain ? "exit \(exitCode(in: way))" : nil
            outcome.verdict = verdict
            outcome.reply = reply
            outcome.message = isAccepted ? output ?? message : nil
            outcome.envelope = isAccepted ? newQueueFormat : nil
        case .plain:
            outcome.exit = "exit \(exit ?? 0)"
            outcome.message = output ?? []
            outcome.errors = errors.map { String(decoding: $0, as: UTF8.self) } ?? ""
        }
        return outcome
    }

    /// One line that says the verdict, after the evidence where it was asked for.
    private func expectedErrors(_ tool: String) -> String? {
        if let errors { return String(decoding: errors, as: UTF8.self) }
        guard let verdict else { return nil }
        let line = [verdict, reply].compactMap(\.self).joined(separator: " ")
        return String(decoding: explain ?? [], as: UTF8.self) + "\(tool): \(line)\n"
    }
}
