// QueueRunner+Sweep: removing what a crash left behind.
// queue(5), section EVERY LEGAL COMBINATION.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

/// How far the sweep of state files has come. It is done once after a start, since only a crash
/// leaves any, and slowly, since a queue may hold a million of them.
struct StateSweep {
    /// How many state files are looked at in one go.
    static let stride = 100
    /// The time between two goes, in microseconds.
    static let interval: UInt64 = 1_000_000

    /// When the next go is due; nil when everything was looked at.
    var moment: UInt64?
    private var shard = -1
    private var folder: FolderScan?

    init(from moment: UInt64) { self.moment = moment }

    /// The next state file's id; nil at the end.
    mutating func next(in spool: Spool) throws(SystemError) -> QueueID? {
        while true {
            if let id = folder?.next() { return id }
            shard += 1
            guard shard < Spool.shards.count else { return nil }
            folder = try FolderScan("state/\(Spool.shards[shard])", in: spool)
        }
    }
}

extension QueueRunner {
    /// Looks at some state files and removes those whose message is finished.
    func sweep() {
        guard let moment = sweeping.moment, moment <= now else { return }
        sweeping.moment = now &+ StateSweep.interval
        do throws(SystemError) {
            for _ in 0..<StateSweep.stride {
                guard let id = try sweeping.next(in: spool) else {
                    sweeping.moment = nil
                    return
                }
                guard active[id] == nil, !removed.contains(where: { $0.id == id }),
                    try isOrphan(id)
                else { continue }
                try spool.removeState(id)
                log.event("swept", ["message": "\(id)"])
            }
        } catch {
            log.event("sweep-failed", ["error": "\(error)"])
        }
    }

    /// True when a state file has no message. The administrator may move a message between `held`
    /// and `new` meanwhile, so `held` is looked at on both sides of `new`.
    private func isOrphan(_ id: QueueID) throws(SystemError) -> Bool {
        let marked = try spool.markedBucket(of: id).map { [MessagePlace.deferred($0)] } ?? []
        for place in [.held, .new] + marked where try spool.exists(id, at: place) { return false }
        let records = (try? spool.state(of: id))?.records ?? []
        for due in records.compactMap(\.due).suffix(1) {
            if try spool.exists(id, at: .deferred(Bucket(due: due))) { return false }
        }
        let others = try spool.buckets().map { MessagePlace.deferred($0) } + [.new, .held]
        for place in others where try spool.exists(id, at: place) { return false }
        return true
    }
}

extension StateRecord {
    fileprivate var due: Int? {
        if case .result(_, _, _, let due) = self { due } else { nil }
    }
}

extension Spool {
    /// True when a message is at a place.
    func exists(_ id: QueueID, at place: MessagePlace) throws(SystemError) -> Bool {
        try Files.status(place.path(id), in: root.borrowed) != nil
    }
}
