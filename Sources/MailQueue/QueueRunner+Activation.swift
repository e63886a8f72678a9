// QueueRunner+Activation: from an id to deliveries that wait.
// queue-manager(8); queue(5).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension QueueRunner {
    /// Opens a message and plans its deliveries.
    func activate(_ id: QueueID, at place: MessagePlace) {
        guard active[id] == nil, !parking.contains(id) else { return }
        do throws(QueueError) {
            guard let message = try open(id, at: place) else { return }
            try recordReport(by: message)
            try recordForward(by: message)
            active[id] = message
            plan(message)
        } catch {
            if case .damaged = error {
                setAside(id, at: place, error)
            } else {
                log.event("open-failed", ["message": "\(id)", "error": "\(error)"])
                source.lookAgain(at: now &+ MessageSource.secondLook)
            }
        }
    }

    /// The message, read; nil when it is gone or locked.
    private func open(
        _ id: QueueID, at place: MessagePlace
    ) throws(QueueError) -> ActiveMessage? {
        let opened: OpenedMessage
        do throws(SystemError) {
            opened = try spool.openForDelivery(id, at: place)
        } catch {
            throw .system(error)
        }
        switch consume opened {
        case .gone: return nil
        case .locked:
            log.event("locked", ["message": "\(id)"])
            source.lookAgain(at: now &+ MessageSource.secondLook)
            return nil
        case .open(let file):
            let message = try MessageFooter.read(file.borrowed, place.path(id))
            guard message.id == id else {
                throw .damaged(place.path(id), "it is the message \(message.id)")
            }
            let state = try spool.state(of: id)
            if state.isCut {
                log.event("state-cut", ["message": "\(id)", "kept": "\(state.records.count)"])
            }
            return ActiveMessage(message, at: place, file: file, state)
        }
    }

    private func setAside(_ id: QueueID, at place: MessagePlace, _ error: QueueError) {
        log.event("damaged", ["message": "\(id)", "error": "\(error)", "kept": "damaged/\(id)"])
        do throws(SystemError) {
            try spool.setAside(id, at: place)
        } catch {
            log.event("set-aside-failed", ["message": "\(id)", "error": "\(error)"])
        }
    }

    /// Plans what is due of a message; settles it when nothing is, and closes it again while there
    /// is no room for any of it.
    func plan(_ message: ActiveMessage) {
        let seconds = Int(clamping: now / 1_000_000)
        message.isLastAttempt = settings.schedule.isLast(arrival: message.arrival, now: seconds)
        let parts = parts(of: message, seconds)
        message.hasHeldBack = !parts.crowded.isEmpty
        if let first = parts.ready.first ?? parts.crowded.first {
            guard !parts.ready.isEmpty, takeSeat(message, for: parts.ready) else {
                return park(message, in: first.row)
            }
        }
        log.new(message)
        for (part, silence) in parts.silent {
            leaveAlone(part.recipients, of: message, part.row.destination, silence)
        }
        for part in parts.ready {
            message.open += 1
            queue.append(
                PlannedDelivery(
                    message: message.id, destination: part.row.destination,
                    recipients: part.recipients, precedence: part.row.precedence))
        }
        if message.open == 0 { settle(message) }
    }

    /// Recipients of a message that one delivery takes.
    private typealias Part = (recipients: [Int], row: Parking.Row)

    /// What is due of a message: what may be delivered, what has to wait for room, and what is for
    /// destinations that are left alone.
    private func parts(
        of message: ActiveMessage, _ seconds: Int
    ) -> (ready: [Part], crowded: [Part], silent: [(Part, Silence)]) {
        // What ended is reported before anything else happens to the message.
        let due =
            message.progress.owesReport
            ? [] : message.progress.due(now: seconds, flush: everythingDueBefore)
        var ready: [Part] = []
        var crowded: [Part] = []
        var silent: [(Part, Silence)] = []
        let envelope = message.message.envelope
        for (destination, recipients) in Destination.split(due, of: envelope, by: settings.routing)
        {
            let isFirst = recipients.contains(where: message.progress.wasNeverTried)
            let precedence = isFirst ? message.message.precedence(to: destination) : .retried
            let part = (recipients, Parking.Row(destination: destination, precedence: precedence))
            if let silence = silence(of: destination, seconds) {
                silent.append((part, silence))
            } else if isCrowded(part.1) {
                crowded.append(part)
            } else {
                ready.append(part)
            }
        }
        return (ready, crowded, silent)
    }

    /// Counts a message where the best of its parts may be counted.
    /// - Returns: false when none may.
    private func takeSeat(_ message: ActiveMessage, for parts: [Part]) -> Bool {
        if message.seat != nil { return true }
        let best = parts.map { seat($0.row) }.filter(admission.admits)
            .min { $0.lane.rawValue < $1.lane.rawValue }
        guard let best else { return false }
        message.seat = best
        admission.enter(best)
        return true
    }
}
