import Testing

@testable import Recipients

/// Commands that are read without a shell, and those that are not.
@Suite struct ShellLineTests {
    private func parsed(_ text: String) -> ShellLine? { ShellLine(Array(text.utf8)) }

    @Test(arguments: [
        ("/v/vdelivermail '' bounce-no-mailbox", ["/v/vdelivermail", "", "bounce-no-mailbox"]),
        ("vdelivermail \"\" 'a b'", ["vdelivermail", "", "a b"]),
        ("  x\ty  ", ["x", "y"]), ("x a\\ b c\\'d", ["x", "a b", "c'd"]),
        ("x \"a\\b\\\"c\" 'd\\e'", ["x", "a\\b\"c", "d\\e"]), ("x a'b'c", ["x", "abc"]),
        ("x a=b+c@d.test", ["x", "a=b+c@d.test"]), ("x '|' \"a|b\" \\|", ["x", "|", "a|b", "|"]),
    ])
    func `words are those of a shell`(text: String, words: [String]) throws {
        let line = try #require(parsed(text))
        #expect(line.words.map { String(decoding: $0, as: UTF8.self) } == words)
        #expect(line.filter == nil)
    }

    @Test(arguments: [
        ("a 'x|y' | b", "a 'x|y' "),
        ("a $X 2>/dev/null | b \"|\" | c d", "a $X 2>/dev/null | b \"|\" "),
    ])
    func `what is before the last pipe is a filter`(text: String, filter: String) throws {
        #expect(try #require(parsed(text)).filter == Array(filter.utf8))
    }

    @Test(arguments: [
        "", " ", "a |", "| a", "a || b", "a | | b", "a; b", "a & b", "a && b", "(a)", "{ a; }",
        "! a | b", "a `b`", "a $(b)", "a $B", "a \"$B\"", "a \"`b`\"", "a > b", "a < b", "a *",
        "a ?", "a [b]", "a ~", "a # b", "a #b | c", "A=b c", "a 'b", "a \"b", "a \\", "a\nb",
        "x; a | b", "x & a | b", "a 2>&1 | b", "a\0b",
    ])
    func `what only a shell knows is left to it`(text: String) {
        #expect(parsed(text) == nil, "\(text)")
    }

    @Test func `a long one is left to it, too`() {
        #expect(parsed("a " + String(repeating: "b", count: 5000)) == nil)
    }
}
