// SIZE: how big a message may be, and how big it will be.
// RFC 1870.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    /// `SIZE` and the limit; 0 says that there is none.
    var sizeKeyword: String { "SIZE \(settings.messageSize)" }

    /// MAIL's `SIZE=`: 1 to 20 digits.
    func size(_ value: ArraySlice<UInt8>?, _ parameters: inout MailParameters) -> SMTPReply? {
        guard let value, value.count <= 20, value.allSatisfy(\.isASCIIDigit) else {
            return .badParameter
        }
        // 20 digits may exceed an Int; as a size that is as good as its greatest value.
        let size = value.decimalValue ?? .max
        guard settings.messageSize == 0 || size <= settings.messageSize else {
            return .messageTooBig
        }
        parameters.size = size
        return nil
    }
}
