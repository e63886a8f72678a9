// The parameters of MAIL and RCPT, and who takes each.
// RFC 5321, section 4.1.2 (esmtp-param).
// SPDX-License-Identifier: MIT

import MailModel

/// One `KEYWORD` or `KEYWORD=value`.
struct Parameter {
    let keyword: [UInt8]
    let value: ArraySlice<UInt8>?

    init?(_ bytes: ArraySlice<UInt8>) {
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
        guard !text.isEmpty, text.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x3D }) else {
            return nil
        }
        value = text
    }

    /// The parameters of a command, each after one space; nil when one is none.
    static func row(_ bytes: ArraySlice<UInt8>) -> [Parameter]? {
        guard !bytes.isEmpty else { return [] }
        guard bytes.first == 0x20 else { return nil }
        let words = bytes.dropFirst().split(separator: 0x20, omittingEmptySubsequences: false)
        let parameters = words.compactMap { Parameter($0) }
        return parameters.count == words.count ? parameters : nil
    }
}

extension ServerSession {
    /// Takes the parameters of MAIL; the reply when one is not right.
    func mailParameters(
        _ bytes: ArraySlice<UInt8>, _ parameters: inout MailParameters
    ) -> SMTPReply? {
        guard let row = Parameter.row(bytes) else { return .badParameter }
        guard Set(row.map(\.keyword)).count == row.count else { return .repeatedParameter }
        for parameter in row {
            let reply: SMTPReply?
            switch String(decoding: parameter.keyword, as: UTF8.self) {
            case "SIZE": reply = size(parameter.value, &parameters)
            case "BODY": reply = body(parameter.value, &parameters)
            default: reply = .unknownParameter
            }
            if let reply { return reply }
        }
        return nil
    }

    /// Takes the parameters of RCPT; no extension that we have defines one.
    func recipientParameters(_ bytes: ArraySlice<UInt8>) -> SMTPReply? {
        guard let row = Parameter.row(bytes) else { return .badParameter }
        return row.isEmpty ? nil : .unknownParameter
    }
}
