// RuleRun: the rules over one request.
// regex-rules(5).
// SPDX-License-Identifier: MIT

import FilterKit
import MailModel
import Patterns
import UnixIO

/// Applies rules one after the other.
struct RuleRun {
    /// An `if` whose block is being read.
    private struct Block {
        let scope: Int
        /// The subjects of the scope for which the condition holds; those of the other scopes
        /// are all looked at.
        let subjects: [Int]
        /// Whether the condition holds for the request as a whole.
        let holds: Bool
    }

    private let rules: RuleSet
    private let matcher: Matcher
    private let deadline: Deadline
    private var subjects: Subjects
    private var blocks: [Block] = []
    /// By the number of the scope: for each pattern, whether some subject holds what it requires.
    private var candidates: [[Bool]?]

    init(_ rules: RuleSet, _ subjects: Subjects, _ matcher: Matcher, deadline: Deadline) {
        self.rules = rules
        self.subjects = subjects
        self.matcher = matcher
        self.deadline = deadline
        candidates = Array(repeating: nil, count: rules.filters.count)
    }

    /// Applies the rules.
    /// - Returns: the verdict of the first that ends the judging; nil when none does.
    mutating func judge(_ findings: inout Findings) throws(FilterError) -> Verdict? {
        var verdict: Verdict?
        var index = 0
        while index < rules.statements.count {
            defer { index += 1 }
            switch rules.statements[index] {
            case .rule(let rule):
                let decided = try apply(rule, &findings)
                verdict = verdict ?? decided
                if verdict != nil, !findings.isTest { return verdict }
            case .begin(let condition, let end):
                if try !enter(condition, &findings) { index = end }
            case .end: blocks.removeLast()
            }
        }
        return verdict
    }

    // MARK: Conditions

    /// - Returns: false when the block is passed over.
    private mutating func enter(
        _ condition: Condition, _ findings: inout Findings
    ) throws(FilterError) -> Bool {
        guard isLive(condition.scope) else { return false }
        do {
            guard let all = try subjects.of(condition.scope) else { return false }
            let looked = indices(of: condition.scope, all)
            var held: [Int] = []
            for index in looked
            where (try match(condition, all[index]) != nil) != condition.isNegated {
                held.append(index)
            }
            // Among what was not read there may be one for which it holds, or does not.
            if let gap = subjects.gap(of: condition.scope) { throw gap }
            let holds = condition.isNegated ? held.count == looked.count : !held.isEmpty
            guard holds || !held.isEmpty else { return false }
            blocks.append(Block(scope: condition.scope, subjects: held, holds: holds))
            return true
        } catch let error as FilterError {
            throw error
        } catch {
            findings.add(unknown: condition.place, "\(error)", refuses: false)
            return false
        }
    }

    /// Whether rules about a scope apply within the blocks that are open.
    private func isLive(_ scope: Int) -> Bool {
        blocks.allSatisfy { $0.holds || ($0.scope == scope && !$0.subjects.isEmpty) }
    }

    private func indices(of scope: Int, _ all: [[UInt8]]) -> [Int] {
        blocks.last { $0.scope == scope }?.subjects ?? Array(all.indices)
    }

    private mutating func match(_ condition: Condition, _ subject: [UInt8]) throws -> Match? {
        guard try isCandidate(condition) else { return nil }
        guard !deadline.hasPassed else { throw LimitError("the time limit ran out") }
        return try matcher.match(
            condition.pattern, subject, isCut: subjects.isCut(condition.scope), deadline: deadline)
    }

    /// False when no subject of the scope holds what the pattern requires.
    private mutating func isCandidate(_ condition: Condition) throws -> Bool {
        guard !rules.filters.isEmpty, let filter = rules.filters[condition.scope] else {
            return true
        }
        if let known = candidates[condition.scope] { return known[condition.number] }
        var flags = [Bool](repeating: false, count: filter.patternCount)
        for number in filter.always { flags[number] = true }
        let set = CandidateSet()
        for subject in try subjects.of(condition.scope) ?? [] {
            subject.withUnsafeBytes { filter.search($0, into: set) }
            for number in set.found { flags[number] = true }
        }
        candidates[condition.scope] = flags
        return flags[condition.number]
    }

    // MARK: Rules

    private mutating func apply(
        _ rule: Rule, _ findings: inout Findings
    ) throws(FilterError) -> Verdict? {
        let condition = rule.condition
        guard isLive(condition.scope) else { return nil }
        do {
            guard let all = try subjects.of(condition.scope) else { return nil }
            for index in indices(of: condition.scope, all) {
                guard let match = try match(condition, all[index]) else { continue }
                return condition.isNegated ? nil : act(rule, all[index], match, &findings)
            }
            if let gap = subjects.gap(of: condition.scope) { throw gap }
            return condition.isNegated ? act(rule, [], nil, &findings) : nil
        } catch let error as FilterError {
            throw error
        } catch {
            findings.add(
                unknown: condition.place, "\(error)", refuses: !rule.action.endsOtherwise)
            return nil
        }
    }

    private func act(
        _ rule: Rule, _ subject: [UInt8], _ match: Match?, _ findings: inout Findings
    ) -> Verdict? {
        findings.add(
            rule.condition.place, rule.action.word, subject, match?.ranges.first ?? nil,
            scope: rule.condition.scopeWord, does: rule.action.words(subject, match))
        switch rule.action {
        case .reject, .defer: return rule.action.refusal(subject, match)
        case .discard: return .discard
        case .accept: return .accept
        case .tag(let name, let text):
            if let field = HeaderField(name, text.filled(subject, match)) {
                findings.edits.append(.prepend(field))
            }
        case .remove(let name): findings.edits.append(.remove(name: name))
        case .redirect(let mailbox): findings.redirect(to: mailbox)
        case .add(let mailbox): findings.edits.append(.addRecipient(mailbox))
        case .log(let text): findings.say(text.filled(subject, match).printable)
        }
        return nil
    }
}

extension Action {
    /// True when it ends the judging, and not by rejecting.
    fileprivate var endsOtherwise: Bool {
        switch self {
        case .accept, .discard, .defer: true
        case .reject, .tag, .remove, .redirect, .add, .log: false
        }
    }

    /// The verdict of reject and defer; nil for all others. A reply is ASCII to every client;
    /// captures are whatever somebody sent.
    func refusal(_ subject: [UInt8], _ match: Match?) -> Verdict? {
        let words = { (text: Template) in
            let filled = text.filled(subject, match)
            let words = filled.isEmpty ? Array("refused by the rules of this site".utf8) : filled
            return words.map { $0 < 0x80 ? $0 : 0x3F }.printable
        }
        switch self {
        case .reject(let code, let status, let text):
            return .reject(Reply(code, status, words(text)))
        case .defer(let code, let status, let text):
            return .defer(Reply(code, status, words(text)))
        default: return nil
        }
    }

    /// What it would do, for people.
    func words(_ subject: [UInt8], _ match: Match?) -> String {
        switch self {
        case .reject, .defer: refusal(subject, match)?.words ?? word
        case .discard, .accept: word
        case .tag(let name, let text):
            "\(word) \(name.printable): \(text.filled(subject, match).printable)"
        case .remove(let name): "\(word) \(name.printable)"
        case .redirect(let mailbox), .add(let mailbox): "\(word) \(mailbox)"
        case .log(let text): "\(word) \(text.filled(subject, match).printable)"
        }
    }
}
