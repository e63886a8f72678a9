// QueueRunner+Activation: from an id to deliveries that wait.
// queue-manager(8); queue(5).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

extension QueueRunner {
    /// True when there is room for another message that was never deferred.
    var takesNew: Bool { active.count < settings.activeLimit }

    /// True when there is room for a deferred one: they get half, so that new mail is not kept
    /// waiting by what has waited already.
    var takesDeferred: Bool { takesNew && deferredActive < settings.activeLimit / 2 }

    /// Takes in messages while there is room.
    func fill() {
        do throws(SystemError) {
            while takesDeferred, let found = try source.nextDeferred(now) {
                activate(found.id, at: found.place)
            }
            while takesNew, let found = try source.nextNew(now) {
                activate(found.id, at: found.place)
            }
        } catch {
            log.event("list-failed", ["error": "\(error)"])
            source.lookAgain(at: now &+ MessageSource.secondLook)
        }
    }

    /// Opens a message and plans its deliveries.
    private func activate(_ id: QueueID, at place: MessagePlace) {
        guard active[id] == nil, !parking.contains(id) else { return }
        do throws(QueueError) {
            guard let message = try open(id, at: place) else { return }
            try recordReport(by: message)
            try recordForward(by: message)
            active[id] = message
            if case .deferred = place { deferredActive += 1 }
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

    /// Plans what is due of a message; settles it when nothing is.
    private func plan(_ message: ActiveMessage) {
        let seconds = Int(clamping: now / 1_000_000)
        message.isLastAttempt = settings.schedule.isLast(arrival: message.arrival, now: seconds)
        // What ended is reported before anything else happens to the message.
        let due =
            message.progress.owesReport
            ? [] : message.progress.due(now: seconds, flush: everythingDueBefore)
        let parts = Destination.split(due, of: message.message.envelope, by: settings.routing)
        if let crowded = parts.map(\.destination).first(where: isCrowded) {
            return park(message, for: crowded)
        }
        for (destination, recipients) in parts {
            if queue.isSilent(destination, now: seconds), !message.isLastAttempt {
                let reply = Reply(451, EnhancedStatus(4, 4, 1), QueueRunner.silentText)
                note(DeliveryResult(reply), for: recipients, of: message, destination)
                continue
            }
            message.open += 1
            queue.append(
                PlannedDelivery(
                    message: message.id, destination: destination, recipients: recipients))
        }
        if message.open == 0 { settle(message) }
    }

    static let silentText = "Nobody at the destination could be reached a short while ago"
}
