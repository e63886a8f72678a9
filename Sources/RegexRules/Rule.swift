// Rule: one line of a rule file.
// regex-rules(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Patterns
import UnixIO

/// What is wrong with a rule.
struct RuleError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    /// A word that is none of those known.
    init(unknown word: ArraySlice<UInt8>, of kind: String, _ known: [String]) {
        let near = Usage.nearest(to: word.printable, among: known)
        let hint = near.isEmpty ? known.joined(separator: ", ") : near.joined(separator: " or ")
        description = "no \(kind) \(word.printable); try \(hint)"
    }
}

/// `scope [!]/pattern/flags action [text]`.
struct Rule {
    /// `FILE:LINE`.
    let place: String
    /// The number of its scope in the table.
    let scope: Int
    /// With `!`: the rule applies when no subject matches.
    let isNegated: Bool
    let pattern: Pattern
    let action: Action

    /// Reads a line.
    /// - Throws: `RuleError`.
    init(
        _ line: ArraySlice<UInt8>, place: String, _ table: inout ScopeTable,
        compilesToMachineCode: Bool
    ) throws(RuleError) {
        var rest = line.trimmed
        let word = Rule.word(&rest)
        guard let scope = Scope(word) else {
            throw RuleError(unknown: word, of: "scope", Scope.known)
        }
        let isNegated = rest.first == 0x21
        if isNegated { rest.removeFirst() }
        let source = try Rule.delimited(&rest)
        let flags = try Rule.flags(Rule.word(&rest))
        do throws(PatternError) {
            pattern = try Pattern(source, flags, compilesToMachineCode: compilesToMachineCode)
        } catch {
            throw RuleError("pattern: \(error)")
        }
        let action = Rule.word(&rest)
        guard !action.isEmpty else { throw RuleError("an action must follow the pattern") }
        self.action = try Action(action, rest, pattern, negated: isNegated)
        self.place = place
        self.scope = table.number(of: scope)
        self.isNegated = isNegated
    }

    /// Takes a word and the blanks after it off the front.
    private static func word(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let word = rest.prefix { !$0.isBlank }
        rest = rest.dropFirst(word.count).drop(while: \.isBlank)
        return word
    }

    /// Takes `/pattern/` off the front. In a pattern `\/` is a slash, to PCRE2 too.
    private static func delimited(
        _ rest: inout ArraySlice<UInt8>
    ) throws(RuleError) -> [UInt8] {
        guard rest.first == 0x2F else { throw RuleError("/pattern/ must follow the scope") }
        var isEscaped = false
        let body = rest.dropFirst()
        for index in body.indices {
            if !isEscaped, body[index] == 0x2F {
                rest = rest[(index + 1)...]
                return Array(body[..<index])
            }
            isEscaped = !isEscaped && body[index] == 0x5C
        }
        throw RuleError("the pattern has no final /")
    }

    private static func flags(_ letters: ArraySlice<UInt8>) throws(RuleError) -> PatternFlags {
        var flags: PatternFlags = []
        for letter in letters {
            guard let flag = PatternFlags(letter: letter) else {
                throw RuleError("no flag \([letter].printable); try i, x, s, m, U or u")
            }
            flags.insert(flag)
        }
        return flags
    }
}

extension Rule {
    /// Reads a file: one rule a line; empty lines and those that begin with `#` mean nothing.
    /// - Throws: `ControlError` with file and line.
    static func all(
        in path: String, _ table: inout ScopeTable, compilesToMachineCode: Bool
    ) throws(ControlError) -> [Rule] {
        let bytes = try contents(path)
        var rules: [Rule] = []
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let line = line.trimmed
            if line.isEmpty || line.first == 0x23 { continue }
            do throws(RuleError) {
                let rule = try Rule(
                    line, place: "\(path):\(index + 1)", &table,
                    compilesToMachineCode: compilesToMachineCode)
                rules.append(rule)
            } catch {
                throw .invalid(file: path, line: index + 1, reason: error.description)
            }
        }
        return rules
    }

    private static func contents(_ path: String) throws(ControlError) -> [UInt8] {
        do {
            return try Files.contents(of: path)
        } catch {
            throw .unreadable(error)
        }
    }
}
