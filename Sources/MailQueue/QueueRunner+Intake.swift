// QueueRunner+Intake: which messages are taken up, and which have to wait for room.
// queue-manager(8).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension QueueRunner {
    /// How many messages from one source are taken up in one turn.
    private static let stride = 64
    /// How long a turn lists what waited already, in microseconds: opening files may be slow.
    private static let listingTime: UInt64 = 20_000
    /// How many rows of parked messages are looked at in one turn, for each precedence.
    private static let rowsAtOnce = 256

    /// True when there is room for another message.
    var takesMessages: Bool { active.count < settings.activeLimit }

    /// Takes in messages while there is room: first what is new, then what waited for room, then
    /// what is found by listing, a bounded number each time.
    func fill() {
        for _ in 0..<QueueRunner.stride {
            guard takesMessages, let found = source.nextTold() else { break }
            activate(found.id, at: found.place)
        }
        unpark()
        do throws(SystemError) {
            try list { () throws(SystemError) in try source.nextNew(now) }
            try list { () throws(SystemError) in try source.nextDeferred(now) }
        } catch {
            log.event("list-failed", ["error": "\(error)"])
            source.lookAgain(at: now &+ MessageSource.secondLook)
        }
    }

    private func list(_ next: () throws(SystemError) -> FoundMessage?) throws(SystemError) {
        let end = clock() &+ QueueRunner.listingTime
        for _ in 0..<QueueRunner.stride {
            guard takesMessages, let found = try next() else { return }
            activate(found.id, at: found.place)
            if clock() > end { return }
        }
    }

    /// Takes up parked messages for which there is room.
    private func unpark() {
        var left = QueueRunner.stride
        for precedence in Precedence.allCases where !parking.isEmpty {
            while left > 0, takesMessages,
                let found = parking.next(
                    precedence, lookingAt: QueueRunner.rowsAtOnce, where: hasRoom)
            {
                left -= 1
                activate(found.id, at: found.place)
            }
        }
        if !overflow.isEmpty, parking.isNearlyEmpty, let bucket = overflow.takeFirst() {
            source.isDue(bucket)
        }
    }

    private func hasRoom(_ row: Parking.Row) -> Bool {
        !isCrowded(row) && admission.admits(seat(row))
    }

    /// Where a message is counted for one of its deliveries.
    func seat(_ row: Parking.Row) -> Admission.Seat {
        Admission.Seat(
            channel: row.destination.channel,
            lane: queue.lane(of: row.precedence, to: row.destination))
    }

    /// True when a destination has its share of the messages that are open: a quarter for what is
    /// new, an eighth for what is large or was tried before, three quarters for what is ours.
    func isCrowded(_ row: Parking.Row) -> Bool {
        let eighths =
            switch (row.destination, row.precedence) {
            case (.local, _): 6
            case (_, .large), (_, .retried): 1
            default: 2
            }
        let share = max(1, settings.activeLimit * eighths / 8)
        return queue.waiting(for: row.destination, row.precedence) >= share
    }

    /// Closes a message until there is room.
    func park(_ message: ActiveMessage, in row: Parking.Row) {
        deactivate(message)
        let found = FoundMessage(id: message.id, place: message.place)
        if !parking.append(found, in: row) { putOff(message) }
    }

    /// Leaves the memory of a message to the disk.
    private func putOff(_ message: ActiveMessage) {
        if overflow.isEmpty {
            log.event("overflow", ["parked": "\(parking.count)"])
        }
        let bucket = overflow.nextBucket(now: Int(clamping: now / 1_000_000))
        do throws(SystemError) {
            try spool.move(message.id, from: message.place, to: bucket)
            source.filled(bucket)
            if message.hasState { spool.mark(message.id, isIn: bucket) }
        } catch {
            log.event("move-failed", ["message": "\(message.id)", "error": "\(error)"])
            source.lookAgain(at: now &+ MessageSource.secondLook)
        }
    }
}
