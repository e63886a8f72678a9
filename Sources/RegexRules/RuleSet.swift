// RuleSet: the rules of all files in their order.
// regex-rules(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Patterns
import UnixIO

/// What a line of a rule file says.
enum Statement {
    case rule(Rule)
    /// The number of the statement that ends the block.
    case begin(Condition, end: Int)
    case end

    /// What is matched.
    var condition: Condition? {
        get {
            switch self {
            case .rule(let rule): rule.condition
            case .begin(let condition, _): condition
            case .end: nil
            }
        }
        set {
            guard let newValue else { return }
            switch self {
            case .rule(let rule): self = .rule(Rule(newValue, rule.action))
            case .begin(_, let end): self = .begin(newValue, end: end)
            case .end: break
            }
        }
    }
}

/// Rules, compiled.
struct RuleSet {
    private(set) var statements: [Statement] = []
    /// The scopes that the rules look at.
    private(set) var scopes = ScopeTable()
    /// For each scope, what finds the patterns worth a try; nil where the patterns are few. None
    /// at all where they are few in every scope.
    private(set) var filters: [LiteralFilter?] = []

    /// Fewer patterns of a scope are all tried. For one message of a few fields, to prepare the
    /// filter costs more than it saves.
    private static func fewPatterns(_ scope: Scope, isResident: Bool) -> Int {
        isResident || scope == .body || scope == .raw ? 8 : 64
    }

    /// No rules.
    init() {}

    /// Reads files: one rule a line; empty lines and those that begin with `#` mean nothing.
    /// After them come the lists of suffixes of attachments.
    /// - Throws: `ControlError` with file and line.
    init(
        files: [String], suffixes: [SuffixList], compilesToMachineCode: Bool
    ) throws(ControlError) {
        for path in files {
            let bytes: [UInt8]
            do {
                bytes = try Files.contents(of: path, limit: ControlFolder.maximumSize)
            } catch {
                throw .unreadable(error)
            }
            try add(bytes, path, compilesToMachineCode)
        }
        for list in suffixes {
            for line in list.lines {
                do throws(RuleError) {
                    try add(
                        SuffixList.rule(line.bytes)[...], "\(list.path):\(line.number)",
                        compilesToMachineCode)
                } catch {
                    throw .invalid(
                        file: list.path, line: line.number, reason: error.description)
                }
            }
        }
        makeFilters(isResident: compilesToMachineCode)
    }

    private mutating func add(
        _ bytes: [UInt8], _ path: String, _ compilesToMachineCode: Bool
    ) throws(ControlError) {
        var open: [(statement: Int, line: Int)] = []
        let lines = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            let line = line.trimmed
            if line.isEmpty || line.first == 0x23 { continue }
            do throws(RuleError) {
                try add(line, "\(path):\(index + 1)", compilesToMachineCode)
                switch statements.last {
                case .begin: open.append((statements.count - 1, index + 1))
                case .end:
                    guard let begin = open.popLast()?.statement else {
                        throw RuleError("endif without if")
                    }
                    close(begin)
                case .rule, nil: break
                }
            } catch {
                throw .invalid(file: path, line: index + 1, reason: error.description)
            }
        }
        // A block ends in the file that it began in.
        if let last = open.last {
            throw .invalid(file: path, line: last.line, reason: "if without endif")
        }
    }

    private mutating func add(
        _ line: ArraySlice<UInt8>, _ place: String, _ compilesToMachineCode: Bool
    ) throws(RuleError) {
        var rest = line
        switch rest.takeWord() {
        case let word where word.elementsEqual("if".utf8):
            let condition = try Condition(
                &rest, place: place, &scopes, compilesToMachineCode: compilesToMachineCode)
            guard rest.isEmpty else { throw RuleError("text after the pattern of if") }
            statements.append(.begin(condition, end: statements.count))
        case let word where word.elementsEqual("endif".utf8):
            guard rest.isEmpty else { throw RuleError("text after endif") }
            statements.append(.end)
        default:
            statements.append(
                .rule(
                    try Rule(
                        line, place: place, &scopes, compilesToMachineCode: compilesToMachineCode)))
        }
    }

    private mutating func close(_ begin: Int) {
        if case .begin(let condition, _) = statements[begin] {
            statements[begin] = .begin(condition, end: statements.count - 1)
        }
    }

    private mutating func makeFilters(isResident: Bool) {
        // A process for one message starts faster for every type that it does not use.
        guard
            scopes.scopes.contains(where: {
                statements.count >= RuleSet.fewPatterns($0, isResident: isResident)
            })
        else { return }
        var counts = [Int](repeating: 0, count: scopes.scopes.count)
        for index in statements.indices {
            guard var condition = statements[index].condition else { continue }
            condition.number = counts[condition.scope]
            counts[condition.scope] += 1
            statements[index].condition = condition
        }
        filters = scopes.scopes.indices.map { scope in
            let few = RuleSet.fewPatterns(scopes.scopes[scope], isResident: isResident)
            guard counts[scope] >= few else { return nil }
            let conditions = statements.compactMap(\.condition).filter { $0.scope == scope }
            return LiteralFilter(conditions.map(\.required))
        }
    }
}
