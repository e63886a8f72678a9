// SMTPUTF8: addresses and header fields in UTF-8.
// RFC 6531.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// MAIL's `SMTPUTF8`, which has no value.
    func smtputf8(
        _ value: ArraySlice<UInt8>?, _ parameters: inout MailParameters
    ) -> SMTPReply? {
        guard value == nil else { return .badParameter }
        parameters.options.smtputf8 = true
        return nil
    }

    /// True for addresses that are only for a transaction with SMTPUTF8: section 3.5.
    static func isBeyondASCII(_ bytes: some Collection<UInt8>) -> Bool {
        bytes.contains { $0 > 0x7E }
    }
}
