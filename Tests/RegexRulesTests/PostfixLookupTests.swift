// Tests of PostfixLookup: what is left out because it cannot match changes no answer.
// pcre_table(5).
// SPDX-License-Identifier: MIT

import Patterns
import TestSupport
import Testing
import UnixIO

@testable import RegexRules

/// Random tables and lines over few words, so that many rules match.
private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return (state ^ (state >> 33)) &* 0xFF51_AFD7_ED55_8CCD
    }

    private static let words = ["spam", "eggs", "ham", "x", "http://a.example/", "SPAM", "eg"]

    mutating func word() -> String { Self.words.randomElement(using: &self) ?? "" }

    mutating func line() -> String {
        (0..<Int.random(in: 1...4, using: &self)).map { _ in word() }.joined(separator: " ")
    }

    private mutating func pattern() -> String {
        let choices = [
            "\(word())", "^\(word())", "\(word())$", "(\(word())|\(word()))",
            "\(word()).*\(word())",
            "\(word())?\(word())", ".", "[se]\(word())", "^(\(word()) ?)+$",
        ]
        let source = (choices.randomElement(using: &self) ?? "").replacing("/", with: #"\/"#)
        let flags = ["", "", "i"].randomElement(using: &self) ?? ""
        return "\(Bool.random(using: &self) ? "" : "!")/\(source)/\(flags)"
    }

    mutating func table(_ depth: Int = 0) -> [String] {
        (0..<Int.random(in: 3...9, using: &self)).flatMap { number in
            if depth < 3, Int.random(in: 0..<4, using: &self) == 0 {
                return ["if \(pattern())"] + table(depth + 1) + ["endif"]
            }
            return ["\(pattern()) WARN \(depth) \(number) \(state)"]
        }
    }
}

struct PostfixLookupTests {
    /// What Postfix does: one rule after the other.
    private static func plain(
        _ table: PostfixTable, _ matcher: Matcher, _ line: [UInt8]
    ) throws -> Int? {
        var holds: [Bool] = []
        for (index, entry) in table.entries.enumerated() {
            let matches = try matcher.match(entry.pattern, line) != nil
            let isOpen = entry.parent.map { holds[$0] } ?? true
            holds.append(isOpen && matches != entry.isNegated)
            if entry.action != nil, holds[index] { return index }
        }
        return nil
    }

    @Test(arguments: 0..<60 as Range<UInt64>)
    func `the first rule that matches is the one that Postfix finds`(_ seed: UInt64) throws {
        var dice = Dice(state: seed &* 7919 &+ 1)
        let folder = try TestFolder()
        try folder.write("table", dice.table().joined(separator: "\n"))
        let table = try PostfixTable(
            folder.file("table"), .body, compilesToMachineCode: seed % 2 == 0)
        let matcher = try Matcher()
        var lookup = PostfixLookup(table, matcher, deadline: .never, skipsUnknown: false)
        for _ in 0..<100 {
            let line = Array(dice.line().utf8)
            let found = line.withUnsafeBytes { lookup.first(in: $0)?.entry }
            #expect(try found == Self.plain(table, matcher, line))
        }
        #expect(lookup.unknown.isEmpty)
    }

    @Test func `a rule over its limit keeps later ones from deciding, unless it refuses`() throws {
        let folder = try TestFolder()
        try folder.write(
            "table", "/^(a+)+$/ REJECT\n/!/ REJECT two\n/^(b+)+$/ DUNNO\n/\\?/ REJECT four")
        let table = try PostfixTable(folder.file("table"), .body, compilesToMachineCode: false)
        var limits = MatchLimits()
        limits.match = 1000
        let matcher = try Matcher(limits)
        let first = { (line: String, skips: Bool) in
            var lookup = PostfixLookup(table, matcher, deadline: .never, skipsUnknown: skips)
            let found = Array(line.utf8).withUnsafeBytes { lookup.first(in: $0)?.entry }
            #expect(lookup.unknown.count == 1)
            return found
        }
        let (many, others) = (String(repeating: "a", count: 40), String(repeating: "b", count: 40))
        #expect(first("\(many)!", false) == 1)
        #expect(first("\(others)?", false) == nil)
        #expect(first("\(others)?", true) == 3)
    }
}
