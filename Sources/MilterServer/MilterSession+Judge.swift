// MilterSession+Judge: asks the chain, waits where it says so, and tells the log.
// milter-chain(8), section LOGS.
// SPDX-License-Identifier: MIT

import FilterChain
import Glibc
import MailModel
import UnixIO

extension MilterSession {
    /// What the steps of a stage before the message say, after its delay.
    func judge(
        _ stage: Stage, _ mta: some MilterMTA, _ envelope: Envelope? = nil, edits: [Edit]
    ) -> Verdict {
        guard chain.judges(stage) else { return .accept }
        let deadline = Deadline.after(server.limits.command)
        let request = FilterRequest(
            stage: stage, facts: facts, envelope: envelope, edits: edits.withoutDelay)
        let judgement = chain.judge(request, nil, log: server.log, deadline: deadline)
        if stage == .rcpt, case .reject = judgement.verdict {
            chain.report(
                .refused, request, except: judgement.trail.last?.step, log: server.log)
        }
        let delay = min(judgement.verdict.delay, deadline.remaining)
        let verdict = waited(for: judgement.verdict, delay) {}
        if case .accept = verdict { return verdict }
        tell(stage, verdict, envelope)
        return verdict
    }

    /// The verdict without its delay, after it. `tick` is called about every ten seconds.
    ///
    /// Where no more sessions may wait, a refusal comes at once, and what would be granted late is
    /// put off instead: without the delay the client would get it sooner the busier we are.
    func waited(for verdict: Verdict, _ delay: Duration, tick: () -> Void) -> Verdict {
        guard delay > .zero else { return verdict.delayed(by: .zero) }
        guard server.delayed.take() else {
            server.log.event(
                "not-delayed", ["verdict": verdict.word, "session": id.description])
            if case .accept = verdict { return .defer(.tooManyDelayed) }
            return verdict.delayed(by: .zero)
        }
        defer { server.delayed.leave() }
        let end = Deadline.after(min(delay, server.limits.delay))
        while !end.hasPassed {
            _ = poll(nil, 0, min(end.pollTimeout, 10_000))
            if !end.hasPassed { tick() }
        }
        return verdict.delayed(by: .zero)
    }

    /// One line.
    func tell(_ stage: Stage, _ verdict: Verdict, _ envelope: Envelope?) {
        var recipient: String?
        if let envelope {
            recipient =
                stage == .rcpt
                ? envelope.recipients.first?.description : "\(envelope.recipients.count)"
        }
        server.log.event(
            "verdict",
            [
                "stage": stage.rawValue, "verdict": verdict.word,
                "reply": verdict.reply?.description,
                "client": facts[.clientIP]?.printable,
                "sender": envelope?.reversePath.bytes.printable,
                (stage == .rcpt ? "recipient" : "recipients"): recipient,
                "session": facts[.session]?.printable, "message": facts[.message]?.printable,
            ])
    }
}
