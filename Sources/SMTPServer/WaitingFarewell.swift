// WaitingFarewell: the last words to a client that waited in vain, in the process that holds it.
// smtp-server(8), section Clients.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol
import UnixIO
import Workers

/// What is done about a connection that ends while no worker has it.
struct WaitingFarewell {
    let gate: ClientGate
    let name: String
    let log: Log

    /// The reply; nothing where the client could not read it yet.
    func say(_ guest: WaitingGuest, _ end: WaitingEnd) -> [UInt8] {
        guard let note = WaitingNote(guest.note) else { return [] }
        if let place = note.place { gate.leave(place) }
        let (reason, words) = words(end)
        if note.awaited == .proxyHeader {
            log.event(
                "no-proxy-header", ["session": note.session.description, "reason": reason])
        } else {
            SessionLog(log: log, session: note.session.description).ended(reason, messages: 0)
        }
        guard note.awaited == .command, let words else { return [] }
        return ServerSession.farewell(words, name: name).bytes
    }

    private func words(_ end: WaitingEnd) -> (String, ServerSession.EndReason?) {
        switch end {
        case .timedOut: ("time limit", .timedOut)
        case .crowdedOut: ("too many wait", .crowdedOut)
        case .stopping: ("shutting down", .shuttingDown)
        case .gone: ("client closed", nil)
        }
    }
}
