// throttle: limits what a client, a sender or a recipient may do in so much time.
// throttle(8).
// SPDX-License-Identifier: MIT

import Control
import Counters
import FilterKit
import MailModel
import UnixIO

@main struct Throttle: Filter {
    static let name = "throttle"
    static let summary = "Limits and delays by client, network, sender, user and recipient."
    static let options = Policy.options + CounterChoice.options + Errand.options + [.root]

    let policy: Policy
    let counters: CounterChoice
    let errand: Errand?
    let setup: Setup
    private let measured: Int
    private var announced: Set<Stage> = []

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws {
        let log = Log(Self.name)
        self.setup = setup
        policy = try Policy(setup.options, log: log)
        counters = try CounterChoice(setup.options, log: log)
        errand = try Errand(setup, policy)
        measured = try setup.options.integer("measure", in: 1...1_000_000_000) ?? 0
        guard !policy.isEmpty || !(errand?.needsLimits ?? true) else {
            throw UsageError(
                "no --limits FILE, --limit 'KEY UNIT RATE ACTION [text]' or --spamt FILE")
        }
    }

    mutating func perform() throws(FilterError) -> FilterExit? {
        guard let errand else { return nil }
        return try perform(errand)
    }

    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        announceUncounted(at: request.stage)
        if measured > 0 { try measure(request, &evidence) }
        return try decide(Occasion(request), isTrial: request.isTrial, &evidence)
    }

    mutating func learn(
        _ outcome: Outcome, of request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) {
        var occasion = Occasion(request)
        switch outcome {
        case .refused, .refusedLogin: occasion.isFailure = true
        }
        _ = try decide(occasion, isTrial: request.isTrial, &evidence)
    }

    private func decide(
        _ occasion: Occasion, isTrial: Bool, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        let (charges, owners, flush) = policy.charges(occasion)
        evidence["counted"] = .number(charges.count)
        guard !charges.isEmpty else { return passed(after: flush, &evidence) }
        let outcome: ChargeOutcome
        do throws(CounterError) {
            let (known, loss) = try counters.charge(charges, isTrial: isTrial)
            if let loss { evidence.log("store", loss) }
            outcome = known
        } catch {
            evidence.log("store", error.description)
            guard counters.lost == .accept else { throw counters.failure(error) }
            return .accept
        }
        if evidence.isWanted {
            evidence["limits"] = .list(Policy.evidence(charges, owners, outcome))
        }
        let over = outcome.over.compactMap { owners[$0].map { policy.limits[$0] } }
        if !over.isEmpty { evidence.log("over", over.map(\.name).joined(separator: ", ")) }
        // The first limit that refuses decides; else the longest wait is asked for.
        if let refusal = over.lazy.compactMap(\.refusal).first { return refusal }
        // SpamThrottle's charge is the last one.
        let last = charges.count - 1
        let spam = owners[last] == nil ? outcome.waits[last] ?? 0 : 0
        let wait = max(
            over.map(\.delay).max() ?? 0, outcome.waits.values.max() ?? 0,
            min(spam + flush, Pacing.longest))
        return passed(after: wait, hasPaced: owners[last] == nil, &evidence)
    }

    /// Accepts, and asks for a wait of so many milliseconds.
    private func passed(
        after delay: UInt64, hasPaced: Bool = false, _ evidence: inout Evidence
    ) -> Verdict {
        let delay = min(delay, Pacing.longest)
        var edits: [Edit] = []
        if hasPaced { edits.append(.note(name: SpamTable.note, value: Array("waited".utf8))) }
        if delay > 0 {
            evidence.log("delay", Int(clamping: delay))
            edits.append(.delay(.milliseconds(Int64(clamping: delay))))
        }
        return .accept(edits)
    }

    /// Decides again and again, as a resident worker does for one request after another, and
    /// says how fast that was.
    private func measure(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) {
        let begin = WallClock.microseconds
        for _ in 0..<measured {
            _ = try decide(Occasion(request), isTrial: request.isTrial, &evidence)
        }
        let time = max(1, WallClock.microseconds - begin)
        let rate = UInt64(measured) * 1_000_000 / time
        try Errand.print("\(measured) decisions, \(rate) per second\n", to: 2)
    }

    /// A limit that can never be counted where this step stands is a mistake worth a line.
    private mutating func announceUncounted(at stage: Stage) {
        guard announced.insert(stage).inserted else { return }
        for limit in policy.limits where !limit.unit.isCounted(at: stage) {
            Log(Self.name).event(
                "limit-not-counted", ["limit": limit.name, "stage": stage.rawValue])
        }
    }
}

extension Limit {
    /// What a request over this limit waits, in milliseconds, when that is always the same.
    fileprivate var delay: UInt64 {
        if case .delay(let time) = action { UInt64(clamping: time.milliseconds) } else { 0 }
    }
}
