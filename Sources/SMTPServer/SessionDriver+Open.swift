// SessionDriver+Open: what is found out about a client by itself, before and after the greeting.
// smtp-server(8), section Clients.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SMTPProtocol
import UnixIO
import Workers

extension SessionDriver {
    /// The first step of a session: of a new one, or of one that has waited.
    mutating func begin(_ note: WaitingNote?) throws(StreamError) -> SessionStep {
        guard let note, let pause = note.pause else {
            if profile.usesImplicitTLS {
                try startImplicitTLS(until: note?.deadline ?? .never)
            } else if server.hasSpoken(visit?.socket ?? Server.input) {
                log.earlyTalker(session.facts)
                guard server.configuration.clients.earlyTalkers == .note else {
                    return .close(session.tooEarly)
                }
                session.noteEarlyTalker()
            }
            if session.settings.allowsXFORWARD { narrowExtensions() }
            // Steps that judge the client itself want to know its name.
            if server.chain.judges(.connect) { lookUpName() }
            return session.start()
        }
        isNamed = note.isNamed
        awaitedUntil = note.deadline
        wire.putBack(note.input)
        if session.settings.allowsXFORWARD { narrowExtensions() }
        return session.resume(pause)
    }

    /// The client is not who its address says: that is the proxy's, whose rights are its own.
    mutating func trustNobody() {
        isUnknown = true
        session = ServerSession(
            settings: server.configuration.settings(for: profile, Facts()), facts: session.facts,
            id: session.id)
    }

    /// Why the queue takes no message now of the size that MAIL declares.
    func roomRefusal(_ request: FilterRequest) -> Reply? {
        server.queueRoom.refusal(needed: request.facts[.declaredSize]?.decimalValue ?? 0)
    }

    /// Looks the client's name up, once. Where no step judges at `connect` that is done when the
    /// client has said something: who never does costs no look-up.
    mutating func lookUpName() {
        guard !isNamed else { return }
        isNamed = true
        guard session.facts[.clientName] == nil, let client = session.facts.clientIP,
            let name = server.names?.name(of: client)
        else { return }
        session.know(clientName: name)
    }
}

extension Server {
    /// The client's descriptor, where there is one session in this process.
    static var input: Descriptor { Descriptor(rawValue: 0) }

    /// Waits for whoever cannot wait to be greeted.
    /// - Returns: true when the client has spoken.
    func hasSpoken(_ socket: Descriptor) -> Bool {
        let delay = configuration.clients.greetingDelay
        guard delay > .zero else { return Server.hasInput(socket, within: 0) }
        // Where too many wait already, nobody waits in addition.
        guard let place = delayed.take() else { return Server.hasInput(socket, within: 0) }
        defer { delayed.leave(place) }
        let milliseconds = Int32(clamping: min(delay, configuration.limits.delay).milliseconds)
        return Server.hasInput(socket, within: milliseconds)
    }

    /// False when the client only went away.
    private static func hasInput(_ socket: Descriptor, within milliseconds: Int32) -> Bool {
        guard WaitingRoom.speaks(socket, within: milliseconds) else { return false }
        var byte: UInt8 = 0
        return recv(socket.rawValue, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) > 0
    }
}
