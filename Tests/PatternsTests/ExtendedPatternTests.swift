// Tests of POSIX extended regular expressions.
// SPDX-License-Identifier: MIT

import Patterns
import Testing

struct ExtendedPatternTests {
    /// An expression, a subject, whether it matches; in PCRE2 the answer would be another one
    /// where there is a reason.
    @Test(arguments: [
        ("@spam\\.", "a@SPAM.example", true, "case means nothing"),
        ("^spam", "a@spam.example", false, "an anchor"),
        ("[\\.]", "a\\b", true, "a backslash in brackets is one"),
        ("[[:digit:]]{3}", "a123", true, "a class and a count"),
        ("a||b", "xyz", true, "an empty alternative matches everywhere"),
        ("(a|ab)(c|bcd)(d*)", "abcd", true, "alternatives"),
    ])
    func `an expression is POSIX's`(
        _ expression: String, _ subject: String, _ matches: Bool, _ reason: String
    ) throws {
        let pattern = try ExtendedPattern(Array(expression.utf8))
        #expect(try pattern.matches(Array(subject.utf8)) == matches, "\(reason)")
    }

    @Test(arguments: ["(", "[a", "a{2,1}", "*\\", "\0"])
    func `a broken expression is refused`(_ expression: String) {
        #expect(throws: PatternError.self) { try ExtendedPattern(Array(expression.utf8)) }
    }
}
