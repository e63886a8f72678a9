// The server as a pool of workers on its own listeners.
// smtp-server(8).
// SPDX-License-Identifier: MIT

import AuthProtocol
import Control
import FilterChain
import MailModel
import TLS
import UnixIO
import Workers

extension Server {
    /// Serves on the listeners of the command line, else on those that systemd passed, else on
    /// those of `control/listen`, until SIGTERM.
    /// - Throws: `ControlError`, `UsageError`, `SystemError`: what keeps it from beginning.
    public static func listen(_ options: ServerOptions) throws {
        let configuration = try ServerConfiguration(options)
        let listeners = try Listeners(options)
        let log = Log("smtp-server")
        var pool = PoolOptions(name: "smtp-server", workers: options.workers)
        pool.readyDescriptor = options.readyDescriptor
        pool.readyText = listeners.description
        let waiting = try options.waitingConnections()
        // Workers of an old generation end their sessions while those of the new one serve.
        let gate = try ClientGate(places: waiting + 2 * options.workers.upperBound)
        let room = try WaitingRoom(
            capacity: waiting,
            farewell: WaitingFarewell(gate: gate, name: configuration.session.name, log: log).say)
        let shared = ServerShared(
            profiles: listeners.profiles,
            delayed: try SharedPlaces(configuration.limits.delayedSessions),
            serving: try SharedPlaces(options.workers.upperBound), gate: gate, room: room,
            tickets: try TicketKeys())
        try TLSConfiguration.begin(options, isNeeded: shared.needsTLS, log)
        try Pool<Server>(
            pool, listeners: listeners.borrowed, room: room,
            load: { try Server(try options.reread(), shared, log) }, ended: { gate.ended($0) },
            worker: { server in
                { connection, listener, note in server.serve(connection, listener, note) }
            }
        ).run()
    }

    init(
        _ options: ServerOptions, _ shared: ServerShared, _ log: Log, isOneSession: Bool = false
    ) throws {
        var configuration = try ServerConfiguration(options)
        if isOneSession { configuration.take(environment: Environment.bytes) }
        let tls = try TLSConfiguration(options).context(
            me: configuration.name, shared.tickets, isNeeded: shared.needsTLS)
        configuration.session.offersTLS = tls != nil
        self.configuration = configuration
        self.tls = tls
        chain = try options.chain()
        self.shared = shared
        self.log = log
        let budget = configuration.clients.nameLookup
        names = try budget > .zero ? ClientNames(options.resolver(), budget: budget) : nil
        let isQueueing = configuration.forward == nil
        queueRoom = QueueRoom(
            isQueueing ? configuration.queue : nil,
            margin: isQueueing ? configuration.clients.queueMargin : 0)
        offerBehind = configuration.forward.map { OfferBehind($0) }
        authClient = AuthClient(socket: options.root.socket("auth-check"))
        authOffer = AuthOffer(authClient)
        _ = authOffer.mechanisms
    }
}
