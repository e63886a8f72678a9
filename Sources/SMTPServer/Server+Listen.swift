// The server as a pool of workers on its own listeners.
// smtp-server(8).
// SPDX-License-Identifier: MIT

import AuthProtocol
import Control
import FilterChain
import MailModel
import UnixIO
import Workers

extension Server {
    /// Serves on the listeners of the command line, else on those that systemd passed, else on
    /// those of `control/listen`, until SIGTERM.
    /// - Throws: `ControlError`, `UsageError`, `SystemError`: what keeps it from beginning.
    public static func listen(_ options: ServerOptions) throws {
        let limits = try ServerConfiguration(options).limits
        let listeners = try Listeners(options)
        let log = Log("smtp-server")
        var pool = PoolOptions(name: "smtp-server", workers: options.workers)
        pool.readyDescriptor = options.readyDescriptor
        pool.readyText = listeners.description
        let profiles = listeners.profiles
        let delayed = try SharedPlaces(limits.delayedSessions)
        try Pool<Server>(
            pool, listeners: listeners.borrowed,
            load: { try Server(options, delayed: delayed, log: log) },
            worker: { server in
                { connection, listener, _ in server.serve(connection, profiles[listener]) }
            }
        ).run()
    }

    init(
        _ options: ServerOptions, delayed: SharedPlaces, log: Log, isOneSession: Bool = false
    ) throws {
        var configuration = try ServerConfiguration(options)
        if isOneSession { configuration.take(environment: Environment.bytes) }
        self.configuration = configuration
        chain = try Chain(options.root)
        self.delayed = delayed
        self.log = log
        authClient = AuthClient(socket: options.root.socket("auth-check"))
        authOffer = AuthOffer(authClient)
        _ = authOffer.mechanisms
    }
}
