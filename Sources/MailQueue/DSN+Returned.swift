// DSN+Returned: what a report gives back of the message, and addresses in its fields.
// RFC 3461, section 6.2; RFC 6533.
// SPDX-License-Identifier: MIT

import MailModel

extension DSN {
    /// The last part of the report: the message or its header, as it would have been delivered.
    func giveBack(in text: inout DSNText) {
        let content = returned
        let hasEightBit = content.contains { $0 >= 0x80 }
        let type =
            switch (isWhole, hasEightBit && message.envelope.options.smtputf8) {
            case (false, false): "text/rfc822-headers"
            case (false, true): "message/global-headers"
            case (true, false): "message/rfc822"
            case (true, true): "message/global"
            }
        text.line("Content-Type: \(type)")
        if hasEightBit { text.line("Content-Transfer-Encoding: 8bit") }
        text.line()
        text.raw(content)
    }

    /// What is given back: the message or its header, as it would have been delivered.
    var returned: [UInt8] { isWhole ? wholeMessage : returnedHeader }

    /// The message with its edits, with a line end at its end; where it is too long, as much of it
    /// as fits.
    private var wholeMessage: [UInt8] {
        var whole = DSN.edited(content, by: message.edits)
        if !whole.isEmpty, whole.last != 0x0A { whole.append(0x0A) }
        guard message.messageLength > content.count else { return whole }
        return whole + "--- The rest of the message is left out.\n".utf8
    }

    /// The fields up to the empty line, cut at the last whole line within the limit.
    private var returnedHeader: [UInt8] {
        var kept = content.first == 0x0A ? [] : content.prefix(DSN.headerLimit)
        for index in kept.indices.dropFirst() where kept[index] == 0x0A && kept[index - 1] == 0x0A {
            kept = kept[..<index]
            break
        }
        let end = kept.lastIndex(of: 0x0A).map { $0 + 1 } ?? kept.startIndex
        return DSN.edited(Array(kept[..<end]), by: message.edits)
    }

    private static func edited(_ bytes: [UInt8], by edits: [Edit]) -> [UInt8] {
        let overlay = edits.overlay
        var output = overlay.top
        guard !overlay.removedNames.isEmpty else { return output + bytes }
        var filter = HeaderFieldFilter(removing: overlay.removedNames)
        let length = bytes.withUnsafeBytes { filter.take($0, into: &output) }
        filter.finish(into: &output)
        return output + bytes[length...]
    }

    /// `type; address`, in ASCII. RFC 3464, section 2.3.2; RFC 6533, section 3.
    static func field(of address: [UInt8]) -> [UInt8] {
        guard address.contains(where: { $0 >= 0x80 }), UTF8Text.isValid(address) else {
            return Array("rfc822; ".utf8) + address
        }
        return Array("utf-8; ".utf8) + encoded(address)
    }

    /// The same for what the sender gave.
    static func field(of original: OriginalRecipient) -> [UInt8] {
        let address = original.address
        let isEncoded = !address.contains { $0 >= 0x80 }
        return original.type + Array("; ".utf8) + (isEncoded ? address : encoded(address))
    }

    /// `utf-8-addr-xtext`: characters that a field cannot hold as `\x{HEX}`.
    private static func encoded(_ address: [UInt8]) -> [UInt8] {
        String(decoding: address, as: UTF8.self).unicodeScalars.flatMap { scalar -> [UInt8] in
            switch scalar.value {
            case 0x2B, 0x3D, 0x5C: break
            case 0x21...0x7E: return [UInt8(scalar.value)]
            default: break
            }
            return Array("\\x{\(String(scalar.value, radix: 16, uppercase: true))}".utf8)
        }
    }
}
