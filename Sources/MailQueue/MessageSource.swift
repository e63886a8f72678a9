// MessageSource: which messages are to be worked on next.
// queue(5), sections THE TRIGGER and the buckets.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// A message that may be at a place.
struct FoundMessage: Hashable, Sendable {
    var id: QueueID
    var place: MessagePlace
}

/// Ids from the trigger, from lists of `new`, and from the buckets that are due. It opens no
/// message and remembers a bounded number of ids. Times are microseconds since 1970.
struct MessageSource {
    /// How many ids of the trigger are remembered; what is over is found by listing.
    static let rememberedAtMost = 50_000
    /// After how long a folder in which something was left is listed again. A bucket's pause is
    /// doubled each time, up to `longestPause`.
    static let secondLook: UInt64 = 10_000_000
    private static let longestPause: UInt64 = 640_000_000

    private let spool: Spool
    private let fifo: OwnedFIFO
    private let capacity: Int
    private var told = Backlog<FoundMessage>()
    private var scan: (shard: Int, folder: FolderScan?)?
    private var scanAt: UInt64
    /// When each bucket is to be listed, and after which pause it is listed again.
    private var buckets: [Bucket: (moment: UInt64, pause: UInt64)] = [:]
    private var earliest = UInt64.max
    private var bucketScan: (bucket: Bucket, folder: FolderScan)?

    /// Opens the trigger first and lists afterwards, so that no id is missed in between.
    init(_ spool: Spool, now: UInt64) throws(SystemError) {
        self.spool = spool
        fifo = OwnedFIFO(try spool.openTrigger())
        capacity = try fifo.descriptor.borrowed.pipeCapacity("trigger")
        scanAt = now
        for bucket in try spool.buckets() {
            buckets[bucket] = (bucket.microseconds, MessageSource.secondLook)
        }
        findEarliest()
    }

    /// The FIFO to poll.
    var trigger: Descriptor { fifo.descriptor.borrowed }

    /// Takes in what the trigger holds.
    /// - Returns: what else it said.
    mutating func readTrigger() -> [TriggerWord] {
        var bytes = [UInt8](repeating: 0, count: capacity)
        let got = read(trigger.rawValue, &bytes, capacity)
        guard got > 0 else { return [] }
        var words: [TriggerWord] = []
        for line in bytes[..<got].split(separator: 0x0A) {
            if let id = QueueID(line) {
                tell(id)
            } else if let word = TriggerWord(rawValue: String(decoding: line, as: UTF8.self)) {
                words.append(word)
            }
        }
        // It may have been full, and somebody may not have been able to tell.
        if got > capacity / 2 { scanAt = 0 }
        return words
    }

    /// A message came up in `new`.
    mutating func tell(_ id: QueueID) {
        if told.count < MessageSource.rememberedAtMost {
            told.append(FoundMessage(id: id, place: .new))
        } else {
            scanAt = 0
        }
    }

    /// `new` is to be listed at this moment or before.
    mutating func lookAgain(at moment: UInt64) { scanAt = min(scanAt, moment) }

    /// A message was moved to this bucket.
    mutating func filled(_ bucket: Bucket) {
        guard buckets[bucket] == nil else { return }
        buckets[bucket] = (bucket.microseconds, MessageSource.secondLook)
        earliest = min(earliest, bucket.microseconds)
    }

    /// A bucket is due now, whatever its moment.
    mutating func isDue(_ bucket: Bucket) {
        guard buckets[bucket] != nil else { return }
        buckets[bucket] = (0, MessageSource.secondLook)
        earliest = 0
    }

    /// Every bucket that there is now is due.
    mutating func everythingIsDue() {
        for bucket in buckets.keys { buckets[bucket] = (0, MessageSource.secondLook) }
        earliest = buckets.isEmpty ? .max : 0
        scanAt = 0
    }

    /// The next message that came up by itself; nil when there is none.
    mutating func nextTold() -> FoundMessage? { told.popFirst() }

    /// The next message that may be in `new`; nil when there is none now.
    mutating func nextNew(_ now: UInt64) throws(SystemError) -> FoundMessage? {
        if scan == nil, scanAt <= now {
            scan = (-1, nil)
            scanAt = now &+ QueueRunner.scanInterval
        }
        while let (shard, folder) = scan {
            if let id = folder?.next() { return FoundMessage(id: id, place: .new) }
            guard shard + 1 < Spool.shards.count else {
                scan = nil
                return nil
            }
            // Not for ever in a folder that cannot be listed now.
            scan = nil
            scan = (shard + 1, try FolderScan("new/\(Spool.shards[shard + 1])", in: spool))
        }
        return nil
    }

    /// The next id in a bucket that is due; nil when there is none now.
    mutating func nextDeferred(_ now: UInt64) throws(SystemError) -> FoundMessage? {
        while true {
            if let (bucket, folder) = bucketScan {
                if let id = folder.next() {
                    return FoundMessage(id: id, place: .deferred(bucket))
                }
                bucketScan = nil
                try close(bucket, now)
            }
            guard earliest <= now,
                let bucket = buckets.filter({ $0.value.moment <= now }).keys.min()
            else { return nil }
            // Also when it cannot be listed now.
            lookAgain(bucket, now)
            guard let folder = try FolderScan("deferred/\(bucket)", in: spool) else {
                forget(bucket)
                continue
            }
            bucketScan = (bucket, folder)
        }
    }

    /// A bucket's list came to its end: what was taken from it may still be there.
    private mutating func close(_ bucket: Bucket, _ now: UInt64) throws(SystemError) {
        if try spool.remove(bucket) { return forget(bucket) }
        // It may have become due as a whole meanwhile.
        guard let (moment, pause) = buckets[bucket], moment > 0 else { return }
        let again = max(bucket.microseconds, now &+ pause)
        buckets[bucket] = (again, min(pause * 2, MessageSource.longestPause))
        findEarliest()
    }

    private mutating func lookAgain(_ bucket: Bucket, _ now: UInt64) {
        let pause = buckets[bucket]?.pause ?? MessageSource.secondLook
        buckets[bucket] = (now &+ pause, pause)
        findEarliest()
    }

    private mutating func forget(_ bucket: Bucket) {
        buckets[bucket] = nil
        findEarliest()
    }

    private mutating func findEarliest() {
        earliest = buckets.values.min { $0.moment < $1.moment }?.moment ?? .max
    }

    /// When `nextTold` or `nextNew` has something; 0 when it may have now.
    var newMoment: UInt64 { told.isEmpty && scan == nil ? scanAt : 0 }

    /// When `nextDeferred` has something; 0 when it may have now.
    var deferredMoment: UInt64 { bucketScan == nil ? earliest : 0 }
}

/// A reference to an owned descriptor, for types that are copied.
final class OwnedFIFO {
    let descriptor: OwnedDescriptor

    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
}

extension Bucket {
    /// The moment in microseconds since 1970.
    var microseconds: UInt64 { UInt64(moment) * 1_000_000 }
}
