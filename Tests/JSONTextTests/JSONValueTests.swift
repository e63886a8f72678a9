// SPDX-License-Identifier: MIT

import JSONText
import Testing

@Suite struct JSONValueTests {
    private func read(_ text: String) -> JSONValue? { JSONValue(Array(text.utf8)) }

    @Test func `a text becomes what it says`() throws {
        let value = try #require(
            read(#" {"a": [1, -2.5, true, null], "b": {"c": "x\u0000\"\u00fc"}, "": false} "#))
        let list = try #require(value["a"]?.elements)
        #expect(list == [.number(1), .number(-2.5), .flag(true), .null])
        #expect(value["b"]?["c"]?.text == "x\0\"ü")
        #expect(value[""]?.flag == false)
        #expect(value["none"] == nil)
        #expect(value.members?.map(\.name) == ["a", "b", ""])
    }

    @Test func `what is not UTF-8 is still a text`() {
        #expect(
            JSONValue(Array("[\"a".utf8) + [0xFF, 0xFE] + Array("\"]".utf8))?.elements?.count == 1)
    }

    @Test(
        arguments: [
            ("", "nothing"), (" ", "blanks alone"), ("{\"a\": 1", "cut short"),
            ("[1, 2", "cut short"), ("\"a", "cut short"), ("{\"a\": 1} x", "more after it"),
            ("{} {}", "two values"),
            ("[1,]", "a comma too many"), ("[NaN]", "no number"), ("[Infinity]", "no number"),
            ("[1e999]", "no finite number"), ("{\"a\" 1}", "no colon"), ("[tru]", "no word"),
        ])
    func `what is not JSON is nothing`(_ text: String, _ reason: String) {
        #expect(read(text) == nil, "\(reason)")
    }

    @Test func `depth has a limit`() {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        #expect(read(nested(JSONValue.maximumDepth - 1)) != nil)
        #expect(read(nested(JSONValue.maximumDepth + 1)) == nil)
        #expect(read(nested(1_000_000)) == nil)
    }

    @Test func `each beginning of a text is nothing`() {
        let whole = Array(#"{"score": 1.5, "s": {"A": {"o": ["x", "\u00e4"]}}, "t": true}"#.utf8)
        for count in 0..<whole.count {
            #expect(JSONValue(Array(whole.prefix(count))) == nil)
        }
        #expect(JSONValue(whole) != nil)
    }
}
