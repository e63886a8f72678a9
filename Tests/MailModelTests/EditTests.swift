// Tests of Edit, HeaderOverlay and HeaderField.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

struct EditTests {
    private func field(_ name: String, _ body: String) throws -> HeaderField {
        try #require(HeaderField(name, body))
    }

    @Test func `the field put last is on top`() throws {
        let edits: [Edit] = [.prepend(try field("A", "1")), .prepend(try field("B", "2"))]
        #expect(edits.overlay.top == Array("B: 2\nA: 1\n".utf8))
    }

    @Test func `remove takes what was put before it and leaves what comes after`() throws {
        let edits: [Edit] = [
            .prepend(try field("X", "old")), .remove(name: Array("x".utf8)),
            .prepend(try field("X", "new")),
        ]
        #expect(edits.overlay.top == Array("X: new\n".utf8))
        #expect(edits.overlay.removedNames == [Array("x".utf8)])
    }

    @Test func `a new message takes the header edits before it away`() throws {
        let edits: [Edit] = [
            .prepend(try field("A", "1")), .replaceMessage(offset: 0, length: 5),
            .prepend(try field("B", "2")),
        ]
        #expect(edits.overlay.top == Array("B: 2\n".utf8))
        #expect(edits.replacement?.length == 5)
    }

    @Test func `recipients are added, removed and the reverse-path is changed in order`() throws {
        let one = try Mailbox(Array("one@a".utf8))
        let two = try Mailbox(Array("two@a".utf8))
        let envelope = Envelope(reversePath: .mailbox(one), recipients: [one, one])
        let edits: [Edit] = [.addRecipient(two), .removeRecipient(one), .reversePath(.null)]
        #expect(edits.applied(to: envelope) == Envelope(reversePath: .null, recipients: [two]))
    }

    @Test func `as many edits as a hostile step can send are made at once`() throws {
        let (one, two) = (try Mailbox(Array("a@b".utf8)), try Mailbox(Array("c@d".utf8)))
        let field = try field("X", "y")
        var edits: [Edit] = []
        for number in 0..<100_000 {
            edits.append(.addRecipient(number.isMultiple(of: 1000) ? two : one))
            edits.append(.removeRecipient(try Mailbox(Array("\(number)@b".utf8))))
            edits.append(.prepend(field))
            edits.append(.remove(name: Array("z\(number)".utf8)))
        }
        // Each of them looked at for each other one would be twenty thousand million.
        let envelope = edits.applied(to: Envelope(reversePath: .null, recipients: [two]))
        #expect(envelope.recipients.count == 100_001)
        #expect(envelope.recipients.starts(with: [two, two, one]))
        #expect(edits.overlay.top.count == 100_000 * field.bytes.count)
    }

    @Test func `the last note of a name counts`() {
        let edits: [Edit] = [.note(name: "spf", value: [1]), .note(name: "spf", value: [2])]
        #expect(edits.notes == ["spf": [2]])
    }

    @Test(arguments: [
        ("", "x"), ("A B", "x"), ("A:", "x"), ("Ä", "x"), ("A", "x\ny"), ("A", "x\n"),
        ("A", "x\r\n y"),
        ("A", "x\0"),
    ])
    func `what would break a header is no field`(name: String, body: String) {
        #expect(HeaderField(name, body) == nil)
    }

    @Test func `a folded field is one field`() throws {
        let folded = try field("A", "x\n\ty")
        #expect(folded.bytes == Array("A: x\n\ty\n".utf8))
        #expect(folded.body.elementsEqual("x\n\ty".utf8))
    }
}
