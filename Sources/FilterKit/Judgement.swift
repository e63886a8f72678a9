// Judgement: the verdict on one request, or why there is none, and what is said about it.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import UnixIO

/// What came out of asking a filter once.
struct Judgement {
    let verdict: Verdict
    /// Set when the filter did not know; the verdict is defer then.
    let error: FilterError?
    let evidence: Evidence
    /// What the filter wrote, when the verdict replaces the message by it.
    var replacement: Replacement?

    /// Asks a filter.
    static func of<F: Filter>(
        _ filter: inout F, _ request: Request, explains: Bool
    ) -> Judgement {
        var evidence = Evidence(isWanted: explains)
        do throws(FilterError) {
            if let outcome = request.outcome {
                try filter.learn(outcome, of: request, &evidence)
                return Judgement(verdict: .accept, error: nil, evidence: evidence)
            }
            let verdict = try filter.judge(request, &evidence)
            var judgement = Judgement(verdict: verdict, error: nil, evidence: evidence)
            if try request.replacement.file(for: judgement.edits) != nil {
                judgement.replacement = request.replacement
            }
            return judgement
        } catch {
            return Judgement(verdict: .defer(error.reply), error: error, evidence: evidence)
        }
    }

    /// The same where nobody can hold a message: then hold is defer.
    var withoutHold: Judgement {
        guard case .accept(let edits) = verdict, edits.hold else { return self }
        let reply = Reply(451, EnhancedStatus(4, 7, 0), "the message waits for the administrator")
        return Judgement(verdict: .defer(reply), error: error, evidence: evidence)
    }

    /// A message with the edits of an accept made.
    func edited(_ message: MessageView) -> MessageView {
        guard let replacement, let file = replacement.descriptor else {
            return message.edited(edits.overlay)
        }
        return MessageView(.file(file, offset: 0, length: replacement.length), edits.overlay)
    }

    /// The exit code of the shell and chain conventions.
    var exit: FilterExit {
        if let error { return error.exit }
        return switch verdict {
        case .accept: .accept
        case .reject: .reject
        case .defer: .defer
        case .discard: .discard
        }
    }

    /// The exit code in qmail-queue's place, where a client may take the reply as a reason.
    func exit(_ reason: QueueReason) -> FilterExit {
        error?.exit ?? reason.exit(of: verdict)
    }

    /// The edits of an accept.
    var edits: [Edit] {
        if case .accept(let edits) = verdict { edits } else { [] }
    }

    /// Writes the JSON object of `--explain` to descriptor 2.
    func explain(_ name: String) {
        guard evidence.isWanted else { return }
        let line = evidence.line(name, verdict, error)
        // Where nobody reads evidence, the verdict still stands.
        try? Standard.error.writeAll(line, "evidence")
    }

    /// Writes the one line of a verdict for people.
    func say(_ name: String) {
        var line = "\(name): \(verdict.word)"
        if let error {
            line += ": \(error.text)"
        } else if let reply = verdict.reply {
            line += " \(reply)"
        }
        try? Standard.error.writeAll(Array(line.utf8).map { $0.isControl ? 0x3F : $0 } + [0x0A], "")
    }

    /// Writes the one line of a verdict for logs.
    func log(_ name: String, _ request: Request) {
        var pairs: [(key: String, value: String?)] = [
            ("session", request.facts[.session]?.printable),
            ("message", request.facts[.message]?.printable),
            ("stage", request.stage.rawValue),
            ("client", request.facts[.clientIP]?.printable),
            ("sender", request.reversePath?.bytes.printable), ("verdict", verdict.word),
        ]
        pairs.append(("outcome", request.outcome?.rawValue))
        if let reply = verdict.reply {
            pairs += [("code", "\(reply.code)"), ("status", "\(reply.status)")]
        }
        pairs += evidence.pairs
        pairs.append(("error", error?.text))
        Log(name).event("verdict", pairs: pairs)
    }
}

/// The descriptors every process begins with.
enum Standard {
    static let input = Descriptor(rawValue: 0)
    static let output = Descriptor(rawValue: 1)
    static let error = Descriptor(rawValue: 2)
}
