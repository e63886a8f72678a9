// Template: text with captures in it.
// regex-rules(5), section TEXTS.
// SPDX-License-Identifier: MIT

import MailModel
import Patterns

/// A rule's text: `$1` or `${1}` is a group, `${name}` a named one, `$0` the whole match, `$$` a
/// dollar sign.
struct Template: Hashable {
    private enum Part: Hashable {
        case text([UInt8])
        case group(Int)
    }

    /// What is over it is cut: a line of a message has 998 bytes at most (RFC 5322, section 2.1.1).
    static let longestText = 900

    private var parts: [Part] = []

    /// True for no text at all.
    var isEmpty: Bool { parts.isEmpty }

    /// True when the text depends on what was matched.
    var hasCaptures: Bool { parts.contains { if case .group = $0 { true } else { false } } }

    /// An empty text.
    init() {}

    /// Reads a text.
    /// - Throws: `RuleError` for a group that the pattern does not have.
    init(_ text: some Collection<UInt8>, for pattern: Pattern, negated: Bool) throws(RuleError) {
        var rest = Array(text)[...]
        while let dollar = rest.firstIndex(of: 0x24) {
            add(rest[..<dollar])
            rest = rest[(dollar + 1)...]
            if rest.first == 0x24 {
                add([0x24])
                rest.removeFirst()
            } else {
                add(group: try Template.group(&rest, pattern, negated))
            }
        }
        add(rest)
    }

    mutating func add(_ text: ArraySlice<UInt8>) {
        if !text.isEmpty { parts.append(.text(Array(text))) }
    }

    mutating func add(group: Int) { parts.append(.group(group)) }

    private static func group(
        _ rest: inout ArraySlice<UInt8>, _ pattern: Pattern, _ negated: Bool
    ) throws(RuleError) -> Int {
        var name = rest.prefix(while: \.isASCIIDigit)
        if rest.first == 0x7B {
            guard let end = rest.firstIndex(of: 0x7D) else { throw RuleError("${ without }") }
            name = rest[(rest.startIndex + 1)..<end]
            rest = rest[(end + 1)...]
        } else {
            rest = rest.dropFirst(name.count)
        }
        guard !name.isEmpty else { throw RuleError("$ must be followed by a group, or written $$") }
        guard !negated else { throw RuleError("a pattern that must not match captures nothing") }
        let number =
            name.decimalValue ?? pattern.group(named: String(decoding: name, as: UTF8.self))
        guard let number, number <= min(pattern.groupCount, Matcher.mostGroups) else {
            throw RuleError("the pattern has no group \(name.printable)")
        }
        return number
    }

    /// The text with its captures, from which control characters are left out, and cut.
    func filled(_ subject: [UInt8], _ match: Match?) -> [UInt8] {
        filled(subject, match, limit: Template.longestText) { captured, index in
            !captured[index].isControl
        }
    }

    /// The text with those bytes of its captures that stay.
    func filled(
        _ subject: [UInt8], _ match: Match?, limit: Int,
        keeping stays: (ArraySlice<UInt8>, Int) -> Bool
    ) -> [UInt8] {
        let text: [UInt8] = parts.reduce(into: []) { text, part in
            switch part {
            case .text(let bytes): text += bytes
            case .group(let number):
                guard let match, match.ranges.indices.contains(number),
                    let range = match.ranges[number], range.upperBound <= subject.count
                else { return }
                let captured = subject[range].prefix(limit)
                for index in captured.indices where stays(captured, index) {
                    text.append(captured[index])
                }
            }
        }
        return Array(text.prefix(limit))
    }
}
