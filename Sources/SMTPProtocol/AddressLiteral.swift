// AddressLiteral: the grammar of an address in place of a domain.
// RFC 5321, section 4.1.3.
// SPDX-License-Identifier: MIT

import MailModel

/// What may stand between the brackets. No tag but `IPv6` was ever registered, so that a
/// General-address-literal is none.
enum AddressLiteral {
    /// True for `IPv4-address-literal` and `IPv6-address-literal`, brackets left out.
    static func isContent(_ content: ArraySlice<UInt8>) -> Bool {
        let tag = "IPv6:".utf8
        guard content.prefix(tag.count).equalsIgnoringASCIICase(tag) else {
            return isVersion4(content)
        }
        return isVersion6(content.dropFirst(tag.count))
    }

    /// `Snum 3("." Snum)`: up to three digits each, so that zeros may lead, and no more than 255.
    private static func isVersion4(_ text: ArraySlice<UInt8>) -> Bool {
        let numbers = text.split(separator: 0x2E, omittingEmptySubsequences: false)
        return numbers.count == 4
            && numbers.allSatisfy { $0.count <= 3 && $0.decimalValue.map { $0 <= 255 } ?? false }
    }

    /// `IPv6-full`, `IPv6-comp`, `IPv6v4-full` or `IPv6v4-comp`. `::` stands for two groups or more.
    private static func isVersion6(_ text: ArraySlice<UInt8>) -> Bool {
        guard
            let gap = text.indices.dropLast().first(where: { text[$0...].starts(with: "::".utf8) })
        else { return groups(text, mayEndDotted: true) == 8 }
        guard let head = groups(text[..<gap], mayEndDotted: false),
            let tail = groups(text[(gap + 2)...], mayEndDotted: true)
        else { return false }
        return head + tail <= 6
    }

    /// How many groups there are of one to four hexadecimal digits, with colons between them; an
    /// IPv4 address at the end counts as two. Nil when something else is there.
    private static func groups(_ text: ArraySlice<UInt8>, mayEndDotted: Bool) -> Int? {
        guard !text.isEmpty else { return 0 }
        let parts = text.split(separator: 0x3A, omittingEmptySubsequences: false)
        let endsDotted = mayEndDotted && parts.last.map(isVersion4) ?? false
        let isHex = parts.dropLast(endsDotted ? 1 : 0).allSatisfy { part in
            (1...4).contains(part.count)
                && part.allSatisfy {
                    $0.isASCIIDigit || (0x61...0x66).contains($0.asciiLowercased)
                }
        }
        return isHex ? parts.count + (endsDotted ? 1 : 0) : nil
    }
}
