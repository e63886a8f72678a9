// Spool+Operations: what the administrator does to messages while a manager runs.
// chainmail(1), section THE QUEUE; queue(5).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// What came of an operation on a message.
public enum OperationOutcome: Hashable, Sendable {
    /// It is done, and safe on disk.
    case done
    /// No such message is in the queue.
    case gone
    /// It is being delivered, or was just taken up; later it may be free.
    case busy
    /// There is nothing to do, in words.
    case unchanged(String)
}

/// What the trigger says besides ids: lines that are no id.
enum TriggerWord: String {
    /// Everything is due now.
    case flush = "!flush"
    /// Destinations that were left alone are worth a try.
    case listen = "!listen"
}

extension Spool {
    /// The most often that a message which moves meanwhile is looked for again.
    private static var patience: Int { 3 }

    /// Does it as the queue's owner when root does it: what root makes the manager could not open.
    public func asOwner<Result>(_ body: () throws -> Result) throws -> Result {
        guard geteuid() == 0, user != 0 else { return try body() }
        let status: Glibc.stat
        do throws(SystemError) { status = try root.borrowed.status(path) } catch {
            throw QueueError.system(error)
        }
        guard setegid(status.st_gid) == 0 else {
            throw QueueError.system(SystemError.last("setegid", "\(status.st_gid)"))
        }
        defer { setegid(0) }
        guard seteuid(user) == 0 else {
            throw QueueError.system(SystemError.last("seteuid", "\(user)"))
        }
        defer { seteuid(0) }
        return try body()
    }

    /// Nobody delivers the message until it is released.
    /// - Throws: `QueueError`.
    public func hold(_ id: QueueID) throws(QueueError) -> OperationOutcome {
        try withLock(on: id) { place throws(QueueError) in
            if case .held = place { return .unchanged("it is held already") }
            try move(id, from: place, to: .held)
            return .done
        }
    }

    /// The message is delivered again, at once.
    /// - Throws: `QueueError`.
    public func release(_ id: QueueID) throws(QueueError) -> OperationOutcome {
        try withLock(on: id) { place throws(QueueError) in
            guard case .held = place else { return .unchanged("it is not held") }
            try makeDue(id, at: place)
            return .done
        }
    }

    /// All of the message that is deferred is tried again at once.
    /// - Throws: `QueueError`.
    public func retry(_ id: QueueID) throws(QueueError) -> OperationOutcome {
        try withLock(on: id) { place throws(QueueError) in
            if case .held = place { return .unchanged("it is held: release it first") }
            try makeDue(id, at: place)
            return .done
        }
    }

    /// The message goes back to its sender, as to all recipients that are left. The manager makes
    /// the report, once, as for any other failure.
    /// - Throws: `QueueError`.
    public func bounce(_ id: QueueID, now: UInt64) throws(QueueError) -> OperationOutcome {
        try withLock(on: id) { place throws(QueueError) in
            guard let entry = try entry(id, at: place) else { return .gone }
            let pending = entry.progress.pending
            guard !pending.isEmpty else { return .unchanged("no recipient is left") }
            let reply = Reply(
                554, EnhancedStatus(5, 3, 0), "returned by the administrator of the mail server")
            try append(
                [.result(pending, DeliveryResult(reply), time: now, due: nil)], to: id)
            try move(id, from: place, to: .new)
            pullTrigger(id)
            return .done
        }
    }

    /// The message is removed, and nobody is told.
    /// - Throws: `QueueError`.
    public func remove(_ id: QueueID) throws(QueueError) -> OperationOutcome {
        try withLock(on: id) { place throws(QueueError) in
            do throws(SystemError) {
                try removeMessage(id, at: place)
                try syncRemovals(from: place.folder(id))
                try removeState(id)
            } catch {
                throw .system(error)
            }
            return .done
        }
    }

    /// Tells the manager that everything is due now.
    /// - Returns: false when no manager listens.
    public func flush() -> Bool { pullTrigger(.flush) }

    private func makeDue(_ id: QueueID, at place: MessagePlace) throws(QueueError) {
        guard let entry = try entry(id, at: place) else { return }
        let records = entry.progress.pending.compactMap { number -> StateRecord? in
            guard let attempt = entry.progress.attempts[number] else { return nil }
            return .result([number], attempt.result, time: attempt.time, due: 0)
        }
        if !records.isEmpty { try append(records, to: id) }
        if case .new = place {} else { try move(id, from: place, to: .new) }
        _ = pullTrigger(.listen)
        pullTrigger(id)
    }

    private func append(_ records: [StateRecord], to id: QueueID) throws(QueueError) {
        let state = try state(of: id)
        do throws(SystemError) {
            _ = try append(records, to: id, at: state.length, isSynced: true)
        } catch {
            throw .system(error)
        }
    }

    /// Moves a message that the caller has locked. When this returns, it is safe there.
    private func move(
        _ id: QueueID, from place: MessagePlace, to target: MessagePlace
    ) throws(QueueError) {
        do throws(SystemError) {
            try Files.rename(place.path(id), to: target.path(id), in: root.borrowed)
            try sync(folder: target.folder(id))
            try syncRemovals(from: place.folder(id))
        } catch {
            throw .system(error)
        }
    }

    /// Has the message's lock, which every delivery has, while it does something.
    private func withLock(
        on id: QueueID, _ body: (MessagePlace) throws(QueueError) -> OperationOutcome
    ) throws(QueueError) -> OperationOutcome {
        for _ in 0..<Spool.patience {
            guard let place = try place(of: id) else { return .gone }
            let opened: OpenedMessage
            do throws(SystemError) { opened = try openForDelivery(id, at: place) } catch {
                throw .system(error)
            }
            switch consume opened {
            case .gone: continue
            case .locked: return .busy
            case .open(let file):
                // It may have moved, or be finished, between the look and the lock.
                let isThere: Bool
                do throws(SystemError) { isThere = try exists(id, at: place) } catch {
                    throw .system(error)
                }
                guard isThere else { continue }
                let outcome = try body(place)
                withExtendedLifetime(file) {}
                return outcome
            }
        }
        return .busy
    }
}
