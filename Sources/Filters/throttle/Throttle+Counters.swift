// Throttle+Counters: looking at counters, forgetting them, and charging failures by hand.
// throttle(8), options --show, --reset and --failed.
// SPDX-License-Identifier: MIT

import Control
import Counters
import FilterKit
import MailModel

extension Throttle {
    /// What the options say of somebody who failed.
    func failure() throws(FilterError) -> Occasion {
        do throws(UsageError) {
            var occasion = Occasion(.message, try setup.clientFacts())
            occasion.isFailure = true
            occasion.reversePath = try setup.options.read("sender", "an address") {
                try? ReversePath($0)
            }
            for recipient in setup.options.allBytes("recipient") {
                guard let mailbox = try? Mailbox(recipient) else {
                    throw UsageError("--recipient \(recipient.printable): not an address")
                }
                occasion.recipients.append(mailbox)
            }
            return occasion
        } catch {
            throw .configuration(error.description)
        }
    }

    /// Charges a failure to all limits that count it.
    func charge(_ failure: Occasion) throws(FilterError) {
        let charges = policy.charges(failure).charges
        guard !charges.isEmpty else { return }
        try counted { () throws(CounterError) in
            _ = try counters.charge(charges, isTrial: setup.checks)
        }
    }

    /// One line a counter: key, limit, state, and the time until it is forgotten.
    func lines() throws(FilterError) -> [String] {
        try counted { () throws(CounterError) in try counters.store.entries() }.compactMap {
            entry in
            guard let name = CounterName(entry.key) else { return nil }
            let state =
                name.rate.map { "\(entry.used(of: $0)) of \($0.burst)" }
                ?? "waits \((entry.nanosecondsLeft + 999_999) / 1_000_000)ms"
            return "\(name.value)\t\(name.limit)\t\(state)\t\(span(entry.nanosecondsLeft))\n"
        }.sorted()
    }

    /// A time for people, rounded up: `90s`, `90m`, `40h`, `31d`.
    private func span(_ nanoseconds: UInt64) -> String {
        let units: [(name: String, seconds: UInt64, most: UInt64)] = [
            ("s", 1, 120), ("m", 60, 120), ("h", 3600, 48), ("d", 86_400, .max),
        ]
        for unit in units {
            let length = unit.seconds * 1_000_000_000
            let (whole, rest) = nanoseconds.quotientAndRemainder(dividingBy: length)
            let count = whole + (rest > 0 ? 1 : 0)
            if count <= unit.most { return "\(count)\(unit.name)" }
        }
        return ""
    }

    /// Forgets the counters of a key, whatever their limits.
    func reset(_ key: String) throws(FilterError) {
        let count = try counted { () throws(CounterError) in
            let found = try counters.store.entries().filter { CounterName($0.key)?.value == key }
            try counters.store.forget(found)
            return found.count
        }
        try Errand.print("\(count) forgotten\n")
    }

    private func counted<Result>(
        _ body: () throws(CounterError) -> Result
    ) throws(FilterError) -> Result {
        do {
            return try body()
        } catch {
            throw counters.failure(error)
        }
    }
}
