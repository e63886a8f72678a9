// SenderAdmission: an authenticated user gives a reverse-path, and may not give every one.
// RFC 6409, section 6.1.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// True when the driver must say whether the user may use a reverse-path.
    var asksForSender: Bool { settings.limitsSenders && user != nil }

    /// The step that the driver's word about the user's reverse-path leads to.
    public mutating func senderAdmitted(_ isAdmitted: Bool) -> SessionStep {
        guard case .sender(let transaction) = pending else { return .reply(.outOfStep) }
        pending = .nothing
        guard isAdmitted else { return .reply(.foreignReversePath) }
        return judge(transaction)
    }
}
