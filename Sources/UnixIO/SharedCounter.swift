// SharedCounter: a number that a process and its forked children share.
// mmap(2).
// SPDX-License-Identifier: MIT

import CUnix

/// Counts how many of a limited number of places are taken, over all processes that were forked
/// after it was made. A process that is killed in its place keeps it.
public struct SharedCounter {
    private let counter: UnsafeMutablePointer<Int32>
    private let limit: Int32

    /// A counter of this many places.
    /// - Throws: `SystemError` when there is no memory.
    public init(limit: Int) throws(SystemError) {
        guard let counter = cunix_shared_counters(1) else {
            throw SystemError.last("mmap", "counter")
        }
        self.counter = counter
        self.limit = Int32(clamping: limit)
    }

    /// Runs `body` in a place.
    /// - Returns: false, without running it, when every place is taken.
    public func inPlace(_ body: () -> Void) -> Bool {
        defer { cunix_counter_add(counter, -1) }
        guard cunix_counter_add(counter, 1) <= limit else { return false }
        body()
        return true
    }
}
