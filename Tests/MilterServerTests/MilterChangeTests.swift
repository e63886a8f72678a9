// MilterChange: what makes one header of another, and one envelope of another.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing

@testable import MilterServer

@Suite struct MilterChangeTests {
    private func fields(_ text: String) -> [PlainField] { PlainHeader(Array(text.utf8)).fields }

    /// What an MTA makes of changes: removals count by name, and a field that is gone counts no
    /// more, so that only the order from the bottom up is right in all of them.
    private func made(_ changes: [MilterChange], of old: [PlainField]) -> [PlainField] {
        var fields = old
        for change in changes {
            switch change {
            case .removeField(let name, let occurrence):
                let places = fields.indices.filter {
                    fields[$0].foldedName == name.asciiLowercased
                }
                fields.remove(at: places[occurrence - 1])
            case .insertField(let name, let value):
                fields.insert(PlainField(name: name, value: value), at: 0)
            case .addField(let name, let value): fields.append(PlainField(name: name, value: value))
            case .reversePath, .addRecipient, .removeRecipient, .quarantine: break
            }
        }
        return fields
    }

    private static let headers: [(old: String, new: String, count: Int)] = [
        ("A: 1\nB: 2\n", "A: 1\nB: 2\n", 0), ("A: 1\nB: 2\n", "B: 2\n", 1),
        ("A: 1\nB: 2\n", "", 2), ("", "A: 1\nB: 2\n", 2), ("A: 1\n", "Z: 0\nA: 1\n", 1),
        ("A: 1\n", "A: 1\nZ: 0\n", 1), ("A: 1\nB: 2\nC: 3\n", "A: 1\nC: 3\n", 1),
        ("A: 1\na: 2\nA: 3\n", "A: 1\nA: 3\n", 1), ("A: 1\nA: 1\nA: 1\n", "A: 1\n", 2),
        ("A: 1\nB: 2\nC: 3\n", "A: 1\nB: x\nC: 3\n", 4), ("A: 1\nB: 2\n", "B: 2\nA: 1\n", 2),
        ("A: 1\n b\nB: 2\n", "A: 1\n c\nB: 2\n", 2),
    ]

    @Test(arguments: headers)
    func `one header becomes another`(_ old: String, _ new: String, _ count: Int) {
        let changes = [MilterChange].changing(fields(old), to: fields(new))
        #expect(made(changes, of: fields(old)) == fields(new))
        #expect(changes.count == count)
    }

    @Test func `any header becomes any other`() {
        var random = SeededRandom(4)
        for _ in 0..<2000 {
            func header() -> [PlainField] {
                (0..<random.below(8)).map { _ in
                    PlainField(
                        name: [random.pick(Array("ABCa".utf8))],
                        value: [0x20, random.pick(Array("12".utf8))])
                }
            }
            let (old, new) = (header(), header())
            #expect(made([MilterChange].changing(old, to: new), of: old) == new)
        }
    }

    @Test func `ten thousand fields go at once`() {
        let old = fields((1...10_000).map { "X-\($0 % 3): \($0)\n" }.joined())
        let changes = [MilterChange].removing(old) { $0 % 2 == 0 }
        #expect(changes.count == 5000)
        #expect(changes.first == .removeField(name: Array("X-0".utf8), occurrence: 3333))
    }

    @Test func `a header ends where its body begins`() {
        for (text, start) in [
            ("A: 1\n\nbody\n", 6), ("A: 1\nno field\n", 5), ("no field\n\n", 0), ("\nbody", 1),
            ("A: 1", 4), ("", 0), ("A: 1\n", 5), (" A: 1\n\n", 0),
        ] {
            #expect(PlainHeader(Array(text.utf8)).bodyStart == start, "\(text)")
        }
    }

    @Test func `an envelope becomes another by the names that the MTA has given`() throws {
        let bob = try MilterAddress.mailbox(Array("<\"bob\"@y.test>".utf8))
        #expect(bob == (try Mailbox(Array("bob@y.test".utf8))))
        let had = [MilterRecipient(argument: Array("<\"bob\"@y.test>".utf8), mailbox: bob)]
        let carol = try Mailbox(Array("carol d@y.test".utf8))
        let changes = try [MilterChange].changing(
            from: .mailbox(bob), had, to: Envelope(reversePath: .null, recipients: [carol, carol]))
        #expect(
            changes == [
                .reversePath(Array("<>".utf8)), .removeRecipient(Array("<\"bob\"@y.test>".utf8)),
                .addRecipient(Array("<\"carol d\"@y.test>".utf8)),
            ])
        let same = Envelope(reversePath: .mailbox(bob), recipients: [bob])
        #expect(try [MilterChange].changing(from: .mailbox(bob), had, to: same).isEmpty)
    }

    @Test func `what no MTA can be told is an error`() throws {
        let odd = try Mailbox([0x01] + Array("@y.test".utf8))
        #expect(throws: UnspeakableAddress.self) {
            try [MilterChange].changing(
                from: .null, [], to: Envelope(reversePath: .null, recipients: [odd]))
        }
    }
}
