// LiteralParser: reads a pattern for the literals that it requires.
// pcre2pattern(3).
// SPDX-License-Identifier: MIT

import MailModel

/// Reads what it knows and gives up on all else: to give up is always right.
struct LiteralParser {
    struct GivesUp: Error {}

    private var rest: ArraySlice<UInt8>
    private var depth = 0

    init(_ pattern: [UInt8]) { rest = pattern[...] }

    mutating func whole() throws(GivesUp) -> LiteralFinding {
        let finding = try alternatives()
        guard rest.isEmpty else { throw GivesUp() }
        return finding
    }

    private mutating func alternatives() throws(GivesUp) -> LiteralFinding {
        depth += 1
        guard depth < 64 else { throw GivesUp() }
        var branches = [try sequence()]
        while rest.first == 0x7C {
            rest.removeFirst()
            branches.append(try sequence())
        }
        depth -= 1
        return .any(of: branches)
    }

    private mutating func sequence() throws(GivesUp) -> LiteralFinding {
        var sequence = LiteralSequence()
        while let byte = rest.first, byte != 0x7C, byte != 0x29 {
            rest.removeFirst()
            let atom = try atom(byte)
            guard let (least, most) = try quantifier() else {
                sequence.append(atom)
                continue
            }
            if least == 0, most == 1, var exact = atom.exact {
                exact.insert([])
                sequence.append(LiteralFinding(exact: exact))
                continue
            }
            for _ in 0..<min(least, 8) { sequence.append(atom) }
            if most != least || least > 8 { sequence.append(.anything) }
        }
        return sequence.finding
    }

    private mutating func atom(_ byte: UInt8) throws(GivesUp) -> LiteralFinding {
        switch byte {
        case 0x5C: return try escape()
        case 0x5B: return try characterClass()
        case 0x2E: return .anything
        case 0x5E, 0x24: return .nothing
        case 0x28: return try group()
        case 0x2A, 0x2B, 0x3F: throw GivesUp()
        case 0x7B:
            // What could be a quantifier, now or in a newer PCRE2, is none of our business.
            guard let next = rest.first, !next.isASCIIDigit, next != 0x2C, !next.isBlank else {
                throw GivesUp()
            }
            return LiteralParser.literal(byte)
        default: return LiteralParser.literal(byte)
        }
    }

    private static func literal(_ byte: UInt8) -> LiteralFinding {
        LiteralFinding(exact: [[byte.asciiLowercased]])
    }

    // MARK: Quantifiers

    private mutating func quantifier() throws(GivesUp) -> (least: Int, most: Int)? {
        var range: (Int, Int)
        switch rest.first {
        case 0x2A: range = (0, .max)
        case 0x2B: range = (1, .max)
        case 0x3F: range = (0, 1)
        case 0x7B:
            guard let next = rest.dropFirst().first, !next.isBlank, next != 0x2C else {
                throw GivesUp()
            }
            guard next.isASCIIDigit else { return nil }
            range = try counted()
        default: return nil
        }
        rest.removeFirst()
        if rest.first == 0x3F || rest.first == 0x2B { rest.removeFirst() }
        return range
    }

    /// `{n}`, `{n,}` or `{n,m}`; the brace that ends it is left.
    private mutating func counted() throws(GivesUp) -> (Int, Int) {
        guard let end = rest.firstIndex(of: 0x7D) else { throw GivesUp() }
        let parts = rest[(rest.startIndex + 1)..<end].split(
            separator: 0x2C, maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let least = first.decimalValue else { throw GivesUp() }
        var most = least
        if parts.count == 2 { most = parts[1].isEmpty ? .max : parts[1].decimalValue ?? -1 }
        guard most >= least else { throw GivesUp() }
        rest = rest[end...]
        return (least, most)
    }

    // MARK: Groups

    private mutating func group() throws(GivesUp) -> LiteralFinding {
        guard rest.first != 0x2A else { throw GivesUp() }
        var isAssertion = false
        if rest.first == 0x3F {
            rest.removeFirst()
            guard let kind = rest.popFirst() else { throw GivesUp() }
            switch kind {
            case 0x3A, 0x3E, 0x7C: break
            case 0x3D, 0x21: isAssertion = true
            case 0x3C where rest.first == 0x3D || rest.first == 0x21:
                rest.removeFirst()
                isAssertion = true
            case 0x3C: try skipName(upTo: 0x3E)
            case 0x27: try skipName(upTo: 0x27)
            case 0x50 where rest.first == 0x3C: try skipName(upTo: 0x3E)
            default:
                // Letters that change nothing for us: `x` would.
                guard try options(kind) else { return .nothing }
            }
        }
        let inner = try alternatives()
        guard rest.popFirst() == 0x29 else { throw GivesUp() }
        return isAssertion ? .nothing : inner
    }

    private mutating func skipName(upTo end: UInt8) throws(GivesUp) {
        guard let index = rest.firstIndex(of: end) else { throw GivesUp() }
        rest = rest[(index + 1)...]
    }

    /// - Returns: false when the group holds options and nothing else.
    private mutating func options(_ first: UInt8) throws(GivesUp) -> Bool {
        var letter = first
        while true {
            switch letter {
            case 0x29: return false
            case 0x3A: return true
            case 0x2D, 0x69, 0x6D, 0x73, 0x55: break
            default: throw GivesUp()
            }
            guard let next = rest.popFirst() else { throw GivesUp() }
            letter = next
        }
    }
}

// MARK: Escapes and classes

extension LiteralParser {
    private mutating func escape() throws(GivesUp) -> LiteralFinding {
        guard let byte = rest.popFirst() else { throw GivesUp() }
        switch byte {
        case 0x62, 0x42, 0x41, 0x5A, 0x7A, 0x47: return .nothing
        case 0x64, 0x44, 0x77, 0x57, 0x73, 0x53, 0x68, 0x48, 0x76, 0x56, 0x52: return .anything
        default: return LiteralParser.literal(try character(byte))
        }
    }

