// RequiredLiterals: strings of which a subject must hold at least one, or a pattern cannot match.
// pcre2pattern(3), as far as it is certain; whatever is not understood requires nothing.
// SPDX-License-Identifier: MIT

import MailModel

/// What a pattern requires of every subject that it matches.
public struct RequiredLiterals: Hashable, Sendable {
    /// Shorter strings are in too many subjects to be worth looking for.
    public static let shortest = 3
    /// More strings than these are not looked for on behalf of one pattern.
    static let most = 2_048
    /// What sets of strings may grow to while they are put together.
    static let mostExact = 256
    static let longestExact = 32

    /// Strings, ASCII case folded, of which each subject holds one, whatever the case of its
    /// letters. Each has `shortest` bytes or more.
    public let strings: [[UInt8]]

    /// The strings of a pattern; nil when none are certain.
    public init?(of pattern: [UInt8], _ flags: PatternFlags) {
        // With UTF-8, letters have more cases than those of ASCII; with `x`, blanks are none.
        guard !flags.contains(.utf8), !flags.contains(.extended) else { return nil }
        var parser = LiteralParser(pattern)
        guard let finding = try? parser.whole(), let strings = finding.required else { return nil }
        self.strings = strings
    }
}

/// What a part of a pattern is known to match.
struct LiteralFinding {
    /// All that it can match, case folded; nil when that is not a small set.
    var exact: Set<[UInt8]>?
    /// Strings of which one is within whatever it matches.
    var clause: [[UInt8]]?

    static let anything = LiteralFinding(exact: nil, clause: nil)
    static let nothing = LiteralFinding(exact: [[]], clause: nil)

    init(exact: Set<[UInt8]>?, clause: [[UInt8]]? = nil) {
        self.exact = exact
        self.clause = clause
    }

    /// The better of the two, when it is good enough to be looked for.
    var required: [[UInt8]]? { LiteralFinding.better(exact.flatMap(LiteralFinding.usable), clause) }

    static func usable(_ strings: Set<[UInt8]>) -> [[UInt8]]? {
        strings.allSatisfy { $0.count >= RequiredLiterals.shortest } ? Array(strings) : nil
    }

    static func better(_ one: [[UInt8]]?, _ other: [[UInt8]]?) -> [[UInt8]]? {
        guard let one else { return other }
        guard let other else { return one }
        return rarity(of: one) >= rarity(of: other) ? one : other
    }

    /// The greater, the fewer subjects will hold one of them.
    private static func rarity(of strings: [[UInt8]]) -> Int {
        let least = strings.map { $0.reduce(0) { $0 + $1.rarity } }.min() ?? 0
        return least * 2 - (Int.bitWidth - strings.count.leadingZeroBitCount)
    }

    /// One of several.
    static func any(of branches: [LiteralFinding]) -> LiteralFinding {
        guard branches.count > 1 else { return branches.first ?? .nothing }
        var all: Set<[UInt8]>? = []
        for branch in branches {
            guard let exact = branch.exact, let known = all else {
                all = nil
                break
            }
            all = known.count + exact.count > RequiredLiterals.mostExact ? nil : known.union(exact)
        }
        if let all { return LiteralFinding(exact: all) }
        var clause: [[UInt8]] = []
        for branch in branches {
            guard let strings = branch.required,
                clause.count + strings.count <= RequiredLiterals.most
            else { return .anything }
            clause += strings
        }
        return LiteralFinding(exact: nil, clause: clause)
    }
}

/// One after the other.
struct LiteralSequence {
    private var run: Set<[UInt8]> = [[]]
    private var clause: [[UInt8]]?
    private var isWhole = true

    var finding: LiteralFinding {
        guard !isWhole else { return LiteralFinding(exact: run, clause: clause) }
        return LiteralFinding(
            exact: nil, clause: LiteralFinding.better(LiteralFinding.usable(run), clause))
    }

    mutating func append(_ next: LiteralFinding) {
        clause = LiteralFinding.better(clause, next.clause)
        guard let exact = next.exact else {
            end()
            return
        }
        if run.count * exact.count > RequiredLiterals.mostExact || isLong { end() }
        if run == [[]] {
            run = exact
        } else {
            var product: Set<[UInt8]> = []
            for head in run { for tail in exact { product.insert(head + tail) } }
            run = product
        }
    }

    /// What follows may be anything: what was put together so far stands for itself.
    private mutating func end() {
        clause = LiteralFinding.better(clause, LiteralFinding.usable(run))
        run = [[]]
        isWhole = false
    }

    private var isLong: Bool { run.contains { $0.count >= RequiredLiterals.longestExact } }
}

extension UInt8 {
    /// How much it tells that this byte is there: the common letters of mail little, others more.
    var rarity: Int {
        switch self {
        case 0x20, 0x61, 0x65, 0x69, 0x6E, 0x6F, 0x72, 0x73, 0x74: 3
        case 0x2E, 0x3A, 0x2F, 0x62...0x7A, 0x30...0x39: 4
        default: 5
        }
    }
}
