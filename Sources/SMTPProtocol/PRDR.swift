// PRDR: after the message one reply for each recipient, then one for all.
// draft-hall-prdr-00; smtp-server(8), section The end of a message.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// MAIL's `PRDR`, which has no value.
    func prdr(_ value: ArraySlice<UInt8>?, _ parameters: inout MailParameters) -> SMTPReply? {
        guard value == nil else { return .badParameter }
        parameters.wantsPRDR = true
        return nil
    }

    /// The end of a transaction with the reply to its message.
    ///
    /// A chain has one verdict for all recipients, so each of them gets it. Those that a step dropped
    /// at `rcpt` got 250 there and are among them: the client must not see a difference.
    mutating func end(with reply: SMTPReply) -> SessionStep {
        let recipients = transaction?.acceptedRecipients ?? 0
        let isForEach = transaction?.parameters.wantsPRDR == true && recipients > 1
        reset()
        if reply.code == 421 { return .close(reply) }
        guard isForEach else { return .reply(reply) }
        return .replies(
            [.repliesFollow] + Array(repeating: reply, count: recipients) + [reply])
    }
}
