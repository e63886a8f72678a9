// ActiveMessage: a message that the manager works on now.
// queue-manager(8).
// SPDX-License-Identifier: MIT

import MailModel
import UnixIO

/// The message's file, open and locked, and what is known of its recipients.
final class ActiveMessage {
    let message: QueuedMessage
    let place: MessagePlace
    /// Agents get this very open file, and the lock with it.
    let file: OwnedDescriptor
    var progress: MessageProgress
    /// Where the records of the state file end.
    var stateLength: Int
    /// True when there is a state file.
    var hasState: Bool
    /// What happened but is not in the state file yet.
    var unsaved: [StateRecord] = []
    /// Deliveries that wait or run.
    var open = 0
    /// True when what is deferred now fails.
    var isLastAttempt = false
    /// Where it is counted; nil while none of it is planned.
    var seat: Admission.Seat?
    /// True when there was no room for some of what is due.
    var hasHeldBack = false
    /// True when the log knows of it.
    var isAnnounced = false

    init(
        _ message: QueuedMessage, at place: MessagePlace, file: consuming OwnedDescriptor,
        _ state: OpenedState
    ) {
        self.message = message
        self.place = place
        self.file = file
        progress = MessageProgress(
            recipients: message.envelope.recipients.count, state.records)
        stateLength = state.length
        hasState = state.exists
    }

    var id: QueueID { message.id }

    /// Arrival in seconds since 1970.
    var arrival: Int { Int(clamping: message.arrival / 1_000_000) }

    /// True when a recipient's end is among what is not saved, so that a crash would repeat it.
    var mustSync: Bool {
        unsaved.contains { record in
            switch record {
            case .result(_, let result, _, _): result.outcome != .deferred
            case .bounced, .confirmed, .warned, .done: true
            }
        }
    }

    /// Takes note of what happened.
    func note(_ record: StateRecord) {
        progress.apply(record)
        unsaved.append(record)
    }
}
