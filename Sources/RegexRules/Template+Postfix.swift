// Template+Postfix: the right side of a rule of Postfix.
// pcre_table(5), section TEXT SUBSTITUTION.
// SPDX-License-Identifier: MIT

import MailModel
import Patterns

extension Template {
    /// Reads a text: `$1`, `${1}` or `$(1)` is a group, `$$` a dollar sign.
    /// - Throws: `RuleError` for what Postfix refuses: a name, group 0, a group that the pattern
    ///   does not have, or any group of a negated pattern.
    init(
        postfix text: ArraySlice<UInt8>, for pattern: Pattern, negated: Bool
    ) throws(RuleError) {
        self.init()
        var rest = text
        while let dollar = rest.firstIndex(of: 0x24) {
            add(rest[..<dollar])
            rest = rest[(dollar + 1)...]
            if rest.first == 0x24 {
                add([0x24])
                rest.removeFirst()
            } else {
                add(group: try Template.postfixGroup(&rest, pattern, negated))
            }
        }
        add(rest)
    }

    private static func postfixGroup(
        _ rest: inout ArraySlice<UInt8>, _ pattern: Pattern, _ negated: Bool
    ) throws(RuleError) -> Int {
        let closing: [UInt8: UInt8] = [0x28: 0x29, 0x7B: 0x7D]
        let name: ArraySlice<UInt8>
        if let first = rest.first, let close = closing[first] {
            guard let end = rest.firstIndex(of: close) else {
                throw RuleError("$\([first].printable) without \([close].printable)")
            }
            name = rest[(rest.startIndex + 1)..<end]
            rest = rest[(end + 1)...]
        } else {
            name = rest.prefix { $0.isASCIIDigit || $0.isASCIILetter || $0 == 0x5F }
            rest = rest.dropFirst(name.count)
        }
        guard let number = name.decimalValue else {
            throw RuleError(
                "$\(name.printable): only numbers of groups may follow $; a dollar sign is $$")
        }
        guard !negated else { throw RuleError("a pattern that must not match captures nothing") }
        guard number >= 1, number <= min(pattern.groupCount, Matcher.mostGroups) else {
            throw RuleError("the pattern has no group \(number)")
        }
        return number
    }

    /// The text where it has no captures.
    var fixed: [UInt8]? { hasCaptures ? nil : filled([], nil) }

    /// The text as a line of a message: not cut, and of what was captured only tabs and the line
    /// ends of folds are left of the control characters.
    func line(_ subject: [UInt8], _ match: Match?) -> [UInt8] {
        filled(subject, match, limit: .max) { captured, index in
            let byte = captured[index]
            if byte == 0x0A {
                return index + 1 < captured.endIndex && captured[index + 1].isBlank
            }
            return byte == 0x09 || !byte.isControl
        }
    }
}
