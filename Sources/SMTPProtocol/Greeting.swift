// The greeting, after the steps at stage `connect` have judged.
// RFC 5321, section 3.1.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    mutating func connectJudged(_ verdict: Verdict) -> SessionStep {
        switch verdict {
        case .accept(let edits): connectEdits = edits
        case .discard: isDiscarded = true
        case .reject(let reply):
            // The client is told to go, and must still say QUIT.
            isRefused = true
            return .reply(opening(554, reply))
        case .defer(let reply):
            return .close(opening(421, reply))
        }
        return .reply(SMTPReply(220, nil, settings.greeting))
    }

    /// No other code than 220, 554 and 421 can open a session.
    private func opening(_ code: UInt16, _ verdict: Reply) -> SMTPReply {
        SMTPReply(code, nil, "\(settings.name) \(verdict.text)")
    }
}
