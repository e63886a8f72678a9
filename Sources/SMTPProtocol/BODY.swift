// BODY: whether a message holds bytes over 127.
// RFC 6152 (8BITMIME).
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// MAIL's `BODY=`. BINARYMIME is not offered: lines are what filters and mailboxes know.
    func body(_ value: ArraySlice<UInt8>?, _ parameters: inout MailParameters) -> SMTPReply? {
        guard let type = value.flatMap({ BodyType($0) }), type != .binaryMIME else {
            return .badParameter
        }
        parameters.options.bodyType = type
        return nil
    }
}
