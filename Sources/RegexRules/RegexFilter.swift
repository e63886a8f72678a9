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
        RuleSources.options + [
            .value("size-limit", "SIZE", "how much of a message is looked at (16M)"),
            .value("match-limit", "N", "how often a match may go back and try otherwise (1000000)"),
            .value("timeout", "T", "how long all rules together may take (10s)"),
            .value("on-limit", "ACTION", "defer what is over a limit, or skip the rule (defer)"),
            .flag("test", "print each rule that applies and what it would do, and no verdict"),
        ] + DecodingLimits.options

    /// The program that can decode.
    private static let twin = "regex-filter-full"

    /// What becomes of a message that is over a limit.
    enum OnLimit: String, CaseIterable {
        case `defer`
        /// Fails open: the rule that could not be judged counts as one that does not apply.
        case skip
    }

    private let sources: RuleSources
    private let limits: DecodingLimits
    private let timeout: Duration
    private let skipsUnknown: Bool
    private let isTest: Bool
    private let matcher: Matcher
    private let decoder: (any MessageDecoder)?

    /// Reads options and rules. Without a decoder this process becomes the twin that has one as
    /// soon as it is certain that one is needed.
    /// - Throws: what is wrong with them.
    public init(_ setup: Setup, _ decoder: (any MessageDecoder)? = nil) throws {
        let options = setup.options
        let isResident = setup.convention == .resident
        isTest = options.has("test")
        guard !isTest || setup.convention == .shell else {
            throw UsageError("--test is for a shell")
        }
        // Rules that are loaded anew may decode though the first ones did not.
        if decoder == nil, isResident { try setup.becomeTwin(RegexFilter.twin) }
        self.decoder = decoder
        limits = try DecodingLimits(options)
        timeout = try options.duration("timeout") ?? .seconds(10)
        skipsUnknown = try options.choice("on-limit", OnLimit.self) == .skip
        var matchLimits = MatchLimits()
        if let match = try options.integer("match-limit", in: 1...Int(Int32.max)) {
            matchLimits.match = UInt32(match)
        }
        // Machine code takes longer to make than most messages take to match without it, so
        // that it is made where one process judges many.
        matcher = try Matcher(matchLimits, forMachineCode: isResident)
        sources = try RuleSources(options, compilesToMachineCode: isResident)
        if decoder == nil, sources.rules.scopes.needsDecoder {
            try setup.becomeTwin(RegexFilter.twin)
        }
    }

    /// With `--test`, prints what the rules would do.
    /// - Returns: the exit code; nil without `--test`.
    /// - Throws: `FilterError` when the message cannot be read or nothing be written.
    public func examine(_ request: borrowing Request) throws(FilterError) -> FilterExit? {
        guard isTest else { return nil }
        var findings = Findings(copy request, skipsUnknown: skipsUnknown, isTest: true)
        let verdict = try verdict(copy request, &findings)
        let lines = (findings.report ?? []) + ["verdict: \(verdict.words)"]
        do throws(SystemError) {
            try Descriptor(rawValue: 1).writeAll(
                Array((lines.joined(separator: "\n") + "\n").utf8), "standard output")
        } catch {
            throw FilterError(.cannotWrite, "\(error)")
        }
        return .accept
    }

    /// Decides.
    /// - Throws: `FilterError` when the message cannot be read.
    public func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        var findings = Findings(copy request, skipsUnknown: skipsUnknown, isTest: false)
        defer { findings.tell(&evidence) }
        return try verdict(copy request, &findings)
    }

    private func verdict(
        _ request: Request, _ findings: inout Findings
    ) throws(FilterError) -> Verdict {
        let deadline = Deadline.after(timeout)
        var decided = sources.control?.judge(request, &findings)
        if decided == nil || isTest {
            let subjects = Subjects(
                request, sources.rules.scopes, limits, decoder, twin: RegexFilter.twin,
                deadline: deadline)
            var run = RuleRun(sources.rules, subjects, matcher, deadline: deadline)
            let verdict = try run.judge(&findings)
            decided = decided ?? verdict
        }
        if decided == nil || isTest, !sources.checks.isEmpty, request.stage == .message {
            let verdict = try postfix(request, deadline, &findings)
            decided = decided ?? verdict
        }
        switch decided {
        case nil, .accept: return findings.settled(.accept(findings.edits))
        case let verdict?: return findings.settled(verdict)
        }
    }

    private func postfix(
        _ request: Request, _ deadline: Deadline, _ findings: inout Findings
    ) throws(FilterError) -> Verdict? {
        let (bytes, isWhole) = try request.message.beginning(limit: limits.size)
        var run = PostfixRun(
            sources.checks, matcher, deadline: deadline, skipsUnknown: skipsUnknown)
        let verdict = bytes.withUnsafeBytes { run.judge($0, isWhole: isWhole, &findings) }
        if !isWhole, verdict == nil || isTest {
            findings.add(
                unknown: "message", "it has more than \(limits.size) bytes", refuses: true)
        }
        switch verdict {
        case nil, .accept: try run.finish(request, &findings)
        default: break
        }
        return verdict
    }
}

extension Verdict {
    /// The verdict with its reply, for people.
    var words: String { reply.map { "\(word) \($0)" } ?? word }
}
