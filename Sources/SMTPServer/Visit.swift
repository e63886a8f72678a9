// Visit: a connection from the moment it is accepted until a session has it, and while it waits.
// smtp-server(8), sections Clients and Proxies.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import SMTPProtocol
import UnixIO
import Workers

extension Server {
    /// Serves a connection that was accepted, or goes on with one that comes from the waiting room
    /// with a note.
    func serve(_ connection: consuming OwnedDescriptor, _ listener: Int, _ note: [UInt8]) {
        let serving = shared.serving?.take()
        defer { if let serving { shared.serving?.leave(serving) } }
        var visit = Visit(self, connection.borrowed, listener)
        if note.isEmpty {
            visit.begin()
        } else if let note = WaitingNote(note) {
            visit.goOn(note)
        }
        visit.end()
    }
}

/// One connection in one worker.
struct Visit {
    let server: Server
    let socket: Descriptor
    let listener: Int
    let profile: ListenerProfile
    /// Where it is counted.
    private var place: Int?
    /// True once it is in the waiting room, and no more ours.
    private(set) var isHandedIn = false

    init(_ server: Server, _ socket: Descriptor, _ listener: Int) {
        self.server = server
        self.socket = socket
        self.listener = listener
        profile = server.shared.profiles[listener]
    }

    private var configuration: ServerConfiguration { server.configuration }

    /// A new connection.
    mutating func begin() {
        // Without a peer the client was gone before it was its turn.
        guard let peer = InternetSocket.peerEndpoint(of: socket),
            let address = IPAddress(bytes: peer.address)
        else { return }
        let id = SessionID(microseconds: WallClock.microseconds, random: Random.bits)
        let end = Deadline.after(configuration.limits.session)
        guard configuration.proxies.contains(where: { $0.contains(address) }) else {
            let local = InternetSocket.localEndpoint(of: socket)
            let facts = configuration.facts(client: peer, local: local, session: id)
            return enter(WaitingNote(.command, id, deadline: end, end: end, facts: facts))
        }
        let deadline = Deadline.after(configuration.clients.proxyHeader)
        let note = WaitingNote(.proxyHeader, id, deadline: min(deadline, end), end: end)
        if !waits(note) { takeHeader(note) }
    }

    /// A connection that waited and has spoken.
    mutating func goOn(_ note: WaitingNote) {
        if let taken = note.place, let room = server.shared.room,
            server.shared.gate.pass(taken, from: room.holder, to: getpid())
        {
            place = taken
        }
        switch note.awaited {
        case .proxyHeader: takeHeader(note)
        case .handshake, .command: drive(note)
        }
    }

    /// Gives back what it has, unless it waits.
    func end() {
        guard !isHandedIn, let place else { return }
        server.shared.gate.leave(place)
    }

    private mutating func takeHeader(_ note: WaitingNote) {
        guard let peer = InternetSocket.peerEndpoint(of: socket) else { return }
        let local = InternetSocket.localEndpoint(of: socket)
        var note = note
        do throws(ProxyHeader.Missing) {
            switch try ProxyHeader.take(from: socket, until: note.deadline) {
            case .client(let client, let destination):
                note.facts = configuration.facts(
                    client: client, local: destination, session: note.session)
                enter(note)
            case .local:
                note.facts = configuration.facts(client: peer, local: local, session: note.session)
                enter(note, isLimited: false)
            case .unknown:
                note.facts = configuration.facts(client: peer, local: local, session: note.session)
                // What the proxy may do itself, nobody may whom it does not know.
                note.facts[.relay] = nil
                note.isUnknown = true
                enter(note, isLimited: false)
            }
        } catch {
            server.log.noProxyHeader(note.session, peer, error)
        }
    }

    /// Lets the client in, or not.
    private mutating func enter(_ note: WaitingNote, isLimited: Bool = true) {
        var note = note
        if isLimited, let client = note.facts.clientIP, !configuration.isUnlimited(client) {
            switch server.shared.gate.admit(client, configuration.clients) {
            case .admitted(let place): self.place = place
            case .refused(let reason): return refuse(note, reason)
            }
        }
        note.awaited = profile.usesImplicitTLS ? .handshake : .command
        SessionLog(log: server.log, session: note.session.description)
            .connected(note.facts, profile)
        if profile.usesImplicitTLS {
            note.deadline = min(note.end, .after(configuration.limits.command))
            if waits(note) { return }
        }
        drive(note)
    }

    /// Says so at once, where the client can read it already.
    private func refuse(_ note: WaitingNote, _ reason: String) {
        server.log.event(
            "client-refused",
            [
                "session": note.session.description, "client": note.facts[.clientIP]?.printable,
                "service": profile.service.rawValue, "text": reason,
            ])
        guard !profile.usesImplicitTLS else { return }
        let text = "\(configuration.session.name) \(reason), try again later"
        let reply = SMTPReply(421, EnhancedStatus(4, 7, 0), text)
        // Into the buffer of a new connection it always fits.
        try? socket.writeAll(reply.bytes, "client")
    }

    private mutating func drive(_ note: WaitingNote) {
        var driver = SessionDriver(
            server, PatientStream(socket: socket), profile, facts: note.facts, id: note.session)
        if note.isUnknown { driver.trustNobody() }
        driver.wire.end = note.end
        let shared = server.shared
        driver.wire.haste = Haste(patience: configuration.limits.busy) { shared.isBusy }
        driver.visit = self
        driver.run(from: note)
        isHandedIn = driver.visit?.isHandedIn ?? false
    }

    // MARK: Waiting

    /// Lets a client wait elsewhere that says nothing now.
    /// - Returns: false when it speaks, or there is nowhere to wait.
    private mutating func waits(_ note: WaitingNote) -> Bool {
        !WaitingRoom.speaks(socket) && handIn(note)
    }

    /// Hands the connection in.
    /// - Returns: false when it stays here.
    mutating func handIn(_ note: WaitingNote) -> Bool {
        guard let room = server.shared.room else { return false }
        var note = note
        note.place = place
        let (own, holder) = (getpid(), room.holder)
        if let place { _ = server.shared.gate.pass(place, from: own, to: holder) }
        let guest = WaitingGuest(
            listener: listener, until: note.deadline, crowd: crowd(of: note.facts),
            note: note.bytes)
        isHandedIn = room.takesIn(socket, guest)
        if !isHandedIn, let place { _ = server.shared.gate.pass(place, from: holder, to: own) }
        return isHandedIn
    }

    /// Who must go first when there is no more room.
    private func crowd(of facts: Facts) -> [UInt8] {
        facts.clientIP.flatMap { configuration.clients.prefixes.network(of: $0) }?.address.bytes
            ?? []
    }
}

extension Log {
    /// A connection of a proxy was closed.
    func noProxyHeader(
        _ session: SessionID, _ peer: InternetEndpoint, _ missing: ProxyHeader.Missing
    ) {
        let reason =
            switch missing {
            case .malformed(let what): what
            case .timedOut: "time limit"
            case .gone: "closed"
            }
        event(
            "no-proxy-header",
            [
                "session": session.description,
                "proxy": IPAddress(bytes: peer.address).map { "\($0)" }, "reason": reason,
            ])
    }
}
