// Policy: a record, read strictly and whole before any of it is evaluated.
// RFC 7208, section 4.6 and appendix A: libspf2 lets many records pass that these forbid.
// SPDX-License-Identifier: MIT

import MailModel

/// The result of a directive that matches.
enum Qualifier: UInt8 {
    case pass = 0x2B
    case fail = 0x2D
    case softfail = 0x7E
    case neutral = 0x3F
}

/// Addresses with a common prefix, of one family even where IPv6 bytes map an IPv4 address.
struct AddressBlock: Hashable {
    let bytes: [UInt8]
    let prefixLength: Int

    /// True for an address of this family in the block.
    func contains(_ address: IPAddress) -> Bool {
        guard address.bytes.count == bytes.count else { return false }
        return zip(bytes, address.bytes).enumerated().allSatisfy { index, pair in
            let kept = min(8, max(0, prefixLength - index * 8))
            return kept == 0 || (pair.0 ^ pair.1) >> UInt8(8 - kept) == 0
        }
    }
}

/// Prefix lengths by family.
struct PrefixLengths: Hashable {
    var version4 = 32
    var version6 = 128

    func length(for address: IPAddress) -> Int { address.isVersion4 ? version4 : version6 }
}

enum Mechanism: Hashable {
    case all
    case include(MacroString)
    case a(MacroString?, PrefixLengths)
    case mx(MacroString?, PrefixLengths)
    case ptr(MacroString?)
    case addresses(AddressBlock)
    case exists(MacroString)
}

struct Directive: Hashable {
    let qualifier: Qualifier
    let mechanism: Mechanism
    /// As it is written, without its qualifier.
    let text: [UInt8]
}

struct Policy: Hashable {
    private(set) var directives: [Directive] = []
    private(set) var redirect: MacroString?
    private(set) var explanation: MacroString?

    /// True when a text record is a policy: `v=spf1`, then a space or nothing. Section 4.5.
    static func isPolicy(_ text: [UInt8]) -> Bool {
        text.prefix(6).equalsIgnoringASCIICase("v=spf1".utf8)
            && (text.count == 6 || text.count > 6 && text[6] == 0x20)
    }

    /// Reads a text record that is a policy. Terms are divided by spaces and nothing else.
    init(record: [UInt8]) throws(PolicySyntaxError) {
        for term in record.dropFirst(6).split(separator: 0x20) {
            let name = Policy.name(term)
            let rest = term.dropFirst(name.count)
            if !name.isEmpty, rest.first == 0x3D {
                try addModifier(name, rest.dropFirst())
            } else {
                directives.append(try Policy.directive(term))
            }
        }
    }

    /// name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )
    private static func name(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        guard let first = text.first, first.isASCIILetter else { return text.prefix(0) }
        return text.prefix {
            $0.isASCIILetter || $0.isASCIIDigit || $0 == 0x2D || $0 == 0x5F || $0 == 0x2E
        }
    }

    /// Section 6: redirect and exp at most once each; unknown modifiers are only read.
    private mutating func addModifier(
        _ name: ArraySlice<UInt8>, _ value: ArraySlice<UInt8>
    ) throws(PolicySyntaxError) {
        if name.equalsIgnoringASCIICase("redirect".utf8) {
            guard redirect == nil else { throw PolicySyntaxError("redirect twice") }
            redirect = try MacroString(domainSpec: value)
        } else if name.equalsIgnoringASCIICase("exp".utf8) {
            guard explanation == nil else { throw PolicySyntaxError("exp twice") }
            explanation = try MacroString(domainSpec: value)
        } else {
            _ = try MacroString(value, in: .modifier)
        }
    }

    private static func directive(_ term: ArraySlice<UInt8>) throws(PolicySyntaxError) -> Directive
    {
        let qualifier = term.first.flatMap(Qualifier.init(rawValue:))
        let text = qualifier == nil ? term : term.dropFirst()
        let name = Policy.name(text)
        let mechanism = try Policy.mechanism(name, text.dropFirst(name.count))
        return Directive(qualifier: qualifier ?? .pass, mechanism: mechanism, text: Array(text))
    }

    private static func mechanism(
        _ name: ArraySlice<UInt8>, _ rest: ArraySlice<UInt8>
    ) throws(PolicySyntaxError) -> Mechanism {
        switch String(decoding: name.asciiLowercased, as: UTF8.self) {
        case "all":
            guard rest.isEmpty else { throw PolicySyntaxError("all takes nothing") }
            return .all
        case "include": return .include(try MacroString(domainSpec: try argument(rest)))
        case "exists": return .exists(try MacroString(domainSpec: try argument(rest)))
        case "ptr": return .ptr(try optionalDomain(rest))
        case "a":
            let (domain, lengths) = try PrefixLengths.split(rest)
            return .a(try optionalDomain(domain), lengths)
        case "mx":
            let (domain, lengths) = try PrefixLengths.split(rest)
            return .mx(try optionalDomain(domain), lengths)
        case "ip4": return .addresses(try AddressBlock(version4: try argument(rest)))
        case "ip6": return .addresses(try AddressBlock(version6: try argument(rest)))
        default: throw PolicySyntaxError("unknown mechanism \(name.printable)")
        }
    }

    private static func argument(
        _ rest: ArraySlice<UInt8>
    ) throws(PolicySyntaxError) -> ArraySlice<UInt8> {
        guard rest.first == 0x3A else { throw PolicySyntaxError("an argument is missing") }
        return rest.dropFirst()
    }

    private static func optionalDomain(
        _ rest: ArraySlice<UInt8>
    ) throws(PolicySyntaxError) -> MacroString? {
        rest.isEmpty ? nil : try MacroString(domainSpec: try argument(rest))
    }
}
