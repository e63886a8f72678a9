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

/// `scope [!]/pattern/flags`, of a rule or of an `if`.
struct Condition {
    /// `FILE:LINE`.
    let place: String
    /// The number of its scope in the table.
    let scope: Int
    /// The scope as it is written.
    let scopeWord: String
    /// With `!`: no subject may match.
    let isNegated: Bool
    let pattern: Pattern
    /// The pattern as it is written.
    private let source: [UInt8]
    private let flags: PatternFlags
    /// The number of the pattern among those of its scope.
    var number = 0

    /// Takes it off the front of a line.
    /// - Throws: `RuleError`.
    init(
        _ rest: inout ArraySlice<UInt8>, place: String, _ table: inout ScopeTable,
        compilesToMachineCode: Bool
    ) throws(RuleError) {
        let word = rest.takeWord()
        guard let scope = Scope(word) else {
            throw RuleError(unknown: word, of: "scope", Scope.known)
        }
        isNegated = rest.first == 0x21
        if isNegated { rest.removeFirst() }
        source = try Condition.delimited(&rest)
        flags = try Condition.flags(rest.takeWord())
        do throws(PatternError) {
            pattern = try Pattern(source, flags, compilesToMachineCode: compilesToMachineCode)
        } catch {
            throw RuleError("pattern: \(error)")
        }
        self.place = place
        self.scope = table.number(of: scope)
        scopeWord = word.printable
    }

    /// What the pattern requires of a subject; nil for nothing.
    var required: RequiredLiterals? { RequiredLiterals(of: source, flags) }

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

/// `scope [!]/pattern/flags action [text]`.
struct Rule {
    let condition: Condition
    let action: Action

    init(_ condition: Condition, _ action: Action) {
        self.condition = condition
        self.action = action
    }

    /// Reads a line.
    /// - Throws: `RuleError`.
    init(
        _ line: ArraySlice<UInt8>, place: String, _ table: inout ScopeTable,
        compilesToMachineCode: Bool
    ) throws(RuleError) {
        var rest = line.trimmed
        condition = try Condition(
            &rest, place: place, &table, compilesToMachineCode: compilesToMachineCode)
        let action = rest.takeWord()
        guard !action.isEmpty else { throw RuleError("an action must follow the pattern") }
        self.action = try Action(
            action, rest, condition.pattern, negated: condition.isNegated)
    }
}

extension ArraySlice<UInt8> {
    /// Takes a word and the blanks after it off the front.
    mutating func takeWord() -> ArraySlice<UInt8> {
        let word = prefix { !$0.isBlank }
        self = dropFirst(word.count).drop(while: \.isBlank)
        return word
    }
}
