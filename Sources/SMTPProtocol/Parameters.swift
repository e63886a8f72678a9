// The parameters of MAIL and RCPT, and who takes each.
// RFC 5321, section 4.1.2 (esmtp-param).
// SPDX-License-Identifier: MIT

import MailModel

/// One `KEYWORD` or `KEYWORD=value`.
struct Parameter {
    let keyword: [UInt8]
    let value: ArraySlice<UInt8>?

    init?(_ bytes: ArraySlice<UInt8>, allowsUTF8: Bool) {
        let word = bytes.prefix { $0 != 0x3D }
        guard let first = word.first, first != 0x2D,
            word.allSatisfy({ $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D })
        else { return nil }
        keyword = word.map { $0.isASCIILetter ? $0 & ~0x20 : $0 }
        guard word.count < bytes.count else {
            value = nil
            return
        }
        let text = bytes.dropFirst(word.count + 1)
        guard !text.isEmpty,
            text.allSatisfy({ $0 > 0x20 && $0 != 0x3D && $0 != 0x7F && ($0 < 0x7F || allowsUTF8) })
        else { return nil }
        value = text
    }

    /// The parameters of a command, each after one space; nil when one is none. With SMTPUTF8 their
    /// values may hold UTF-8: RFC 6531, section 3.3.
    static func row(_ bytes: ArraySlice<UInt8>, allowsUTF8: Bool = false) -> [Parameter]? {
        guard !bytes.isEmpty else { return [] }
        guard bytes.first == 0x20 else { return nil }
        let words = bytes.dropFirst().split(separator: 0x20, omittingEmptySubsequences: false)
        let parameters = words.compactMap { Parameter($0, allowsUTF8: allowsUTF8) }
        return parameters.count == words.count ? parameters : nil
    }
}

extension ServerSession {
    /// Takes the parameters of MAIL; the reply when one is not right.
    func mailParameters(
        _ bytes: ArraySlice<UInt8>, _ parameters: inout MailParameters
    ) -> SMTPReply? {
        each(of: Parameter.row(bytes)) { parameter in
            let value = parameter.value
            switch String(decoding: parameter.keyword, as: UTF8.self) {
            case "SIZE": return size(value, &parameters)
            case "BODY" where settings.behind.eightBitMIME: return body(value, &parameters)
            case "SMTPUTF8" where settings.behind.smtputf8: return smtputf8(value, &parameters)
            case "RET" where settings.behind.dsn: return ret(value, &parameters)
            case "ENVID" where settings.behind.dsn: return envid(value, &parameters)
            case "REQUIRETLS": return requireTLS(value, &parameters)
            case "PRDR": return prdr(value, &parameters)
            case "AUTH" where !mechanisms.isEmpty: return submitter(value)
            default: return .unknownParameter
            }
        }
    }

    /// Takes the parameters of RCPT.
    func recipientParameters(
        _ bytes: ArraySlice<UInt8>, _ options: inout RecipientOptions
    ) -> SMTPReply? {
        let isUTF8 = transaction?.envelope.options.smtputf8 == true
        return each(of: Parameter.row(bytes, allowsUTF8: isUTF8)) { parameter in
            switch String(decoding: parameter.keyword, as: UTF8.self) {
            case "NOTIFY" where settings.behind.dsn: return notify(parameter.value, &options)
            case "ORCPT" where settings.behind.dsn: return orcpt(parameter.value, &options)
            default: return .unknownParameter
            }
        }
    }

    /// The reply to the first parameter that is not right. Parameters are an extension, so there are
    /// none after HELO. RFC 5321, section 2.2.1.
    private func each(
        of row: [Parameter]?, _ take: (Parameter) -> SMTPReply?
    ) -> SMTPReply? {
        guard let row else { return .badParameter }
        guard isExtended || row.isEmpty else { return .unknownParameter }
        if row.count > 1, Set(row.map(\.keyword)).count < row.count { return .repeatedParameter }
        for parameter in row {
            if let reply = take(parameter) { return reply }
        }
        return nil
    }
}
