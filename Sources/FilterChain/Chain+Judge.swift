// Chain+Judge: runs the steps of one stage.
// filters.d(5), DESCRIPTION.
// SPDX-License-Identifier: MIT

public import MailModel
public import UnixIO

/// What the steps of a stage say together.
public struct ChainVerdict: ~Copyable {
    /// The first verdict that was not accept; else accept with the edits of all steps in order.
    public var verdict: Verdict
    /// The file of the last `replaceMessage` among the edits; nil without one.
    public var replacement: OwnedDescriptor?
}

extension Chain {
    /// Asks the steps of the request's stage in order. The request carries the edits of earlier
    /// stages; the verdict has only new ones. At stage `message` the descriptor holds the message
    /// where the request says.
    ///
    /// Nothing is thrown: what is not known is `defer`.
    public func judge(
        _ request: FilterRequest, _ message: Descriptor?, log: Log,
        deadline: Deadline = .after(limit)
    ) -> ChainVerdict {
        var request = request
        var result = ChainVerdict(verdict: .accept, replacement: nil)
        var added: [Edit] = []
        for step in steps where step.stage == request.stage && !step.skips(request.facts) {
            var answer = ask(step, request, result.replacement.number ?? message, log, deadline)
            guard case .accept(let edits) = answer.verdict else {
                result.verdict = answer.verdict
                result.replacement = nil
                return result
            }
            request.edits += edits
            added += edits
            if let file = answer.replacement.take(), let range = edits.replacement {
                (request.messageOffset, request.messageLength) = range
                result.replacement = consume file
            }
        }
        result.verdict = .accept(added)
        return result
    }

    /// Asks one step and makes of errors what the step's file says.
    private func ask(
        _ step: Step, _ request: FilterRequest, _ message: Descriptor?, _ log: Log,
        _ deadline: Deadline
    ) -> ChainVerdict {
        let begin = WallClock.microseconds
        var call = StepCall(
            step: step, socket: socket(of: step), request: request, message: message,
            deadline: min(deadline, .after(step.timeout)))
        if step.isObserved { call.request.isTrial = true }
        do throws(StepError) {
            guard !deadline.hasPassed else { throw .timedOut("the chain's time is over") }
            let answer = try call.run()
            note(step, request, answer.verdict, nil, begin, log)
            return step.isObserved ? ChainVerdict(verdict: .accept, replacement: nil) : answer
        } catch {
            let isAccepted = step.acceptsOnError || step.isObserved
            let verdict = isAccepted ? Verdict.accept : error.verdict
            note(step, request, verdict, error, begin, log)
            return ChainVerdict(verdict: verdict, replacement: nil)
        }
    }

    /// One line for what is not a plain accept; each filter logs its own verdicts.
    private func note(
        _ step: Step, _ request: FilterRequest, _ verdict: Verdict, _ error: StepError?,
        _ begin: UInt64, _ log: Log
    ) {
        if case .accept = verdict, error == nil, !step.isObserved { return }
        let elapsed = (WallClock.microseconds &- begin) / 1000
        log.event(
            "step",
            [
                "step": step.name, "stage": request.stage.rawValue, "verdict": verdict.word,
                "reply": verdict.reply?.description, "error": error?.description,
                "mode": step.isObserved ? "observe" : nil, "ms": "\(elapsed)",
                "session": request.facts[.session]?.printable,
                "message": request.facts[.message]?.printable,
            ])
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
