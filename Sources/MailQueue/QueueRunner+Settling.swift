// QueueRunner+Settling: writing down what happened, reporting, removing, deferring.
// queue(5), section WHO WRITES WHAT WHEN.
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension QueueRunner {
    /// After how long something that could not be written is tried again, in microseconds.
    private static let patience: UInt64 = 5_000_000
    /// After how long a report that could not be queued is tried again, in seconds.
    private static let reportPatience = 300

    /// No delivery of the message waits or runs: finish it, or defer it.
    func settle(_ message: ActiveMessage) {
        do throws(QueueError) {
            let retryReport = try !report(message)
            if message.progress.isFinished {
                try remove(message)
            } else if message.hasHeldBack, !retryReport {
                try save(message)
                plan(message)
            } else {
                try deferMessage(message, retryReport: retryReport)
            }
            stuck[message.id] = nil
        } catch {
            log.event("settle-failed", ["message": "\(message.id)", "error": "\(error)"])
            stuck[message.id] = now &+ QueueRunner.patience
        }
    }

    /// Appends what is not saved, synced when a recipient's end is among it.
    func save(_ message: ActiveMessage) throws(QueueError) {
        guard !message.unsaved.isEmpty else { return }
        do throws(SystemError) {
            message.hasState = true
            message.stateLength = try spool.append(
                message.unsaved, to: message.id, at: message.stateLength,
                isSynced: message.mustSync)
            message.unsaved = []
        } catch {
            throw .system(error)
        }
    }

    private func remove(_ message: ActiveMessage) throws(QueueError) {
        do throws(SystemError) {
            try spool.removeMessage(message.id, at: message.place)
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw .system(error) }
        }
        removed.append((message.id, message.place.folder(message.id), message.hasState))
        flushSoon()
        deactivate(message)
    }

    private func deferMessage(
        _ message: ActiveMessage, retryReport: Bool
    ) throws(QueueError) {
        do throws(QueueError) {
            try save(message)
        } catch {
            // Deferrals alone may be lost: it is tried again earlier then.
            guard !message.mustSync else { throw error }
            log.event("save-failed", ["message": "\(message.id)", "error": "\(error)"])
        }
        let seconds = Int(clamping: now / 1_000_000)
        var due = message.progress.nextDue ?? seconds + QueueRunner.reportPatience
        if retryReport { due = min(due, seconds + QueueRunner.reportPatience) }
        if let warning = nextWarning(of: message) { due = min(due, warning) }
        // Later than the moment of a bucket that may be listed now.
        let bucket = Bucket(due: max(due, seconds + 1))
        do throws(SystemError) {
            try spool.move(message.id, from: message.place, to: bucket)
        } catch {
            throw .system(error)
        }
        source.filled(bucket)
        if message.hasState { spool.mark(message.id, isIn: bucket) }
        deactivate(message)
    }

    func deactivate(_ message: ActiveMessage) {
        active[message.id] = nil
        unsaved.remove(message.id)
        if let seat = message.seat { admission.leave(seat) }
        message.seat = nil
    }

    func flushSoon() {
        if flushAt == nil { flushAt = now &+ QueueRunner.gathering }
    }

    /// Writes what was gathered: results of messages that go on, folders that names went from,
    /// and then the states that nothing depends on any more.
    func flush() {
        flushAt = nil
        for id in unsaved {
            guard let message = active[id] else { continue }
            do throws(QueueError) {
                try save(message)
            } catch {
                log.event("save-failed", ["message": "\(id)", "error": "\(error)"])
                flushAt = now &+ QueueRunner.patience
                continue
            }
            unsaved.remove(id)
        }
        let gone = removed
        removed = []
        for folder in Set(gone.map(\.folder)).sorted() {
            let here = gone.filter { $0.folder == folder }
            do throws(SystemError) {
                try spool.syncRemovals(from: folder)
                for entry in here where entry.hasState { try spool.removeState(entry.id) }
                for entry in here { log.finished(entry.id) }
            } catch {
                log.event("sync-failed", ["folder": folder, "error": "\(error)"])
                removed += here
                flushAt = now &+ QueueRunner.patience
            }
        }
    }
}
