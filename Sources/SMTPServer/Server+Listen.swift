// The server as a pool of workers on its own listeners.
// smtp-server(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import Glibc
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
        let delayed = try SharedPlaces(limits.delayedSessions)
        try Pool<Server>(
            pool, listeners: listeners.borrowed,
            load: { try Server(options, delayed: delayed, log: log) },
            worker: { server in { connection, _ in server.serve(connection) } }
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
    }
}

/// The sockets that a server listens on.
struct Listeners: ~Copyable {
    private var sockets: [Int32] = []

    /// Opens them, or takes those that were passed.
    init(_ options: ServerOptions) throws {
        if options.endpoints.isEmpty, let passed = Listeners.passed() {
            sockets = passed
            for socket in borrowed {
                try InternetSocket.setPatience(of: socket, .seconds(1), "passed socket")
            }
            return
        }
        let endpoints =
            try options.endpoints.isEmpty
            ? Listeners.configured(options.root.control) : options.endpoints
        let any4 = IPAddress("0.0.0.0")
        for endpoint in endpoints {
            // `[::]` takes IPv4 too, unless that has a line of its own.
            let isShared = endpoints.contains {
                $0.port == endpoint.port && $0.address == any4
            }
            let address = InternetEndpoint(address: endpoint.address.bytes, port: endpoint.port)
            guard let address else { continue }
            sockets.append(
                try InternetSocket.listen(
                    on: address, "\(endpoint)", isVersion6Only: isShared
                ).take())
        }
    }

    deinit { for socket in sockets { _ = OwnedDescriptor(socket) } }

    var borrowed: [Descriptor] { sockets.map { Descriptor(rawValue: $0) } }

    /// Where they are, with the ports that the kernel chose.
    var description: String {
        borrowed.compactMap { InternetSocket.localEndpoint(of: $0) }.compactMap { endpoint in
            IPAddress(bytes: endpoint.address).map { "\(Endpoint($0, port: endpoint.port))" }
        }.joined(separator: " ")
    }

    /// Sockets by systemd's protocol, from descriptor 3 on. sd_listen_fds(3).
    private static func passed() -> [Int32]? {
        guard let count = Environment.text("LISTEN_FDS").flatMap(Int32.init), count > 0,
            count < 1000, Environment.text("LISTEN_PID").flatMap(Int32.init) == getpid()
        else { return nil }
        return Array(3..<(3 + count))
    }

    private static func configured(_ control: ControlFolder) throws(ControlError) -> [Endpoint] {
        let listeners = try control.listeners()
        guard !listeners.isEmpty else {
            throw control.invalid(
                "listen", nil, "nothing to listen on; a line is smtp ADDRESS:PORT")
        }
        for listener in listeners where listener.service != .smtp {
            throw control.invalid(
                "listen", nil, "\(listener.service.rawValue) is not served by this version")
        }
        return listeners.map(\.endpoint)
    }
}
