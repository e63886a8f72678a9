// WaitingNote: what is known of a connection while no worker has it.
// smtp-server(8), section Clients.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol
import UnixIO

/// Written by the worker that hands a connection in, and read by the one that goes on with it.
struct WaitingNote {
    /// What the client must say next.
    enum Awaited: String {
        /// The header of the PROXY protocol.
        case proxyHeader = "proxy-header"
        /// The first byte of TLS.
        case handshake
        /// A command; it was greeted.
        case command
    }

    var awaited: Awaited
    var session: SessionID
    /// Until when it must have been said.
    var deadline: Deadline
    /// The end of the whole session.
    var end: Deadline
    var facts = Facts()
    /// True when the proxy does not know whose connection it is.
    var isUnknown = false
    /// In the gate.
    var place: Int?
    /// The state of the protocol.
    var pause: PausedSession?
    /// What the client has said of a command that is not whole.
    var input: [UInt8] = []
    /// True once its name was looked up.
    var isNamed = false

    init(
        _ awaited: Awaited, _ session: SessionID, deadline: Deadline, end: Deadline,
        facts: Facts = Facts(), place: Int? = nil
    ) {
        self.awaited = awaited
        self.session = session
        self.deadline = deadline
        self.end = end
        self.facts = facts
        self.place = place
    }

    /// The note as it is passed on.
    var bytes: [UInt8] {
        var fields = Fields()
        fields.append("awaited", awaited.rawValue)
        fields.append("session", session.description)
        fields.append("deadline", "\(deadline.monotonicNanoseconds)")
        fields.append("end", "\(end.monotonicNanoseconds)")
        if let place { fields.append("place", place) }
        if isUnknown { fields.append("unknown", "") }
        if isNamed { fields.append("named", "") }
        if !input.isEmpty { fields.append("input", input) }
        fields.append(facts)
        if let pause {
            fields.append("errors", pause.errors)
            fields.append("commands", pause.commands)
            if pause.isRefused { fields.append("refused", "") }
            if pause.isDiscarded { fields.append("discarded", "") }
            fields.append(pause.edits)
        }
        return fields.frame
    }

    /// Reads a note; nil for what is none.
    init?(_ bytes: [UInt8]) {
        guard let fields = try? Fields(frame: bytes),
            let awaited = fields.text("awaited").flatMap(Awaited.init(rawValue:)),
            let session = fields["session"].flatMap({ SessionID($0) }),
            let deadline = fields.moment("deadline"), let end = fields.moment("end"),
            let edits = try? fields.edits()
        else { return nil }
        self.init(awaited, session, deadline: deadline, end: end, facts: fields.facts)
        place = try? fields.number("place")
        isUnknown = fields["unknown"] != nil
        isNamed = fields["named"] != nil
        input = fields["input"] ?? []
        guard awaited == .command else { return }
        guard let errors = try? fields.number("errors"),
            let commands = try? fields.number("commands")
        else { return nil }
        pause = PausedSession(
            isRefused: fields["refused"] != nil, isDiscarded: fields["discarded"] != nil,
            errors: errors, commands: commands, edits: edits)
    }
}

extension Fields {
    fileprivate func moment(_ name: String) -> Deadline? {
        text(name).flatMap { UInt64($0) }.map { Deadline(monotonicNanoseconds: $0) }
    }
}
