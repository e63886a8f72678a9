// LIMITS: how much a client may ask for, told beforehand.
// RFC 9422.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// `LIMITS` with the limits that there are.
    var limitsKeyword: String {
        let transactions = settings.transactions
        return "LIMITS" + (transactions > 0 ? " MAILMAX=\(transactions)" : "")
            + " RCPTMAX=\(settings.recipients)"
    }

    /// True when the client has begun all the transactions that it may.
    var isTransactionsLimitReached: Bool {
        settings.transactions > 0 && messages >= settings.transactions
    }
}
