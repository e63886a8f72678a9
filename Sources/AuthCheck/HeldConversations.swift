// HeldConversations: how many conversations wait for their clients, in all and for each client.
// mmap(2).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc
import MailModel
import UnixIO

/// Places that a process and all that it forks share, each with a mark of the client it is for.
struct HeldConversations {
    /// In turn the process in a place, 0 where there is none, and the mark of its client.
    private let places: UnsafeMutablePointer<Int32>
    private let count: Int
    private let countPerClient: Int

    /// So many places, and so many of them for one client.
    /// - Throws: `SystemError` when there is no memory.
    init(_ count: Int, perClient: Int) throws(SystemError) {
        guard let places = cunix_shared_counters(max(1, count) * 2) else {
            throw SystemError.last("mmap", "held conversations")
        }
        self.places = places
        self.count = count
        countPerClient = perClient
    }

    /// Takes a place for this process.
    /// - Returns: false when there is none, or none for this client.
    func take(for client: IPAddress?) -> Bool {
        let mark = HeldConversations.mark(client)
        guard let place = free() else { return false }
        cunix_counter_set(places + place * 2 + 1, mark)
        // First taken, then counted: two that come at once may both go, and never both stay.
        let taken = (0..<count).count { other in
            cunix_counter_get(places + other * 2 + 1) == mark && isTaken(other)
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
        for place in 0..<count where cunix_counter_get(places + place * 2) == process {
            leave(place)
        }
    }

    private func leave(_ place: Int) {
        cunix_counter_set(places + place * 2 + 1, 0)
        cunix_counter_set(places + place * 2, 0)
    }

    private func free() -> Int? {
        let process = getpid()
        for place in 0..<count where cunix_counter_exchange(places + place * 2, 0, process) {
            return place
        }
        // A process that was killed left its place taken.
        for place in 0..<count {
            let owner = cunix_counter_get(places + place * 2)
            guard owner > 0, !isTaken(place),
                cunix_counter_exchange(places + place * 2, owner, process)
            else { continue }
            return place
        }
        return nil
    }

    private func isTaken(_ place: Int) -> Bool {
        let owner = cunix_counter_get(places + place * 2)
        return owner > 0 && (kill(owner, 0) == 0 || errno != ESRCH)
    }

    /// A number for a client, never 0: an address, of IPv6 the network that one customer has.
    private static func mark(_ client: IPAddress?) -> Int32 {
        var hasher = Hasher()
        let bytes = client?.bytes ?? []
        hasher.combine(bytes.count == 16 ? Array(bytes.prefix(8)) : bytes)
        return Int32(truncatingIfNeeded: hasher.finalize()) | 1
    }
}
