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
    static let options: [Usage.Option] = [
        .values("limit", "'KEY UNIT RATE ACTION [text]'", "a limit (required)"),
        .value("store", "DIR", "the folder of the counters (throttle in the run folder)"),
        .value("store-size", "SIZE", "what all counters together may take (16M)"),
        .value("store-lost", "ACTION", "defer (the default) or accept when it cannot be used"),
        .root,
    ]

    /// What to do when the counters cannot be used.
    enum StoreLost: String, CaseIterable {
        case `defer`
        /// Fails open: nothing is limited while the store is lost.
        case accept
    }

    private let limits: [Limit]
    private let store: CounterStore
    private let storeLost: StoreLost
    private var announced: Set<Stage> = []

    static func main() { FilterMain.run(Self.self) }

    init(_ setup: Setup) throws {
        let options = setup.options
        limits = try options.all("limit").map { line throws(UsageError) in try Limit(line) }
        guard !limits.isEmpty else { throw UsageError("no --limit 'KEY UNIT RATE ACTION [text]'") }
        let size = try options.read("store-size", "a size from 256K to 1G") { text in
            Quantity.bytes(text).flatMap { (256 << 10...1 << 30).contains($0) ? $0 : nil }
        }
        storeLost = try options.choice("store-lost", StoreLost.self) ?? .defer
        store = CounterStore(
            folder: options["store"] ?? "\(Root(options).run)/throttle",
            mapSize: size ?? CounterStore.standardMapSize, log: Log(Self.name))
    }

    mutating func judge(
        _ request: borrowing Request, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        announceUncounted(at: request.stage)
        var charges: [Charge] = []
        var owners: [Limit] = []
        for limit in limits {
            let some = limit.charges(request)
            charges += some
            owners += some.map { _ in limit }
        }
        evidence["counted"] = .number(charges.count)
        guard !charges.isEmpty else { return .accept }
        let over: [Int]
        do throws(CounterError) {
            over = try store.charge(charges, isTrial: request.isTrial).over
        } catch {
            return try verdict(without: error, &evidence)
        }
        return verdict(over.map { owners[$0] }, &evidence)
    }

    /// The first limit that refuses decides; else the longest delay is asked for.
    private func verdict(_ over: [Limit], _ evidence: inout Evidence) -> Verdict {
        if !over.isEmpty { evidence.log("over", over.map(\.name).joined(separator: ", ")) }
        if let refusal = over.lazy.compactMap(\.refusal).first { return refusal }
        let delays = over.map { limit in
            if case .delay(let time) = limit.action { time } else { Duration.zero }
        }
        guard let delay = delays.max(), delay > .zero else { return .accept }
        evidence.log("delay", delay.milliseconds)
        return .accept([.delay(delay)])
    }

    private func verdict(
        without error: CounterError, _ evidence: inout Evidence
    ) throws(FilterError) -> Verdict {
        evidence.log("store", error.description)
        switch storeLost {
        case .defer: throw FilterError(.cannotWrite, error.description)
        case .accept: return .accept
        }
    }

    /// A limit that can never be counted where this step stands is a mistake worth a line.
    private mutating func announceUncounted(at stage: Stage) {
        guard announced.insert(stage).inserted else { return }
        for limit in limits where !limit.unit.isCounted(at: stage) {
            Log(Self.name).event(
                "limit-not-counted", ["limit": limit.name, "stage": stage.rawValue])
        }
    }
}
