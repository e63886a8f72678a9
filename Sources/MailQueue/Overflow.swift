// Overflow: buckets of messages that found no space where they could wait for room.
// queue-manager(8).
// SPDX-License-Identifier: MIT

/// Names buckets for messages that are due but cannot even be remembered. A bucket takes a bounded
/// number of them, so that as many are taken up again as there is space for. After a crash their
/// moments do it. Times are seconds since 1970.
struct Overflow {
    /// How many messages a bucket takes.
    static let depth = 20_000
    /// How long they wait when nothing is done for them.
    static let pause = 3600

    private var filled: [(bucket: Bucket, count: Int)] = []

    /// True when none waits, as far as is known.
    var isEmpty: Bool { filled.isEmpty }

    /// The bucket for another message.
    mutating func nextBucket(now: Int) -> Bucket {
        let earliest = Bucket(due: now + Overflow.pause)
        guard let last = filled.last, last.bucket.moment > now else {
            filled = [(earliest, 1)]
            return earliest
        }
        if last.count < Overflow.depth {
            filled[filled.count - 1].count += 1
            return last.bucket
        }
        let next = max(earliest, Bucket(due: last.bucket.moment + Bucket.width))
        filled.append((next, 1))
        return next
    }

    /// Takes out the first bucket, since there is space; nil when there is none.
    mutating func takeFirst() -> Bucket? {
        filled.isEmpty ? nil : filled.removeFirst().bucket
    }
}
