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
        let (reason, reply) = words(end)
        if note.awaited == .proxyHeader {
            log.event(
                "no-proxy-header", ["session": note.session.description, "reason": reason])
        } else {
            SessionLog(log: log, session: note.session.description).ended(reason, messages: 0)
        }
        return note.awaited == .command ? reply.bytes : []
    }

    private func words(_ end: WaitingEnd) -> (String, SMTPReply) {
        switch end {
        case .timedOut:
            ("time limit", SMTPReply(421, .init(4, 4, 2), "\(name) Time limit exceeded"))
        case .crowdedOut:
            (
                "too many wait",
                SMTPReply(421, .init(4, 7, 0), "\(name) Too many clients wait, try again later")
            )
        case .stopping:
            ("shutting down", SMTPReply(421, .init(4, 3, 2), "\(name) Going down"))
        case .gone: ("client closed", SMTPReply(221, .init(2, 0, 0), "Bye"))
        }
    }
}
