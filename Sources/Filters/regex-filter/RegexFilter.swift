// regex-filter: judges by patterns over client, envelope, header and bytes.
// regex-filter(8), regex-rules(5).
// SPDX-License-Identifier: MIT

import Control
import FilterKit
import MailModel
import Patterns
import UnixIO

@main
struct RegexFilter: Filter {
    static let name = "regex-filter"
    static let summary = "judge a message by the patterns of rule files"
    static let options: [Usage.Option] = [
        .values("rules", "FILE", "a file of rules, regex-rules(5)"),
        .value("size-limit", "SIZE", "how much of a message is looked at (16M)"),
        .value("match-limit", "N", "how often a match may go back and try otherwise (1000000)"),
        .value("timeout", "T", "how long all rules together may take (10s)"),
        .value("on-limit", "ACTION", "defer what is over a limit, or skip the rule (defer)"),
    ]

    /// What becomes of a message that is over a limit.
    enum OnLimit: String, CaseIterable {
        case `defer`
        /// Fails open: the rule that could not be judged counts as one that does not apply.
        case skip
    }

    private let rules: [Rule]
    private let scopes: ScopeTable
    private let sizeLimit: Int
    private let timeout: Duration
    private let onLimit: OnLimit
    private let matcher: Matcher

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws {
        let options = setup.options
        sizeLimit = try options.size("size-limit") ?? 16 << 20
        timeout = try options.duration("timeout") ?? .seconds(10)
        onLimit = try options.choice("on-limit", OnLimit.self) ?? .defer
        var limits = MatchLimits()
        if let match = try options.integer("match-limit", in: 1...Int(Int32.max)) {
            limits.match = UInt32(match)
        }
        guard options.has("rules") else { throw UsageError("--rules FILE is missing") }
        // Machine code takes longer to make than most messages take to match without it, so
        // that it is made where one process judges many.
        let isResident = setup.convention == .resident
        matcher = try Matcher(limits, forMachineCode: isResident)
        var table = ScopeTable()
        rules = try options.all("rules").flatMap {
            try Rule.all(in: $0, &table, compilesToMachineCode: isResident)
        }
        scopes = table
    }

    func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        let subjects = Subjects(copy request, scopes, sizeLimit: sizeLimit)
        var run = RuleRun(copy request, subjects, matcher, deadline: .after(timeout))
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
