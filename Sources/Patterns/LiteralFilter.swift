// LiteralFilter: which of many patterns could match a subject, by one pass over it.
// It finds grams of four or three bytes by a bit map and a table, then compares whole strings.
// SPDX-License-Identifier: MIT

import MailModel

/// Finds, among the required strings of many patterns, those that a subject holds. It survives a
/// fork and is not changed by use.
public struct LiteralFilter: Sendable {
    /// The patterns that require nothing and may match any subject, in ascending order.
    public let always: [Int]
    /// How many patterns there are.
    public let patternCount: Int
    private let long: GramTable
    private let short: GramTable

    /// A filter for patterns in this order; nil for one that requires nothing.
    public init(_ patterns: [RequiredLiterals?]) {
        patternCount = patterns.count
        always = patterns.indices.filter { patterns[$0] == nil }
        var long: [GramTable.Literal] = []
        var short: [GramTable.Literal] = []
        for (index, required) in patterns.enumerated() {
            for string in required?.strings ?? [] {
                let literal = GramTable.Literal(string: string, pattern: Int32(index))
                if string.count >= 4 { long.append(literal) } else { short.append(literal) }
            }
        }
        self.long = GramTable(long, width: 4)
        self.short = GramTable(short, width: 3)
    }

    /// Puts the patterns of which the subject holds a required string into `candidates`; those
    /// of `always` are not among them.
    public func search(_ subject: UnsafeRawBufferPointer, into candidates: CandidateSet) {
        candidates.begin(patternCount)
        long.search(subject, into: candidates)
        if !short.isEmpty { short.search(subject, into: candidates) }
    }
}

/// Which patterns are worth a try. One serves all subjects of a process, one after the other.
public final class CandidateSet {
    private var stamps: [UInt32] = []
    private var stamp: UInt32 = 0
    /// The patterns, in the order in which they were found.
    public private(set) var found: [Int] = []

    /// An empty set.
    public init() {}

    func begin(_ count: Int) {
        found.removeAll(keepingCapacity: true)
        stamp &+= 1
        if stamps.count < count || stamp == 0 {
            stamps = [UInt32](repeating: 0, count: max(count, stamps.count))
            stamp = 1
        }
    }

    func insert(_ pattern: Int) {
        guard stamps[pattern] != stamp else { return }
        stamps[pattern] = stamp
        found.append(pattern)
    }

    /// True for a pattern that was found in the last subject.
    public func contains(_ pattern: Int) -> Bool { stamps[pattern] == stamp }

    /// The patterns and those of another list, which is in ascending order: each once, in
    /// ascending order.
    public func merged(with others: [Int], into all: inout [Int]) {
        all.removeAll(keepingCapacity: true)
        if found.count > 1 { found.sort() }
        var rest = others[...]
        for pattern in found {
            while let other = rest.first, other <= pattern {
                rest.removeFirst()
                if other < pattern { all.append(other) }
            }
            all.append(pattern)
        }
        all += rest
    }
}
