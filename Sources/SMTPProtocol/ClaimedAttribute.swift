// ClaimedAttribute: what a program that may speak for others says of a client.
// XCLIENT_README and XFORWARD_README of Postfix.
// SPDX-License-Identifier: MIT

import MailModel

/// `NAME=value` of XCLIENT and XFORWARD.
struct ClaimedAttribute {
    /// In capitals.
    let name: String
    /// Nil for what is not known, or not known now: it is no fact.
    let value: [UInt8]?

    /// Nil when it is not right.
    init?(_ text: ArraySlice<UInt8>) {
        let word = text.prefix { $0 != 0x3D }
        guard word.count < text.count,
            let value = XText.decoded(text.dropFirst(word.count + 1)),
            !value.isEmpty, value.count <= 255, !value.contains(where: \.isControl)
        else { return nil }
        name = String(decoding: word, as: UTF8.self).uppercased()
        let isKnown =
            !value.equalsIgnoringASCIICase("[UNAVAILABLE]".utf8)
            && !value.equalsIgnoringASCIICase("[TEMPUNAVAIL]".utf8)
        self.value = isKnown ? value : nil
    }
}
