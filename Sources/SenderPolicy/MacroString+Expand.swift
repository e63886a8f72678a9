// Macro expansion.
// RFC 7208, sections 7.2 and 7.3.
// SPDX-License-Identifier: MIT

import MailModel
import Resolver

/// What macros stand for during one check.
struct MacroValues {
    /// local-part@domain.
    let sender: Mailbox
    let client: IPAddress
    let helo: [UInt8]
    let receiver: [UInt8]
    /// Seconds since 1970.
    let time: Int
    /// The domain whose record is evaluated.
    var domain: [UInt8]

    /// The value of a letter; nil for `p`, which takes look-ups.
    func value(_ letter: UInt8) -> [UInt8]? {
        switch letter {
        case 0x73: sender.bytes
        case 0x6C: Array(sender.localPart)
        case 0x6F: Array(sender.domain ?? [])
        case 0x64: domain
        case 0x69: dotted
        case 0x63: Array(client.description.utf8)
        case 0x76: Array((client.isVersion4 ? "in-addr" : "ip6").utf8)
        case 0x68: helo
        case 0x72: receiver
        case 0x74: Array("\(time)".utf8)
        default: nil
        }
    }

    /// Dotted decimal, or an IPv6 address as dotted nibbles.
    private var dotted: [UInt8] {
        guard !client.isVersion4 else { return Array(client.description.utf8) }
        let digits = Array("0123456789ABCDEF".utf8)
        let nibbles = client.bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
        return Array(nibbles.map { [$0] }.joined(separator: [0x2E]))
    }
}

extension MacroString {
    /// The most bytes that an expansion may have: a stranger writes both the record and its sender.
    static let maximumExpansion = 16_384

    /// The text with every macro replaced; nil when it exceeds `maximumExpansion`. What `p`
    /// stands for is asked only where it is needed.
    func expanded(_ values: MacroValues, clientName: () -> [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        for element in elements {
            switch element {
            case .literal(let bytes), .escape(let bytes): result += bytes
            case .macro(let macro):
                result += macro.transformed(values.value(macro.letter) ?? clientName())
            }
            guard result.count <= MacroString.maximumExpansion else { return nil }
        }
        return result
    }

    /// A name to look up: without a final dot, and without labels on the left that would make it
    /// exceed 253 bytes.
    static func domain(_ expansion: [UInt8]) -> [UInt8] {
        var name = expansion[...]
        if name.last == 0x2E { name = name.dropLast() }
        while name.count > 253, let dot = name.firstIndex(of: 0x2E) { name = name[(dot + 1)...] }
        return Array(name)
    }
}

extension MacroString.Macro {
    func transformed(_ value: [UInt8]) -> [UInt8] {
        let separators = delimiters.isEmpty ? [0x2E] : delimiters
        var labels = value.split(
            omittingEmptySubsequences: false, whereSeparator: separators.contains)
        if isReversed { labels.reverse() }
        if let parts { labels = labels.suffix(parts) }
        let joined = Array(labels.joined(separator: [0x2E]))
        return isEscaped ? joined.flatMap(MacroString.Macro.escaped) : joined
    }

    /// RFC 3986, section 2.3: all but the unreserved bytes are escaped.
    private static func escaped(_ byte: UInt8) -> [UInt8] {
        if byte.isASCIILetter || byte.isASCIIDigit || "-._~".utf8.contains(byte) { return [byte] }
        let digits = Array("0123456789ABCDEF".utf8)
        return [0x25, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }
}
