// Tests of Facts, by name and on the wire.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

struct FactsTests {
    @Test func `facts are in the order of their names, whatever order they were set in`() {
        var forward = Facts()
        for name in FactName.allCases { forward[name] = Array(name.rawValue.utf8) }
        var backward = Facts()
        for name in FactName.allCases.reversed() { backward[name] = Array(name.rawValue.utf8) }
        #expect(backward.all.map(\.name) == FactName.allCases)
        #expect(forward == backward)
        #expect(Set([forward, backward]).count == 1)
    }

    @Test func `a fact is replaced, and nil forgets it`() {
        var facts = Facts()
        facts[.helo] = [0x61]
        facts[.clientIP] = [0x62]
        facts[.helo] = [0x63]
        #expect(facts[.helo] == [0x63])
        facts[.helo] = nil
        facts[.relay] = nil
        #expect(facts.all.map(\.name) == [.clientIP])
    }

    @Test func `every fact comes back from the wire, in any order`() {
        for names in [FactName.allCases, FactName.allCases.reversed()] {
            var fields = Fields()
            for name in names { fields.append("fact.\(name.rawValue)", name.rawValue) }
            let facts = fields.facts
            #expect(facts.all.count == FactName.allCases.count)
            #expect(facts.all.allSatisfy { $0.value == Array($0.name.rawValue.utf8) })
        }
    }

    @Test func `unknown facts are passed over, and of two of one name the last counts`() {
        var fields = Fields()
        fields.append("fact.shoe-size", "44")
        fields.append("fact.helo", "a")
        fields.append("fact.", "b")
        fields.append("facts", "c")
        fields.append("fact.helo", "d")
        #expect(fields.facts.all.map(\.value) == [[0x64]])
    }
}
