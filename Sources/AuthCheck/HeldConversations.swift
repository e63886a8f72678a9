// HeldConversations: how many conversations wait for their clients, in all and for each client.
// mmap(2).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import MailModel
import UnixIO

/// Places that a process and all that it forks share, each with a mark of the client it is for.
///
/// A process gives its place back. That of one that was killed is free when it is gone, and at the
/// latest when its time is over: who was killed stays a process until its worker asks for its end.
struct HeldConversations {
    /// What is in a place.
    private enum Cell: Int {
        /// The process, 0 where there is none.
        case process
        /// The mark of its client.
        case client
        /// The second of CLOCK_MONOTONIC in which it is dead; 0 while it has not said so.
        case end
    }

    private static let cells = 3

    private let places: UnsafeMutablePointer<Int32>
    private let count: Int
    private let countPerClient: Int

    /// So many places, and so many of them for one client.
    /// - Throws: `SystemError` when there is no memory.
    init(_ count: Int, perClient: Int) throws(SystemError) {
        guard let places = cunix_shared_counters(max(1, count) * HeldConversations.cells) else {
            throw SystemError.last("mmap", "held conversations")
        }
        self.places = places
        self.count = count
        countPerClient = perClient
    }

    /// Takes a place for this process, which lasts no longer than this.
    /// - Returns: false when there is none, or none for this client.
    func take(for client: IPAddress?, lasting time: Duration) -> Bool {
        let mark = HeldConversations.mark(client)
        guard let place = free() else { return false }
        cunix_counter_set(cell(.client, of: place), mark)
        let end = HeldConversations.second + time.components.seconds + 1
        cunix_counter_set(cell(.end, of: place), Int32(clamping: end))
        // First taken, then counted: two that come at once may both go, and never both stay.
        let taken = (0..<count).count { other in
            cunix_counter_get(cell(.client, of: other)) == mark && isTaken(other)
        }
        if taken > countPerClient {
            leave(place)
            return false
        }
        return true
    }

    /// Gives back every place of this process.
    func leave() {
        let process = getpid()
        for place in 0..<count where cunix_counter_get(cell(.process, of: place)) == process {
            leave(place)
        }
    }

    private func leave(_ place: Int) {
        cunix_counter_set(cell(.client, of: place), 0)
        cunix_counter_set(cell(.end, of: place), 0)
        cunix_counter_set(cell(.process, of: place), 0)
    }

    private func free() -> Int? {
        let process = getpid()
        for place in 0..<count
        where cunix_counter_exchange(cell(.process, of: place), 0, process) { return place }
        // A process that was killed left its place taken.
        for place in 0..<count {
            let owner = cunix_counter_get(cell(.process, of: place))
            guard owner > 0, !isTaken(place) else { continue }
            // Nobody may take the old end for that of who comes now.
            cunix_counter_set(cell(.end, of: place), 0)
            if cunix_counter_exchange(cell(.process, of: place), owner, process) { return place }
        }
        return nil
    }

    private func isTaken(_ place: Int) -> Bool {
        let owner = cunix_counter_get(cell(.process, of: place))
        let end = cunix_counter_get(cell(.end, of: place))
        return owner > 0 && (end == 0 || HeldConversations.second < Int64(end))
            && (kill(owner, 0) == 0 || errno != ESRCH)
    }

    private func cell(_ cell: Cell, of place: Int) -> UnsafeMutablePointer<Int32> {
        places + (place * HeldConversations.cells + cell.rawValue)
    }

    private static var second: Int64 {
        Int64(clamping: Deadline.after(.zero).monotonicNanoseconds / 1_000_000_000)
    }

    /// A number for a client, never 0: an address, of IPv6 the network that one customer has.
    private static func mark(_ client: IPAddress?) -> Int32 {
        var hasher = Hasher()
        let bytes = client?.bytes ?? []
        hasher.combine(bytes.count == 16 ? Array(bytes.prefix(8)) : bytes)
        return Int32(truncatingIfNeeded: hasher.finalize()) | 1
    }
}
