// RegexFilter: judges by patterns over client, envelope, header, bytes and decoded content.
// regex-filter(8), regex-rules(5).
// SPDX-License-Identifier: MIT

public import Control
public import FilterKit
public import MailModel
import Patterns
import UnixIO

/// What `regex-filter` and its twin, which can decode, have in common: all but the decoding.
public struct RegexFilter {
    /// Both are one filter to those who read its logs and its help.
    public static let name = "regex-filter"
    /// The line of the help.
    public static let summary = "judge a message by the patterns of rule files"
    /// The options.
    public static let options: [Usage.Option] =
        [
            .values("rules", "FILE", "a file of rules, regex-rules(5)"),
            .value("size-limit", "SIZE", "how much of a message is looked at (16M)"),
            .value("match-limit", "N", "how often a match may go back and try otherwise (1000000)"),
            .value("timeout", "T", "how long all rules together may take (10s)"),
            .value("on-limit", "ACTION", "defer what is over a limit, or skip the rule (defer)"),
        ] + DecodingLimits.options

    /// The program that can decode.
    private static let twin = "regex-filter-full"

    /// What becomes of a message that is over a limit.
    enum OnLimit: String, CaseIterable {
        case `defer`
        /// Fails open: the rule that could not be judged counts as one that does not apply.
        case skip
    }

    private let rules: [Rule]
    private let scopes: ScopeTable
    private let limits: DecodingLimits
    private let timeout: Duration
    private let onLimit: OnLimit
    private let matcher: Matcher
    private let decoder: (any MessageDecoder)?

    /// Reads options and rules. Without a decoder this process becomes the twin that has one as
    /// soon as it is certain that one is needed.
    /// - Throws: what is wrong with them.
    public init(_ setup: Setup, _ decoder: (any MessageDecoder)? = nil) throws {
        let isResident = setup.convention == .resident
        // Rules that are loaded anew may decode though the first ones did not.
        if decoder == nil, isResident { try setup.becomeTwin(RegexFilter.twin) }
        let options = setup.options
        self.decoder = decoder
        limits = try DecodingLimits(options)
        timeout = try options.duration("timeout") ?? .seconds(10)
        onLimit = try options.choice("on-limit", OnLimit.self) ?? .defer
        var matchLimits = MatchLimits()
        if let match = try options.integer("match-limit", in: 1...Int(Int32.max)) {
            matchLimits.match = UInt32(match)
        }
        guard options.has("rules") else { throw UsageError("--rules FILE is missing") }
        // Machine code takes longer to make than most messages take to match without it, so
        // that it is made where one process judges many.
        matcher = try Matcher(matchLimits, forMachineCode: isResident)
        var table = ScopeTable()
        rules = try options.all("rules").flatMap {
            try Rule.all(in: $0, &table, compilesToMachineCode: isResident)
        }
        scopes = table
        if decoder == nil, table.needsDecoder { try setup.becomeTwin(RegexFilter.twin) }
    }

    /// Decides.
    /// - Throws: `FilterError` when the message cannot be read.
    public func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        let deadline = Deadline.after(timeout)
        let subjects = Subjects(
            copy request, scopes, limits, decoder, twin: RegexFilter.twin, deadline: deadline)
        var run = RuleRun(copy request, subjects, matcher, deadline: deadline)
        defer { run.tell(&evidence) }
        for rule in rules {
            do {
                if let verdict = try run.apply(rule) { return verdict }
            } catch let error as FilterError {
                throw error
            } catch {
                run.note(rule, limit: "\(error)")
                guard onLimit == .skip else { return RuleRun.notKnown }
            }
        }
        return .accept(run.edits)
    }
}
