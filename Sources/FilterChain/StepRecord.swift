// StepRecord: what a step said, for logs and for --explain.
// filter-chain(8), section LOGS.
// SPDX-License-Identifier: MIT

public import MailModel
import UnixIO

/// One step's part in a verdict.
public struct StepRecord: Hashable, Sendable {
    /// The name of the step's file.
    public let step: String
    /// When it judged.
    public let stage: Stage
    /// What it said; where it said nothing, what stands for that.
    public internal(set) var verdict: Verdict = .accept([])
    /// The words that came with its verdict; empty without any.
    public internal(set) var evidence = ""
    /// Why it gave no verdict; nil when it gave one.
    public internal(set) var error: String?
    /// True when the verdict was not applied.
    public let isObserved: Bool
    /// How long it took.
    public internal(set) var milliseconds = 0
    private let logsItself: Bool

    init(_ step: Step, _ stage: Stage) {
        self.step = step.name
        self.stage = stage
        isObserved = step.isObserved
        logsItself = step.convention == .chain
    }

    /// One line a verdict, but for a plain accept of a step of our own convention: such a filter
    /// writes the line itself.
    func log(_ facts: Facts, to log: Log) {
        if case .accept = verdict, error == nil, !isObserved, logsItself { return }
        log.event(
            "step",
            [
                "step": step, "stage": stage.rawValue, "verdict": verdict.word,
                "reply": verdict.reply?.description, "error": error,
                "mode": isObserved ? "observe" : nil, "ms": "\(milliseconds)",
                "session": facts[.session]?.printable, "message": facts[.message]?.printable,
            ])
    }
}
