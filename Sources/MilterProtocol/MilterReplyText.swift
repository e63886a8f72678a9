// MilterReplyText: the reply of SMTP that a milter gives, read.
// smfi_setreply, smfi_setmlreply.
// SPDX-License-Identifier: MIT

public import MailModel

extension Reply {
    /// Reads the text of `MilterReply.reply`: `550 5.7.1 No`, or several lines with a hyphen after
    /// the code, which become one. `%%` is a percent sign, since the text is a format of
    /// Sendmail's. Without an enhanced status it is x.0.0, with one of another class, too. Nil for
    /// anything but a code of 400 to 599.
    public init?(milterText text: [UInt8]) {
        guard let code = text.prefix(3).decimalValue, (400...599).contains(code) else {
            return nil
        }
        let kind: UInt8 = code < 500 ? 4 : 5
        var status: EnhancedStatus?
        var words: [[UInt8]] = []
        for line in text.split(whereSeparator: { $0 == 0x0D || $0 == 0x0A }) {
            guard line.prefix(3).elementsEqual(text.prefix(3)),
                line.count == 3 || [0x20, 0x2D].contains(line.dropFirst(3).first)
            else { return nil }
            var rest = line.dropFirst(4)
            let word = rest.prefix { $0 != 0x20 }
            if let found = EnhancedStatus(word) {
                status = status ?? (found.statusClass == kind ? found : nil)
                rest = rest.dropFirst(word.count).drop { $0 == 0x20 }
            }
            if !rest.isEmpty { words.append(Reply.withoutDoublePercents(rest)) }
        }
        let line = Array(words.joined(separator: [0x20]))
        self.init(
            UInt16(code), status ?? EnhancedStatus(kind, 0, 0),
            line.isEmpty ? "refused" : String(decoding: line, as: UTF8.self))
    }

    /// `%%` is `%`, and one alone means nothing.
    private static func withoutDoublePercents(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        var isAfterPercent = false
        for byte in text {
            isAfterPercent = byte == 0x25 && !isAfterPercent
            if !isAfterPercent { result.append(byte) }
        }
        return result
    }
}