    /// The byte that an escape stands for.
    private mutating func character(_ byte: UInt8) throws(GivesUp) -> UInt8 {
        switch byte {
        case 0x61: return 0x07
        case 0x65: return 0x1B
        case 0x66: return 0x0C
        case 0x6E: return 0x0A
        case 0x72: return 0x0D
        case 0x74: return 0x09
        case 0x78:
            let digits = rest.prefix(2)
            guard digits.count == 2, let value = UInt8(hexadecimal: digits) else {
                throw GivesUp()
            }
            rest = rest.dropFirst(2)
            return value
        default:
            guard !byte.isASCIIDigit, !byte.isASCIILetter else { throw GivesUp() }
            return byte
        }
    }

    private mutating func characterClass() throws(GivesUp) -> LiteralFinding {
        let isNegated = rest.first == 0x5E
        if isNegated { rest.removeFirst() }
        var members: Set<UInt8> = []
        var isLarge = isNegated
        var isFirst = true
        while true {
            guard let byte = rest.popFirst() else { throw GivesUp() }
            if byte == 0x5D, !isFirst { break }
            isFirst = false
            guard let low = try member(byte) else {
                isLarge = true
                continue
            }
            let high = try rangeEnd() ?? low
            guard low <= high else { throw GivesUp() }
            for value in low...high { members.insert(value.asciiLowercased) }
        }
        guard !isLarge, !members.isEmpty, members.count <= 8 else { return .anything }
        return LiteralFinding(exact: Set(members.map { [$0] }))
    }

    /// A single character of a class; nil for one of the classes within it.
    private mutating func member(_ byte: UInt8) throws(GivesUp) -> UInt8? {
        switch byte {
        case 0x5B where [0x3A, 0x2E, 0x3D].contains(rest.first):
            // `[:name:]`; `[:<:]` and `[:>:]` are no characters at all.
            guard let end = rest.dropFirst().firstIndex(of: 0x3A), end + 1 < rest.endIndex,
                rest[end + 1] == 0x5D,
                rest[(rest.startIndex + 1)..<end].allSatisfy({ $0.isASCIILetter || $0 == 0x5E })
            else { throw GivesUp() }
            rest = rest[(end + 2)...]
            guard !isRange else { throw GivesUp() }
            return nil
        case 0x5C:
            guard let next = rest.popFirst() else { throw GivesUp() }
            switch next {
            case 0x62: return 0x08
            case 0x64, 0x44, 0x77, 0x57, 0x73, 0x53, 0x68, 0x48, 0x76, 0x56:
                // A hyphen after it is one, whatever follows.
                if rest.first == 0x2D { rest.removeFirst() }
                return nil
            default: return try character(next)
            }
        default: return byte
        }
    }

    private var isRange: Bool {
        rest.first == 0x2D && rest.dropFirst().first != 0x5D
    }

    /// Takes `-x` off the front.
    private mutating func rangeEnd() throws(GivesUp) -> UInt8? {
        guard isRange else { return nil }
        rest.removeFirst()
        guard let byte = rest.popFirst() else { throw GivesUp() }
        guard byte != 0x5B, let high = try member(byte) else { throw GivesUp() }
        return high
    }
}

extension UInt8 {
    /// The value of hexadecimal digits.
    fileprivate init?(hexadecimal digits: ArraySlice<UInt8>) {
        guard digits.allSatisfy({ $0.isASCIIDigit || (0x61...0x66).contains($0 | 0x20) }) else {
            return nil
        }
        self.init(String(decoding: digits, as: UTF8.self), radix: 16)
    }
}
