// MissingFields: what a user's message must have and has not.
// RFC 6409, section 8; RFC 5322, section 3.6.
// SPDX-License-Identifier: MIT

import MailModel
import MailQueue

/// Which of the two fields that a server may add for a user are there.
struct MissingFields: Hashable {
    let hasDate: Bool
    let hasMessageID: Bool

    /// Edits that add the others: the date is that of the submission, and the id is the message's in
    /// our queue.
    func edits(id: QueueID, host: String, time: Int) -> [Edit] {
        var fields: [HeaderField?] = []
        if !hasMessageID { fields.append(HeaderField("Message-ID", "<\(id)@\(host)>")) }
        if !hasDate { fields.append(HeaderField("Date", "\(MailDate(seconds: time))")) }
        return fields.compactMap { $0.map(Edit.prepend) }
    }
}
