// KeptAgents: connections to agents that wait for another delivery to the same destination.
// delivery-protocol(7), section Several deliveries on one connection.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel

/// Connections that no delivery uses, those that have waited longest first.
struct KeptAgents {
    /// How long one is kept, in microseconds.
    static let patience: UInt64 = 3_000_000

    private var kept: [(delivery: RunningDelivery, until: UInt64)] = []

    /// How many there are.
    var count: Int { kept.count }

    /// When the first is to be given up; nil when there is none.
    var moment: UInt64? { kept.first?.until }

    /// The sockets to poll: whatever comes from an agent that was not asked is its end.
    var entries: [pollfd] {
        kept.map { pollfd(fd: $0.delivery.number, events: Int16(POLLIN), revents: 0) }
    }

    /// Keeps the connection of a delivery that is over.
    mutating func keep(_ delivery: RunningDelivery, now: UInt64) {
        kept.append((delivery, now &+ Self.patience))
    }

    /// The connection that leads to a destination; nil when there is none.
    mutating func take(_ destination: Destination) -> RunningDelivery? {
        kept.lastIndex { $0.delivery.plan.destination == destination }
            .map { kept.remove(at: $0).delivery }
    }

    /// Gives up the one that has waited longest.
    mutating func letGoOfOldest() { if !kept.isEmpty { kept.removeFirst() } }

    /// Gives up what has waited long enough.
    mutating func expire(_ now: UInt64) { kept.removeAll { $0.until <= now } }

    /// Gives up those whose entry of `entries` has something.
    mutating func letGo(_ ready: some Sequence<pollfd>) {
        let numbers = Set(ready.filter { $0.revents != 0 }.map(\.fd))
        if !numbers.isEmpty { kept.removeAll { numbers.contains($0.delivery.number) } }
    }

    /// Gives up all.
    mutating func removeAll() { kept = [] }
}
