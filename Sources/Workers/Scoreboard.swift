// Scoreboard: what the workers of a pool tell their parent, in memory that they share.
// mmap(2).
// SPDX-License-Identifier: MIT

import CUnix
import UnixIO

/// A counter of idle workers, one of those that began, and one slot a worker. Shared by fork;
/// every access is atomic.
struct Scoreboard {
    private let counters: UnsafeMutablePointer<Int32>
    private var slots: UnsafeMutablePointer<Int32> { counters + 2 }
    /// The number of slots.
    let capacity: Int

    private enum State {
        static let empty: Int32 = 0
        static let idle: Int32 = 1
        static let busy: Int32 = 2
    }

    init(capacity: Int) throws(SystemError) {
        guard let counters = cunix_shared_counters(capacity + 2) else {
            throw SystemError.last("mmap", "scoreboard")
        }
        self.counters = counters
        self.capacity = capacity
    }

    /// How many workers wait for work.
    var idle: Int { Int(cunix_counter_get(counters)) }

    /// The parent, before it forks the worker of this slot.
    func occupy(_ slot: Int) {
        cunix_counter_set(slots + slot, State.idle)
        cunix_counter_add(counters, 1)
    }

    /// True once a worker was able to serve.
    var hasServed: Bool { cunix_counter_get(counters + 1) > 0 }

    /// The worker, when it is able to serve.
    /// - Returns: true for the first one.
    func open() -> Bool { cunix_counter_exchange(counters + 1, 0, 1) }

    /// The worker, when it has work. Returns true when no idle worker is left.
    func begin(_ slot: Int) -> Bool {
        cunix_counter_set(slots + slot, State.busy)
        return cunix_counter_add(counters, -1) <= 0
    }

    /// The worker, when it is idle again.
    func finish(_ slot: Int) {
        cunix_counter_set(slots + slot, State.idle)
        cunix_counter_add(counters, 1)
    }

    /// The parent, when the worker of this slot is gone.
    func vacate(_ slot: Int) {
        let wasIdle = cunix_counter_get(slots + slot) == State.idle
        cunix_counter_set(slots + slot, State.empty)
        if wasIdle { cunix_counter_add(counters, -1) }
    }

    func isBusy(_ slot: Int) -> Bool { cunix_counter_get(slots + slot) == State.busy }
}
