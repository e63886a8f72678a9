// Addresses and prefix lengths of a policy.
// RFC 7208, sections 5.3 and 5.6.
// SPDX-License-Identifier: MIT

import MailModel

extension PrefixLengths {
    /// Takes `/24//64`, `/24` or `//64` off the end. A slash that no such length follows belongs
    /// to the domain.
    static func split(
        _ text: ArraySlice<UInt8>
    ) throws(PolicySyntaxError) -> (rest: ArraySlice<UInt8>, lengths: PrefixLengths) {
        var lengths = PrefixLengths()
        var rest = text
        var digits = trailingDigits(rest)
        if !digits.isEmpty, rest.dropLast(digits.count).suffix(2).elementsEqual([0x2F, 0x2F]) {
            lengths.version6 = try length(digits, atMost: 128)
            rest = rest.dropLast(digits.count + 2)
            digits = trailingDigits(rest)
        }
        if !digits.isEmpty, rest.dropLast(digits.count).last == 0x2F {
            lengths.version4 = try length(digits, atMost: 32)
            rest = rest.dropLast(digits.count + 1)
        }
        return (rest, lengths)
    }

    private static func trailingDigits(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        text.suffix(from: (text.lastIndex { !$0.isASCIIDigit }).map { $0 + 1 } ?? text.startIndex)
    }

    /// Without leading zeros.
    fileprivate static func length(
        _ digits: ArraySlice<UInt8>, atMost limit: Int
    ) throws(PolicySyntaxError) -> Int {
        guard let value = digits.decimalValue, value <= limit,
            digits.count == 1 || digits.first != 0x30
        else { throw PolicySyntaxError("a prefix length over \(limit)") }
        return value
    }
}

extension AddressBlock {
    /// Reads `192.0.2.0` or `192.0.2.0/24`.
    init(version4 text: ArraySlice<UInt8>) throws(PolicySyntaxError) {
        let (address, length) = try AddressBlock.split(text, limit: 32)
        guard !address.contains(0x3A), let parsed = IPAddress(address) else {
            throw PolicySyntaxError("not an IPv4 address: \(address.printable)")
        }
        self.init(bytes: parsed.bytes, prefixLength: length)
    }

    /// Reads `2001:db8::` or `2001:db8::/32`.
    init(version6 text: ArraySlice<UInt8>) throws(PolicySyntaxError) {
        let (address, length) = try AddressBlock.split(text, limit: 128)
        guard address.contains(0x3A), let parsed = IPAddress(address) else {
            throw PolicySyntaxError("not an IPv6 address: \(address.printable)")
        }
        // Where IPAddress made an IPv4 address of a mapped one, here it is an IPv6 block still.
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        self.init(
            bytes: parsed.isVersion4 ? mapped + parsed.bytes : parsed.bytes, prefixLength: length)
    }

    private static func split(
        _ text: ArraySlice<UInt8>, limit: Int
    ) throws(PolicySyntaxError) -> (address: ArraySlice<UInt8>, length: Int) {
        guard let slash = text.firstIndex(of: 0x2F) else { return (text, limit) }
        return (
            text[..<slash], try PrefixLengths.length(text[(slash + 1)...], atMost: limit)
        )
    }
}
