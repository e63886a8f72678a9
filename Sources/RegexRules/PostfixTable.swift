// PostfixTable: a table of Postfix in its pcre form.
// pcre_table(5), header_checks(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Patterns
import UnixIO

/// The rules of a file, compiled.
struct PostfixTable {
    /// A rule or an `if`.
    struct Entry {
        /// `FILE:LINE`.
        let place: String
        let pattern: Pattern
        /// With `!`: what counts is that the pattern does not match.
        let isNegated: Bool
        /// The number of the `if` around it.
        let parent: Int?
        /// Nil for an `if`.
        let action: PostfixAction?
        /// True when a line without one of the required strings cannot match.
        let isFiltered: Bool
    }

    let kind: PostfixTableKind
    let entries: [Entry]
    let filter: LiteralFilter
    /// The rules that no missing string rules out.
    let always: [Int]

    /// Reads a file; `pcre:` before its name is understood.
    /// - Throws: `ControlError` with file and line, for what Postfix skips with a warning too.
    init(
        _ argument: String, _ kind: PostfixTableKind, compilesToMachineCode: Bool
    ) throws(ControlError) {
        let path = try PostfixTable.path(argument)
        let bytes: [UInt8]
        do {
            bytes = try Files.contents(of: path, limit: ControlFolder.maximumSize)
        } catch {
            throw .unreadable(error)
        }
        var reader = PostfixTableReader(
            path, kind, compilesToMachineCode: compilesToMachineCode)
        try reader.read(bytes)
        self.kind = kind
        entries = reader.entries
        filter = LiteralFilter(reader.required)
        always = entries.indices.filter {
            let entry = reader.entries[$0]
            return entry.action != nil && (entry.isNegated || !entry.isFiltered)
        }
    }

    private static func path(_ argument: String) throws(ControlError) -> String {
        guard let colon = argument.firstIndex(of: ":") else { return argument }
        let type = argument[..<colon]
        if type == "pcre" { return String(argument[argument.index(after: colon)...]) }
        let others = ["regexp", "hash", "lmdb", "cdb", "btree", "texthash", "cidr", "inline"]
        guard !others.contains(String(type)) else {
            throw .invalid(
                file: argument, line: nil, reason: "only tables of type pcre are understood")
        }
        return argument
    }
}

/// Reads a table line by line.
struct PostfixTableReader {
    private let path: String
    private let kind: PostfixTableKind
    private let compilesToMachineCode: Bool
    private(set) var entries: [PostfixTable.Entry] = []
    /// What each entry requires of a line.
    private(set) var required: [RequiredLiterals?] = []
    /// So many are tried without asking what they require, where one message is judged.
    private static let fewEntries = 64
    /// The `if`s that are open, and their lines.
    private var open: [(entry: Int, line: Int)] = []

    init(_ path: String, _ kind: PostfixTableKind, compilesToMachineCode: Bool) {
        self.path = path
        self.kind = kind
        self.compilesToMachineCode = compilesToMachineCode
    }

    mutating func read(_ bytes: [UInt8]) throws(ControlError) {
        var logical: [UInt8] = []
        var first = 0
        for (index, line) in bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
            .enumerated()
        {
            let text = line.drop(while: \.isSpace)
            if text.isEmpty || text.first == 0x23 { continue }
            if line.first?.isSpace == true {
                guard !logical.isEmpty else {
                    throw invalid(index + 1, "a line that begins with a blank continues no other")
                }
                logical += line
                continue
            }
            try take(logical, first)
            logical = Array(line)
            first = index + 1
        }
        try take(logical, first)
        if let last = open.last { throw invalid(last.line, "if without endif") }
    }

    private func invalid(_ line: Int, _ reason: String) -> ControlError {
        .invalid(file: path, line: line, reason: reason)
    }

    private mutating func take(_ line: [UInt8], _ number: Int) throws(ControlError) {
        guard !line.isEmpty else { return }
        do throws(RuleError) {
            try take(line[...], number)
        } catch {
            throw invalid(number, error.description)
        }
    }

