// BODY: whether a message holds bytes over 127.
// RFC 6152 (8BITMIME).
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// MAIL's `BODY=`.
    func body(_ value: ArraySlice<UInt8>?, _ parameters: inout MailParameters) -> SMTPReply? {
        guard let value,
            value.equalsIgnoringASCIICase("8BITMIME".utf8)
                || value.equalsIgnoringASCIICase("7BIT".utf8)
        else { return .badParameter }
        parameters.bodyType = value.map { $0.isASCIILetter ? $0 & ~0x20 : $0 }
        return nil
    }
}
