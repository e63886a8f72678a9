// AUTH=: who gave a message in the first place, as the client says.
// RFC 4954, section 5.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// MAIL's `AUTH=`: `<>` or a mailbox as xtext. It is checked and goes no further: nobody behind
    /// us would believe it.
    func submitter(_ value: ArraySlice<UInt8>?) -> SMTPReply? {
        guard let value else { return .badParameter }
        if value.elementsEqual([0x3C, 0x3E]) { return nil }
        guard let mailbox = XText.decoded(value), !mailbox.contains(where: \.isControl) else {
            return .badParameter
        }
        return PathSyntax.isMailbox(mailbox, utf8: true) ? nil : .badParameter
    }
}