    private mutating func take(_ line: ArraySlice<UInt8>, _ number: Int) throws(RuleError) {
        guard !line.contains(0) else { throw RuleError("a NUL byte") }
        var rest = line
        while rest.last?.isSpace == true { rest.removeLast() }
        guard let first = rest.first, first.isASCIIDigit || first.isASCIILetter else {
            return try add(&rest, number, isCondition: false)
        }
        switch keyword(&rest) {
        case "if":
            try add(&rest, number, isCondition: true)
            open.append((entries.count - 1, number))
        case "endif":
            guard rest.isEmpty else {
                throw RuleError("text after endif; lines between if and endif are not indented")
            }
            guard open.popLast() != nil else { throw RuleError("endif without if") }
        default:
            throw RuleError("a rule must begin with /pattern/, if or endif")
        }
    }

    /// Takes letters and digits and the blanks after them off the front.
    private func keyword(_ rest: inout ArraySlice<UInt8>) -> String {
        let word = rest.prefix { $0.isASCIIDigit || $0.isASCIILetter }
        rest = rest.dropFirst(word.count).drop(while: \.isSpace)
        return String(decoding: word.asciiLowercased, as: UTF8.self)
    }

    private mutating func add(
        _ rest: inout ArraySlice<UInt8>, _ number: Int, isCondition: Bool
    ) throws(RuleError) {
        var isNegated = false
        while let byte = rest.first, byte == 0x21 || byte.isSpace {
            if byte == 0x21 { isNegated.toggle() }
            rest.removeFirst()
        }
        let source = try PostfixTableReader.delimited(&rest)
        let flags = try PostfixTableReader.flags(&rest)
        rest = rest.drop(while: \.isSpace)
        let pattern: Pattern
        do throws(PatternError) {
            pattern = try Pattern(source, flags, compilesToMachineCode: compilesToMachineCode)
        } catch {
            throw RuleError("pattern: \(error)")
        }
        var action: PostfixAction?
        if isCondition {
            guard rest.isEmpty else {
                throw RuleError(
                    "text after the pattern of if; lines between if and endif are not indented")
            }
        } else {
            action = try PostfixAction(rest, kind, for: pattern, negated: isNegated)
        }
        // A header of one message has few lines to hold against few rules.
        let isWorthIt =
            compilesToMachineCode || kind == .body
            || entries.count >= PostfixTableReader.fewEntries
        let literals = isWorthIt ? RequiredLiterals(of: source, flags) : nil
        required.append(literals)
        entries.append(
            PostfixTable.Entry(
                place: "\(path):\(number)", pattern: pattern, isNegated: isNegated,
                parent: open.last?.entry, action: action, isFiltered: literals != nil))
    }

    /// Takes a pattern and what delimits it off the front. A delimiter in it is escaped, to PCRE
    /// too.
    private static func delimited(
        _ rest: inout ArraySlice<UInt8>
    ) throws(RuleError) -> [UInt8] {
        guard let delimiter = rest.popFirst() else { throw RuleError("a pattern is missing") }
        var isEscaped = false
        for index in rest.indices {
            if !isEscaped, rest[index] == delimiter {
                let source = Array(rest[..<index])
                rest = rest[(index + 1)...]
                return source
            }
            isEscaped = !isEscaped && rest[index] == 0x5C
        }
        throw RuleError("the pattern has no final \([delimiter].printable)")
    }

    /// Takes the flags off the front: each turns over what it stands for.
    private static func flags(_ rest: inout ArraySlice<UInt8>) throws(RuleError) -> PatternFlags {
        var flags: PatternFlags = [.ignoresCase, .dotMatchesLineEnd]
        while let letter = rest.first, !letter.isSpace {
            rest.removeFirst()
            switch letter {
            case 0x69: flags.formSymmetricDifference(.ignoresCase)
            case 0x6D: flags.formSymmetricDifference(.multiLine)
            case 0x73: flags.formSymmetricDifference(.dotMatchesLineEnd)
            case 0x78: flags.formSymmetricDifference(.extended)
            case 0x41: flags.formSymmetricDifference(.anchored)
            case 0x45: flags.formSymmetricDifference(.dollarIsOnlyTheEnd)
            case 0x55: flags.formSymmetricDifference(.lazy)
            // It meant something to an older PCRE only.
            case 0x58: break
            default:
                throw RuleError("no flag \([letter].printable); try i, m, s, x, A, E, U or X")
            }
        }
        return flags
    }
}

extension UInt8 {
    /// True for what C's `isspace` takes for space.
    fileprivate var isSpace: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
}
