// Facts+Received: the one fact that a message itself may give away.
// filter-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension Facts {
    /// Takes the HELO name from the topmost Received field, and only when that field's address
    /// is the client's: notqmail hands over no HELO otherwise. No other fact comes from a
    /// message, since anybody may have written it.
    mutating func addHelo(from message: MessageView) throws(FilterError) {
        guard self[.helo] == nil, let client = clientIP, !message.isEmpty else { return }
        let header = try message.header(limit: 16_384)
        guard let received = header.fields.first(where: { $0.isNamed("Received") }),
            let trace = QmailReceived(received.value), trace.address == client
        else { return }
        self[.helo] = trace.helo
    }
}
