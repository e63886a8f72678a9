// SharedPlaces: a limited number of places that a process and its forked children share.
// mmap(2).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc

/// Places, each taken by at most one process, over all processes that were forked after they were
/// made. The place of a process that was killed in it is free again.
public struct SharedPlaces {
    /// The process in each place; 0 where there is none.
    private let places: UnsafeMutablePointer<Int32>
    /// How many there are.
    public let count: Int

    /// So many places, all free.
    /// - Throws: `SystemError` when there is no memory.
    public init(_ count: Int) throws(SystemError) {
        guard let places = cunix_shared_counters(max(1, count)) else {
            throw SystemError.last("mmap", "places")
        }
        self.places = places
        self.count = max(0, count)
    }

    /// Takes a place.
    /// - Returns: which one, for `leave`; nil when every place is taken.
    public func take() -> Int? {
        let process = getpid()
        for place in 0..<count where cunix_counter_exchange(places + place, 0, process) {
            return place
        }
        for place in 0..<count {
            let owner = cunix_counter_get(places + place)
            let isGone = owner > 0 && kill(owner, 0) != 0 && errno == ESRCH
            if isGone, cunix_counter_exchange(places + place, owner, process) { return place }
        }
        return nil
    }

    /// Gives a place back that this process has taken.
    public func leave(_ place: Int) {
        guard (0..<count).contains(place) else { return }
        _ = cunix_counter_exchange(places + place, getpid(), 0)
    }
}
