// PostfixLookup: the first rule of a table that matches a line.
// pcre_table(5), section TABLE SEARCH ORDER.
// SPDX-License-Identifier: MIT

import Patterns
import UnixIO

/// Asks a table for lines, one after the other.
struct PostfixLookup {
    /// What a table says of a line.
    struct Finding {
        let entry: Int
        /// Nil for a negated pattern.
        let match: Match?
    }

    /// A rule whose answer for a line is not known.
    struct Unknown {
        let entry: Int
        let reason: String
    }

    private let table: PostfixTable
    private let matcher: Matcher
    private let deadline: Deadline
    /// True when a rule over a limit counts as one that does not match.
    private let skipsUnknown: Bool
    private let candidates: CandidateSet
    /// The rules to try for this line, in their order.
    private var order: [Int] = []
    /// By the number of an `if`, for which line it was answered last, and how.
    private var answers: [(line: Int, holds: Bool)]
    private var line = 0
    private var tries = 0
    /// The rules that were over a limit, in the order in which they were tried.
    private(set) var unknown: [Unknown] = []

    init(_ table: PostfixTable, _ matcher: Matcher, deadline: Deadline, skipsUnknown: Bool) {
        self.table = table
        self.matcher = matcher
        self.deadline = deadline
        self.skipsUnknown = skipsUnknown
        candidates = CandidateSet()
        answers = Array(repeating: (0, false), count: table.entries.count)
    }

    /// The first rule that matches; nil when none does, or when it is not known which.
    mutating func first(in text: UnsafeRawBufferPointer) -> Finding? {
        line += 1
        table.filter.search(text, into: candidates)
        candidates.merged(with: table.always, into: &order)
        for index in order {
            guard let action = table.entries[index].action else { continue }
            do throws(PatternError) {
                if let finding = try finding(index, text) { return finding }
            } catch {
                unknown.append(Unknown(entry: index, reason: "\(error)"))
                // Had it matched, it would have said the same as a later one that rejects; any
                // other action could have kept that one from being asked.
                if case .reject = action { continue }
                guard skipsUnknown else { return nil }
            }
        }
        return nil
    }

    private mutating func finding(
        _ index: Int, _ text: UnsafeRawBufferPointer
    ) throws(PatternError) -> Finding? {
        let entry = table.entries[index]
        if let parent = entry.parent {
            guard try holds(parent, text) else { return nil }
        }
        let match = try match(index, entry, text)
        guard (match != nil) != entry.isNegated else { return nil }
        return Finding(entry: index, match: match)
    }

    /// Whether the lines between an `if` and its `endif` are for this line.
    private mutating func holds(
        _ index: Int, _ text: UnsafeRawBufferPointer
    ) throws(PatternError) -> Bool {
        if answers[index].line == line { return answers[index].holds }
        let entry = table.entries[index]
        var holds = true
        if let parent = entry.parent { holds = try self.holds(parent, text) }
        if holds { holds = (try match(index, entry, text) != nil) != entry.isNegated }
        answers[index] = (line, holds)
        return holds
    }

    private mutating func match(
        _ index: Int, _ entry: PostfixTable.Entry, _ text: UnsafeRawBufferPointer
    ) throws(PatternError) -> Match? {
        // Without the strings that it requires, there is no match and nothing to try.
        if entry.isFiltered, !candidates.contains(index) { return nil }
        // To ask the clock costs as much as many a match.
        tries += 1
        guard tries % 16 != 0 || !deadline.hasPassed else {
            throw .limitExceeded("the time limit ran out")
        }
        return try matcher.match(entry.pattern, text, deadline: deadline)
    }
}
