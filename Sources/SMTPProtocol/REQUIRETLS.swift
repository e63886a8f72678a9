// REQUIRETLS: a message that may go by TLS alone.
// RFC 8689.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// MAIL's `REQUIRETLS`, which has no value. It is there under TLS alone: section 4.1.
    func requireTLS(
        _ value: ArraySlice<UInt8>?, _ parameters: inout MailParameters
    ) -> SMTPReply? {
        guard tls != nil, settings.offersRequireTLS else { return .unknownParameter }
        guard value == nil else { return .badParameter }
        parameters.options.requireTLS = true
        return nil
    }
}
