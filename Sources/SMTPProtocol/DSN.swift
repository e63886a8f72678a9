// DSN: what a client wants to be told of the fate of its message.
// RFC 3461, sections 4.1 to 4.4; RFC 6533, section 3.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// MAIL's `RET=`.
    func ret(_ value: ArraySlice<UInt8>?, _ parameters: inout MailParameters) -> SMTPReply? {
        guard let content = value.flatMap({ ReturnedContent($0) }) else { return .badParameter }
        parameters.options.ret = content
        return nil
    }

    /// MAIL's `ENVID=`.
    func envid(_ value: ArraySlice<UInt8>?, _ parameters: inout MailParameters) -> SMTPReply? {
        guard let id = value.flatMap({ EnvelopeID($0) }) else { return .badParameter }
        parameters.options.envid = id
        return nil
    }

    /// RCPT's `NOTIFY=`.
    func notify(_ value: ArraySlice<UInt8>?, _ options: inout RecipientOptions) -> SMTPReply? {
        guard let notify = value.flatMap({ Notify($0) }) else { return .badParameter }
        options.notify = notify
        return nil
    }

    /// RCPT's `ORCPT=`. UTF-8 itself is only for a transaction with SMTPUTF8.
    func orcpt(_ value: ArraySlice<UInt8>?, _ options: inout RecipientOptions) -> SMTPReply? {
        let isUTF8 = transaction?.envelope.options.smtputf8 == true
        guard let recipient = value.flatMap({ OriginalRecipient($0, allowsUTF8: isUTF8) }) else {
            return .badParameter
        }
        options.orcpt = recipient
        return nil
    }
}
