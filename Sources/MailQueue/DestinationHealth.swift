// DestinationHealth: which destinations answer, and how those that do not are probed.
// queue-manager(8), section CONCURRENCY.
// SPDX-License-Identifier: MIT

/// What the last deliveries said of destinations. No clock; times are seconds since 1970. It
/// remembers a bounded number of them, and forgets those first of which it heard least recently.
struct DestinationHealth {
    /// How a destination stands.
    enum Standing: Hashable, Sendable {
        /// Nothing is known.
        case unknown
        /// It answered when it was asked last.
        case answering
        /// It did not.
        case failing
    }

    private struct Entry {
        /// How many deliveries it bears at once; nil: as many as may be. It grows by one with as
        /// many successes.
        var window: Int?
        /// Deliveries that it answered since the window changed.
        var successes = 0
        /// What was left alone, until when, and for how long: 0 when it is answering.
        var until = 0
        var pause = 0
        /// Why, for others that wait.
        var reason = ""
        /// When it was heard of, in the order of events.
        var event = 0
    }

    /// How many destinations are remembered.
    static let most = 20_000
    /// The first pause.
    static let shortestPause = 60
    /// No pause is longer.
    static let longestPause = 900

    private var entries: [Destination: Entry] = [:]
    private var events = 0

    /// How many destinations are remembered.
    var count: Int { entries.count }

    /// How a destination stands. What is ours always answers.
    func standing(of destination: Destination) -> Standing {
        if destination == .local { return .answering }
        guard let entry = entries[destination] else { return .unknown }
        return entry.pause > 0 ? .failing : .answering
    }

    /// How many deliveries to a destination may run at once, of a limit: one while it is failing,
    /// and fewer where several at once were too many.
    func window(of destination: Destination, limit: Int) -> Int {
        guard let entry = entries[destination] else { return limit }
        if entry.pause > 0 { return min(1, limit) }
        return min(entry.window ?? limit, limit)
    }

    /// Until when a destination is left alone; nil when it is not failing.
    func silence(of destination: Destination) -> (until: Int, reason: String)? {
        guard let entry = entries[destination], entry.pause > 0 else { return nil }
        return (entry.until, entry.reason)
    }

    /// The destination answered.
    mutating func answered(_ destination: Destination, limit: Int) {
        guard destination != .local else { return }
        var entry = entries[destination] ?? Entry()
        (entry.pause, entry.until, entry.reason) = (0, 0, "")
        entry.successes += 1
        if let window = entry.window, entry.successes >= window {
            entry.window = window + 1 < limit ? window + 1 : nil
            entry.successes = 0
        }
        remember(entry, destination)
    }

    /// Nobody at the destination could be reached. One that answered before with several
    /// deliveries at once gets half as many; any other is left alone for a minute, and each time
    /// in a row for twice as long. Deliveries that began before it was left alone change nothing.
    /// - Returns: true when it is left alone.
    mutating func failed(
        _ destination: Destination, limit: Int, now: Int, reason: String
    ) -> Bool {
        guard destination != .local else { return false }
        let isKnown = entries[destination] != nil
        var entry = entries[destination] ?? Entry()
        let window = min(entry.window ?? limit, limit)
        entry.successes = 0
        entry.reason = reason
        if isKnown, entry.pause == 0, window > 1 {
            entry.window = window / 2
            remember(entry, destination)
            return false
        }
        entry.window = 1
        if entry.until <= now || entry.until - now > DestinationHealth.longestPause {
            entry.pause = min(
                DestinationHealth.longestPause,
                max(DestinationHealth.shortestPause, entry.pause * 2))
            entry.until = now + entry.pause
        }
        remember(entry, destination)
        return true
    }

    /// Whatever failed is worth a try again.
    mutating func forgetFailures() { entries = entries.filter { $0.value.pause == 0 } }

    private mutating func remember(_ entry: Entry, _ destination: Destination) {
        events += 1
        entries[destination] = entry
        entries[destination]?.event = events
        guard entries.count > DestinationHealth.most else { return }
        // Half of them at once, so that the cost is small for each.
        let oldest = entries.sorted { $0.value.event < $1.value.event }
        for (destination, _) in oldest.prefix(DestinationHealth.most / 2) {
            entries[destination] = nil
        }
    }
}
