// Tests of what patterns are known to require.
// SPDX-License-Identifier: MIT

import Patterns
import Testing

struct RequiredLiteralsTests {
    private static func required(_ pattern: String, _ flags: PatternFlags = []) -> [String]? {
        RequiredLiterals(of: Array(pattern.utf8), flags)?.strings.map {
            String(decoding: $0, as: UTF8.self)
        }.sorted()
    }

    /// A pattern, and what each subject that it matches must hold one of.
    @Test(
        arguments: [
            ("Viagra", ["viagra"]), ("^Subject:.*viagra", ["subject:"]),
            ("(foo1|bar22)", ["bar22", "foo1"]), ("x(foo1|bar22)y", ["xbar22y", "xfoo1y"]),
            ("ab?cd", ["abcd", "acd"]), ("[vV]i[a4]g", ["vi4g", "viag"]),
            ("abc+d", ["abc"]), ("(abc){2}", ["abcabc"]), ("(?:abc|xyz)*long", ["long"]),
            (#"http:\/\/www\.spam\.example"#, ["http://www.spam.example"]),
            (#"\x41\x42\x43"#, ["abc"]), ("(?<name>foo)bar", ["foobar"]),
            ("(?i:foo)bar", ["foobar"]),
            ("(?=nothing)foo", ["foo"]), ("(?!nothing)foo", ["foo"]), (#"\bfoo\b"#, ["foo"]),
            ("a{3}", ["aaa"]), ("a{4,}b", ["aaaa"]), ("foo|", nil), ("foo|.", nil), ("fo", nil),
            ("(foo)?", nil), ("[a-z]{3}", nil), (#"\d+"#, nil), ("fo{0}o", nil),
            // What is not understood requires nothing.
            ("(?x)f o o", nil), ("(*UTF)foo", nil), (#"\Qfoo\E"#, nil), (#"(foo)\1"#, nil),
            ("(?R)foo", nil), ("(?(1)foo|bar)", nil), ("foo(?#comment)*", nil), ("a{,3}foo", nil),
            (#"[[:<:]]foo"#, nil), (#"foo\p{L}"#, nil),
        ] as [(String, [String]?)])
    func `what a pattern requires`(_ pattern: String, _ strings: [String]?) {
        #expect(Self.required(pattern) == strings)
    }

    @Test func `more cases than those of ASCII, and blanks that mean nothing, require nothing`() {
        #expect(Self.required("foo", .utf8) == nil)
        #expect(Self.required("foo", .extended) == nil)
        #expect(Self.required("foo", .ignoresCase) == ["foo"])
    }
}
