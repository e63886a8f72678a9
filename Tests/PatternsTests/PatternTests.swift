// Tests of Pattern.
// SPDX-License-Identifier: MIT

import Patterns
import Testing

struct PatternTests {
    @Test func `a wrong pattern says what is wrong and where`() {
        let expected = PatternError.invalid(reason: "missing closing parenthesis", offset: 4)
        #expect(throws: expected) { try Pattern(Array("ab(c".utf8)) }
    }

    @Test func `half of a character cannot be matched`() {
        #expect(throws: PatternError.self) { try Pattern(Array(#"\C"#.utf8)) }
    }

    @Test func `an empty pattern matches the empty subject`() throws {
        let match = try Matcher().match(Pattern([]), [UInt8]())
        #expect(match?.ranges == [0..<0])
    }

    @Test(arguments: [
        (UInt8(ascii: "i"), PatternFlags.ignoresCase), (UInt8(ascii: "x"), .extended),
        (UInt8(ascii: "s"), .dotMatchesLineEnd), (UInt8(ascii: "m"), .multiLine),
        (UInt8(ascii: "U"), .lazy), (UInt8(ascii: "u"), .utf8),
    ])
    func `each letter is a flag`(letter: UInt8, flag: PatternFlags) {
        #expect(PatternFlags(letter: letter) == flag)
    }

    @Test func `other letters are none`() {
        #expect(PatternFlags(letter: UInt8(ascii: "g")) == nil)
    }

    @Test func `a named group has a number`() throws {
        let pattern = try Pattern(Array("(a)(?<name>b)".utf8))
        #expect(pattern.group(named: "name") == 2)
        #expect(pattern.group(named: "other") == nil)
        #expect(pattern.groupCount == 2)
    }
}
