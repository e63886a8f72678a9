// Tests of the filter before many patterns: it never rules out a pattern that matches.
// SPDX-License-Identifier: MIT

import Patterns
import Testing

/// Random patterns and subjects over few letters, so that many of them match.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func oneOf(_ choices: [String]) -> String { choices.randomElement(using: &self) ?? "" }

    mutating func pattern(_ depth: Int = 0) -> String {
        let count = Int.random(in: 1...4, using: &self)
        return (0..<count).map { _ in piece(depth) }.joined()
    }

    private mutating func piece(_ depth: Int) -> String {
        let atom: String
        switch Int.random(in: 0...(depth < 3 ? 9 : 6), using: &self) {
        case 0...4: atom = oneOf(["a", "b", "c", "B", "ab", "abc", "bca", #"\."#, #"\x61"#])
        case 5: atom = oneOf(["[ab]", "[^a]", "[a-c]", "[]a]", "[A.]", #"[\w-]"#, "[[:alpha:]b]"])
        case 6: atom = oneOf([".", "^", "$", #"\b"#, #"\w"#, "{", "}", "]", #"\s"#])
        case 7: atom = "(\(pattern(depth + 1))|\(pattern(depth + 1)))"
        case 8: atom = oneOf(["(?:", "(?=", "(?!", "(?>", "(", "(?i:"]) + pattern(depth + 1) + ")"
        default: atom = oneOf(["(?i)", "(?s)", "(?x)", "(?#c)", #"\Qa\E"#, "|"])
        }
        return atom
            + oneOf(["", "", "", "", "?", "*", "+", "{2}", "{1,2}", "{0}", "{2,}", "+?", "?+"])
    }

    mutating func subject() -> [UInt8] {
        let count = Int.random(in: 0...12, using: &self)
        return (0..<count).flatMap { _ in
            Array(oneOf(["a", "b", "c", "A", "B", ".", "]", " "]).utf8)
        }
    }
}

struct LiteralFilterTests {
    @Test(arguments: 0..<8 as Range<UInt64>)
    func `what the filter rules out does not match`(_ seed: UInt64) throws {
        var dice = Dice(state: seed)
        let matcher = try Matcher()
        var patterns: [Pattern] = []
        var required: [RequiredLiterals?] = []
        while patterns.count < 400 {
            let source = Array(dice.pattern().utf8)
            let flags: PatternFlags = Bool.random(using: &dice) ? .ignoresCase : []
            guard let pattern = try? Pattern(source, flags) else { continue }
            patterns.append(pattern)
            required.append(RequiredLiterals(of: source, flags))
        }
        let filter = LiteralFilter(required)
        #expect(filter.always.count < patterns.count)
        let candidates = CandidateSet()
        var order: [Int] = []
        for _ in 0..<200 {
            let subject = dice.subject()
            subject.withUnsafeBytes { filter.search($0, into: candidates) }
            candidates.merged(with: filter.always, into: &order)
            #expect(order == Set(order).sorted())
            let tried = Set(order)
            for (index, pattern) in patterns.enumerated() where !tried.contains(index) {
                let match = try? matcher.match(pattern, subject)
                #expect(match == nil, "\(required[index]?.strings ?? []) in \(subject)")
            }
        }
    }

    @Test func `strings are found wherever they are, whatever their case`() {
        let strings = ["viagra", "abc", "http://spam-example/", "aaaa"]
        let filter = LiteralFilter(strings.map { RequiredLiterals(of: Array($0.utf8), []) })
        #expect(filter.always.isEmpty)
        let candidates = CandidateSet()
        for (index, string) in strings.enumerated() {
            for subject in [string, "xx\(string)", "\(string)yy", "x\(string.uppercased())y"] {
                Array(subject.utf8).withUnsafeBytes { filter.search($0, into: candidates) }
                #expect(candidates.found.contains(index), "\(subject)")
                #expect(candidates.contains(index))
            }
            Array(string.dropLast().utf8).withUnsafeBytes { filter.search($0, into: candidates) }
            #expect(!candidates.contains(index), "\(string) cut short")
        }
    }

    @Test func `many patterns with the same string are all found`() {
        let required = (0..<300).map { RequiredLiterals(of: Array("same\($0 % 3)".utf8), []) }
        let filter = LiteralFilter(required)
        let candidates = CandidateSet()
        Array("some same1 text".utf8).withUnsafeBytes { filter.search($0, into: candidates) }
        #expect(candidates.found.sorted() == (0..<300).filter { $0 % 3 == 1 })
    }
}
