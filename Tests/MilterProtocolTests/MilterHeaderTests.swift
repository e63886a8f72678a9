import MailModel
import MilterProtocol
import Testing

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite struct MilterHeaderTests {
    /// Four fields of two names.
    private let text = "A: 1\nB: 2\nA: 3\nB: 4\n"

    private func header(_ text: String, hasLeadingSpace: Bool = false) -> MilterHeader {
        var fields: [MilterHeader.Field] = []
        var start = 0
        for line in text.split(separator: "\n") {
            let range = start..<(start + line.utf8.count + 1)
            fields.append(.init(name: [line.utf8.first ?? 0], value: [], range: range))
            start = range.upperBound
        }
        return MilterHeader(fields, end: start, hasLeadingSpace: hasLeadingSpace)
    }

    /// What the changes make of the text.
    private func result(_ change: (inout MilterHeader) -> Void) -> String {
        var header = header(text)
        change(&header)
        var result: [UInt8] = []
        var position = 0
        let base = bytes(text)
        for patch in header.patches {
            result += base[position..<patch.range.lowerBound] + patch.bytes
            position = patch.range.upperBound
        }
        return String(decoding: result + base[position...], as: UTF8.self)
    }

    @Test func `a header that nobody changed is as it was`() {
        #expect(header(text).isUnchanged)
        #expect(header(text).patches.isEmpty)
    }

    @Test func `a field is added at the end`() {
        #expect(result { _ = $0.add(bytes("X"), bytes("5")) } == text + "X: 5\n")
    }

    @Test func `a field that keeps its blanks is added with those alone`() {
        var header = header(text, hasLeadingSpace: true)
        _ = header.add(bytes("X"), bytes("\t5"))
        #expect(header.patches.map(\.bytes) == [bytes("X:\t5\n")])
    }

    @Test(arguments: [
        (0, "X: 5\nA: 1\nB: 2\nA: 3\nB: 4\n"), (1, "X: 5\nA: 1\nB: 2\nA: 3\nB: 4\n"),
        (2, "A: 1\nX: 5\nB: 2\nA: 3\nB: 4\n"), (5, "A: 1\nB: 2\nA: 3\nB: 4\nX: 5\n"),
        (UInt32.max, "A: 1\nB: 2\nA: 3\nB: 4\nX: 5\n"),
    ])
    func `a field is put in where the server counts its own one`(index: UInt32, expected: String) {
        #expect(result { _ = $0.insert(at: index, bytes("X"), bytes("5")) } == expected)
    }

    @Test(arguments: [
        (0, "A: 9\nB: 2\nA: 3\nB: 4\n"), (1, "A: 9\nB: 2\nA: 3\nB: 4\n"),
        (2, "A: 1\nB: 2\nA: 9\nB: 4\n"), (3, "A: 1\nB: 2\nA: 3\nB: 4\na: 9\n"),
        (UInt32.max, "A: 1\nB: 2\nA: 3\nB: 4\na: 9\n"),
    ])
    func `a field is changed by its number, or added`(index: UInt32, expected: String) {
        let result = result { _ = $0.change(index, bytes("a"), bytes("9")) }
        // The name is as the milter writes it.
        #expect(result.lowercased() == expected.lowercased())
    }

    @Test func `fields go from the first to the last, counted as they were`() {
        #expect(
            result {
                _ = $0.change(1, bytes("A"), [])
                _ = $0.change(2, bytes("A"), [])
            } == "B: 2\nB: 4\n")
    }

    @Test func `fields go from the last to the first`() {
        #expect(
            result {
                _ = $0.change(2, bytes("A"), [])
                _ = $0.change(1, bytes("A"), [])
            } == "B: 2\nB: 4\n")
    }

    @Test(arguments: [0, 1] as [UInt32])
    func `the first can go again and again`(index: UInt32) {
        #expect(
            result {
                for _ in 0..<3 { _ = $0.change(index, bytes("A"), []) }
            } == "B: 2\nB: 4\n")
    }

    @Test func `what is put in and removed again is nothing`() throws {
        var header = header(text)
        _ = header.insert(at: 3, bytes("X"), bytes("5"))
        _ = header.change(1, bytes("X"), [])
        #expect(header.isUnchanged)
        #expect(header.patches.isEmpty)
        let simple = try #require(header.simple)
        #expect(simple.removed.isEmpty && simple.added.isEmpty)
    }

    @Test func `fields of a name that all go, and fields on top, are simple`() throws {
        var header = header(text)
        _ = header.change(1, bytes("A"), [])
        _ = header.change(2, bytes("A"), [])
        _ = header.insert(at: 1, bytes("X"), bytes("5"))
        _ = header.insert(at: 0, bytes("Y"), bytes("6"))
        let simple = try #require(header.simple)
        #expect(simple.removed == [bytes("a")])
        #expect(simple.added.map(\.bytes) == [bytes("X: 5\n"), bytes("Y: 6\n")])
    }

    @Test func `one of two fields, a field in the middle or another value are not simple`() {
        var one = header(text)
        _ = one.change(1, bytes("A"), [])
        #expect(one.simple == nil)
        var middle = header(text)
        _ = middle.insert(at: 3, bytes("X"), bytes("5"))
        #expect(middle.simple == nil)
        var value = header(text)
        _ = value.change(1, bytes("A"), bytes("9"))
        #expect(value.simple == nil)
    }

    @Test(arguments: [
        ("a\r\n b", "X: a\n b\n"), ("a\nEvil: b", "X: a\n\tEvil: b\n"),
        ("a\n\nbody", "X: a\n\tbody\n"), ("a\r\n", "X: a\n"), ("a\rb", "X: ab\n"), ("", "X: \n"),
    ])
    func `nothing in a value is a field of its own`(value: String, expected: String) {
        var header = header(text)
        let isField = header.add(bytes("X"), bytes(value))
        #expect(isField)
        #expect(header.patches.map(\.bytes) == [bytes(expected)])
    }

    @Test(arguments: ["", "X Y", "X:", "X\n", "Ü"])
    func `what is no name is no field`(name: String) {
        var header = header(text)
        let added = header.add(bytes(name), bytes("1"))
        let inserted = header.insert(at: 0, bytes(name), bytes("1"))
        let changed = header.change(1, bytes(name), bytes("1"))
        #expect([added, inserted, changed] == [false, false, false])
        #expect(header.isUnchanged)
    }

    @Test func `a header without a line end gets one before what is added`() {
        let field = MilterHeader.Field(name: bytes("A"), value: bytes(" 1"), range: 0..<4)
        var header = MilterHeader([field], end: 4, isEnded: false, hasLeadingSpace: false)
        _ = header.add(bytes("X"), bytes("5"))
        #expect(header.patches.map(\.bytes) == [bytes("\nX: 5\n")])
    }
}
