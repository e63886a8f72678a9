// Chain+Plan: the chain in words.
// filter-chain(8), option --plan.
// SPDX-License-Identifier: MIT

import MailModel

extension Chain {
    /// The chain as it would run, a line a step; stages in the order of a session, steps of one
    /// stage in the order of their names; then what is ignored.
    public var plan: String {
        var lines: [String] = []
        for stage in Stage.allCases {
            for step in steps where step.stage == stage { lines.append(step.plan) }
        }
        if lines.isEmpty { lines.append("no step: every message is accepted") }
        lines += ignored.map { "ignored \($0)" }
        return lines.map { "\($0)\n" }.joined()
    }
}

extension Step {
    fileprivate var plan: String {
        var words = ["\(stage.rawValue)", name, "run", program] + arguments.map(Step.quoted)
        words += ["convention", convention.rawValue]
        words += ["workers", workers.map { "\($0.lowerBound)-\($0.upperBound)" } ?? "0"]
        words += ["timeout", "\(timeout.milliseconds)ms"]
        words += ["on-error", acceptsOnError ? "accept" : "defer"]
        if skipsRelayed { words += ["skip", "relayed"] }
        if skipsLocal { words += ["skip", "local"] }
        if hearsFailures { words += ["report", "failures"] }
        if isObserved { words += ["mode", "observe"] }
        return words.joined(separator: " ")
    }

    private static func quoted(_ word: String) -> String {
        let isPlain = !word.isEmpty && !word.utf8.contains { $0.isBlank || $0 == 0x27 }
        return isPlain ? word : word.utf8.contains(0x27) ? "\"\(word)\"" : "'\(word)'"
    }
}
