// Chain+Judge: runs the steps of one stage.
// filters.d(5), DESCRIPTION.
// SPDX-License-Identifier: MIT

public import MailModel
public import UnixIO

/// What the steps of a stage say together.
public struct ChainVerdict: ~Copyable {
    /// The first verdict that was not accept; else accept with the edits of all steps in order.
    public var verdict: Verdict
    /// The file of the last `replaceMessage` among the edits, for reading only; nil without one.
    public var replacement: OwnedDescriptor?
    /// What each step said, in order, up to the one that ended the chain.
    public var trail: [StepRecord] = []

    /// A verdict that no step has given yet.
    public init(verdict: Verdict) { self.verdict = verdict }
}

extension Chain {
    /// Asks the steps of the request's stage in order. The request carries the edits of earlier
    /// stages; the verdict has only new ones. At stage `message` the descriptor holds the message
    /// where the request says. The delay of the verdict is the longest that any of the steps asked
    /// for: several limits that are exceeded at once do not add up.
    ///
    /// Nothing is thrown: what is not known is `defer`.
    public func judge(
        _ request: FilterRequest, _ message: Descriptor?, log: Log,
        deadline: Deadline = .after(limit)
    ) -> ChainVerdict {
        var request = request
        var result = ChainVerdict(verdict: .accept)
        var added: [Edit] = []
        var delay = Duration.zero
        for step in steps where step.judges(request) {
            var answer = ask(step, request, result.replacement.number ?? message, deadline)
            answer.record.log(request.facts, to: log)
            result.trail.append(answer.record)
            delay = max(delay, answer.verdict.delay)
            guard case .accept(let edits) = answer.verdict else {
                result.verdict = answer.verdict.delayed(by: delay)
                result.replacement = nil
                return result
            }
            added += edits.withoutDelay
            request.add(edits.withoutDelay)
            if let file = answer.replacement.take() { result.replacement = consume file }
        }
        result.verdict = .accept(added).delayed(by: delay)
        return result
    }

    /// What counts of a step's answer, and what is recorded of it.
    private struct Judged: ~Copyable {
        var verdict: Verdict
        var replacement: OwnedDescriptor?
        var record: StepRecord
    }

    /// Asks one step and makes of errors what the step's file says.
    private func ask(
        _ step: Step, _ request: FilterRequest, _ message: Descriptor?, _ deadline: Deadline
    ) -> Judged {
        let begin = WallClock.microseconds
        var record = StepRecord(step, request.stage)
        var call = StepCall(
            step: step, root: root, request: request, message: message,
            deadline: min(deadline, .after(step.timeout)), mayStart: startsSteps)
        if step.isObserved { call.request.isTrial = true }
        var file: OwnedDescriptor?
        do throws(StepError) {
            guard !deadline.hasPassed else { throw .timedOut("the chain's time is over") }
            var answer = try call.run()
            record.verdict = answer.reply.verdict
            record.evidence = answer.reply.evidence
            file = answer.replacement.take()
        } catch {
            // Fails open: only where the administrator wrote `on-error accept`.
            record.verdict = step.acceptsOnError ? .accept : error.verdict
            record.error = error.description
        }
        record.milliseconds = Int(clamping: (WallClock.microseconds &- begin) / 1000)
        if step.isObserved {
            return Judged(verdict: .accept, replacement: nil, record: record)
        }
        return Judged(verdict: record.verdict, replacement: file, record: record)
    }
}

extension FilterRequest {
    /// Adds the edits of a step. A message that it put in the place of the old one is the base
    /// from then on, and what was done to the header of the old one is gone.
    fileprivate mutating func add(_ new: [Edit]) {
        edits += new
        guard let last = edits.lastIndex(where: \.isReplacement),
            case .replaceMessage(let offset, let length) = edits[last]
        else { return }
        messageOffset = offset
        messageLength = length
        edits = edits[..<last].filter { !$0.isOfHeader && !$0.isReplacement } + edits[(last + 1)...]
    }
}

extension Edit {
    fileprivate var isReplacement: Bool { if case .replaceMessage = self { true } else { false } }

    fileprivate var isOfHeader: Bool {
        switch self {
        case .prepend, .remove: true
        case .addRecipient, .removeRecipient, .reversePath, .replaceMessage, .note, .hold, .delay:
            false
        }
    }
}

extension Optional where Wrapped == OwnedDescriptor {
    /// The descriptor, for calls that only use it.
    fileprivate var number: Descriptor? {
        switch self {
        case .some(let owned): owned.borrowed
        case .none: nil
        }
    }
}
