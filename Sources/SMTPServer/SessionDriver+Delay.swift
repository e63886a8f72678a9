// SessionDriver+Delay: a client that is made to wait, and steps that hear of refusals.
// smtp-server(8), section Delays.
// SPDX-License-Identifier: MIT

import FilterChain
import MailModel
import SMTPProtocol
import UnixIO

extension SessionDriver {
    /// The verdict, after its delay. Nothing is granted before it is over: a client that goes away
    /// meanwhile has begun no transaction and sent no message.
    ///
    /// Where no more sessions may wait, a refusal comes at once, and what would be granted late is
    /// put off instead: without the delay the client would get it sooner the busier we are.
    mutating func waited(
        for verdict: Verdict, _ request: FilterRequest
    ) throws(StreamError) -> Verdict {
        guard verdict.delay > .zero else { return verdict }
        guard let place = server.delayed.take() else {
            log.notDelayed(request, waiting: server.delayed.count)
            if case .accept = verdict { return .defer(.tooManyDelayed) }
            return verdict
        }
        defer { server.delayed.leave(place) }
        let delay = min(verdict.delay, limits.delay)
        log.delays(delay, request)
        try wire.pause(for: delay, patience: limits.command)
        return verdict
    }

    /// Tells the steps that want to know of a recipient that the server itself refused.
    func report(refused mailbox: Mailbox) {
        guard let path = session.envelope?.reversePath else { return }
        let request = FilterRequest(
            stage: .rcpt, facts: session.facts,
            envelope: Envelope(reversePath: path, recipients: [mailbox]))
        server.chain.report(.refused, request, log: server.log)
    }
}
