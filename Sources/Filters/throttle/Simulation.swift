// Simulation: what a set of limits would have done to what a log tells of.
// throttle(8), section SIMULATION.
// SPDX-License-Identifier: MIT

import Counters
import MailModel

/// A clock that the log sets.
private final class LogClock {
    /// Microseconds since 1970-01-01 UTC.
    var time: UInt64 = 0
}

/// What a limit did.
private struct Tally {
    /// The most keys that are counted one by one.
    static let maximumKeys = 1_000_000

    var asked = 0
    var over = 0
    /// By the key's value: asked and over.
    var keys: [String: (asked: Int, over: Int)] = [:]
}

/// The limits, at work on one line of a log after the other.
struct Simulation {
    /// The most sessions that are kept in mind; the rest of an older one counts as not understood.
    private static let maximumSessions = 100_000
    /// How many keys of a limit are named.
    private static let namedKeys = 10

    private let policy: Policy
    private let clock = LogClock()
    private let store: MemoryStore
    private var sessions: [[UInt8]: SimulatedSession] = [:]
    private var tallies: [Tally]
    private var waits = 0
    private var lines = 0
    private var counted = 0
    private var spared = 0
    private var unknown = 0

    init(_ policy: Policy) {
        self.policy = policy
        store = MemoryStore { [clock] in clock.time &* 1000 }
        tallies = policy.limits.map { _ in Tally() }
    }

    /// Reads a line of the log.
    mutating func read(_ bytes: some RandomAccessCollection<UInt8>) throws(CounterError) {
        lines += 1
        guard let line = LogLine(bytes), let id = line["session"],
            SimulatedSession.events.contains(line.event)
        else { return }
        clock.time = max(clock.time, line.time ?? SimulatedSession.begin(id) ?? 0)
        if line.event == "disconnect" {
            sessions[id] = nil
            return
        }
        if line.event == "connect" {
            if sessions.count >= Simulation.maximumSessions { sessions = [:] }
            sessions[id] = SimulatedSession(line)
        }
        guard var session = sessions[id] else {
            unknown += 1
            return
        }
        defer { sessions[id] = session }
        for occasion in session.occasions(line) {
            guard !session.isRefused(occasion.stage) else {
                spared += 1
                continue
            }
            counted += 1
            guard try !isRefused(occasion) else {
                // A recipient that we refuse is no failure: that another refused it is not told.
                session.refuse(occasion.stage)
                break
            }
            session.pass(occasion)
        }
    }

    private mutating func isRefused(_ occasion: Occasion) throws(CounterError) -> Bool {
        let (charges, owners, _) = policy.charges(occasion)
        let outcome = try store.charge(charges)
        waits += outcome.waits.values.contains { $0 > 0 } ? 1 : 0
        let over = Set(outcome.over)
        var isRefused = false
        for (index, charge) in charges.enumerated() {
            guard let place = owners[index], let name = CounterName(charge.key), name.rate != nil,
                !occasion.isFailure
            else { continue }
            tallies[place].count(name.value, isOver: over.contains(index))
            if over.contains(index), policy.limits[place].action.refuses { isRefused = true }
        }
        return isRefused
    }

    /// The result, for people.
    var report: String {
        var text =
            "\(lines) lines, \(counted) asked, \(spared) not asked after a refusal, "
            + "\(unknown) of sessions that began before\n"
        for (limit, tally) in zip(policy.limits, tallies) {
            text += "\(limit.name) \(limit.action.word): accept \(tally.asked - tally.over)"
            text += ", \(limit.action.word) \(tally.over)\n"
            for (key, count) in tally.top(Simulation.namedKeys) {
                text += "\t\(key)\t\(count.over) of \(count.asked)\n"
            }
        }
        if policy.spam != nil || policy.limits.contains(where: { $0.action.word == "spamthrottle" })
        {
            text += "spamthrottle: \(waits) waits\n"
        }
        return text
    }
}

extension Tally {
    mutating func count(_ key: String, isOver: Bool) {
        asked += 1
        over += isOver ? 1 : 0
        guard keys.count < Tally.maximumKeys || keys[key] != nil else { return }
        keys[key, default: (0, 0)].asked += 1
        keys[key, default: (0, 0)].over += isOver ? 1 : 0
    }

    /// The keys that were over most often, then those that asked most often.
    func top(_ count: Int) -> [(key: String, value: (asked: Int, over: Int))] {
        let sorted = keys.sorted { one, other in
            (other.value.over, other.value.asked, one.key)
                < (one.value.over, one.value.asked, other.key)
        }
        return Array(sorted.prefix(count))
    }
}
