// MilterVerdicts: what a milter's answer comes to: every reply that milter-filter gives.
// milter-filter(8).
// SPDX-License-Identifier: MIT

import MailModel
import MilterProtocol

extension MilterReply {
    /// The verdict of an answer that ends the dialog; nil for one that does not, and for a reply of
    /// SMTP that is none.
    var verdict: Verdict? {
        switch self {
        case .accept: .accept
        case .reject: .reject(EnhancedStatus(5, 7, 1), "refused by policy")
        case .tempfail: .defer(EnhancedStatus(4, 7, 1), "please try again later")
        case .discard: .discard
        case .connectionFailure: .defer(EnhancedStatus(4, 7, 0), "please try again later")
        case .shutdown:
            .defer(Reply(421, EnhancedStatus(4, 7, 0), "please try again later"))
        case .reply(let text):
            Reply(milterText: text).map { $0.isPermanent ? .reject($0) : .defer($0) }
        default: nil
        }
    }
}

extension Verdict {
    /// What cannot be shown to a milter cannot leave by SMTP either.
    static let bareCarriageReturn = Verdict.reject(
        Reply(554, EnhancedStatus(5, 6, 0), "a line of the message ends with CR alone"))
    static let nulInHeader = Verdict.reject(
        Reply(554, EnhancedStatus(5, 6, 0), "the header of the message holds NUL"))
}

extension MilterDecision {
    /// Of many recipients one was refused, and one answer is for all of them.
    func naming(_ recipient: Mailbox) -> MilterDecision {
        guard let reply = verdict.reply else { return self }
        let named = Reply(reply.code, reply.status, "\(recipient): \(reply.text)")
        return MilterDecision(
            verdict: named.isPermanent ? .reject(named) : .defer(named), command: command,
            answer: answer)
    }
}
