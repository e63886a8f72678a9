// Chain+Report: tells steps what became of a request.
// filters.d(5), keyword report.
// SPDX-License-Identifier: MIT

public import MailModel
public import UnixIO

extension Chain {
    /// How long all steps together may take to hear of one outcome: a session waits for them.
    public static let reportLimit = Duration.seconds(1)

    /// Tells the steps with `report failures` that what the request asks for was refused for good,
    /// by the step of this name or by the caller itself. They are told whatever their stage is, but
    /// for the one that refused, for those that do not judge such clients, and for those that are
    /// observed: they charge nothing. What they answer is not heeded, and that they do not answer
    /// is only logged.
    public func report(
        _ outcome: Outcome, _ request: FilterRequest, except refuser: String? = nil, log: Log
    ) {
        guard !request.isTrial else { return }
        let deadline = Deadline.after(Chain.reportLimit)
        for step in steps where step.hearsFailures && step.name != refuser && !step.isObserved {
            guard step.concerns(request.facts) else { continue }
            var request = request
            request.outcome = outcome
            let call = StepCall(
                step: step, root: root, request: request, message: nil,
                deadline: min(deadline, .after(step.timeout)), mayStart: startsSteps)
            do throws(StepError) {
                _ = try call.run()
            } catch {
                log.event(
                    "not-reported",
                    [
                        "step": step.name, "outcome": outcome.rawValue,
                        "error": error.description,
                        "session": request.facts[.session]?.printable,
                        "message": request.facts[.message]?.printable,
                    ])
            }
        }
    }
}
