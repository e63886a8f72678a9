// ServerOptions: smtp-server's command line.
// smtp-server(8).
// SPDX-License-Identifier: MIT

import Control
import FilterChain
import MailModel
import Relaying
import Resolver
import TLS
import UnixIO

/// What was asked for on the command line.
public struct ServerOptions {
    /// Where everything is.
    public let root: Root
    /// Where to listen, instead of what `control/listen` says.
    let listeners: [ListenOption]
    /// What is spoken on descriptors 0 and 1, or on sockets that came without names.
    let service: ListenerService
    /// True when that was said.
    let namesService: Bool
    let workers: ClosedRange<Int>
    /// Whether clients are asked for a certificate; nil when that was not said.
    let clientCertificates: ClientCertificates?
    let readyDescriptor: Int32?
    let auth: AuthSettings
    let given: ServerSettings
    private let line: Options

    /// The options that there are.
    public static let usage = Usage(
        "smtp-server", "Receives mail by SMTP, judges it by the chain, and queues it.",
        [
            .root,
            .values("listen", "[SERVICE=]ADDRESS:PORT", "listen here, not as control/listen says"),
            .value("service", "NAME", "smtp, submission or smtps on descriptors 0 and 1 (smtp)"),
            .value(
                "forward", "HOST:PORT", "give what is accepted to this server, not to the queue"),
            .value("forward-timeout", "DURATION", "for each reply of that server (100s)"),
            .value("workers", "MIN-MAX", "sessions at a time (8-200)"),
            .value("command-timeout", "DURATION", "for one command (5m)"),
            .value("busy-timeout", "DURATION", "the same while all workers are busy (10s)"),
            .value("handshake-timeout", "DURATION", "for a handshake of TLS (1m)"),
            .value("data-timeout", "DURATION", "for each piece of a message (3m)"),
            .value("message-timeout", "DURATION", "for a whole message (30m)"),
            .value("session-timeout", "DURATION", "for a whole session (1h)"),
            .value("delay-limit", "DURATION", "the longest delay of a reply (30s)"),
            .value("client-certificates", "WORD", "ask or none (ask, where there is clientca.pem)"),
            .value("delayed-sessions", "N", "sessions that may wait at a time (half)"),
            .flag("filters-apart", "ask each step by its socket, and start none as this user"),
            .readyDescriptor,
        ] + clientOptions + AuthSettings.options)

    /// Reads the options, and what `control/smtpserver` says of them.
    /// - Throws: `UsageError`, `ControlError`.
    public init(_ options: Options) throws {
        root = Root(options)
        line = options
        listeners = try options.all("listen").map { text throws(UsageError) in
            guard let listener = ListenOption(text) else {
                let known = ListenerService.allCases.map(\.rawValue).joined(separator: ", ")
                throw UsageError(
                    "--listen \(text): not [SERVICE=]ADDRESS:PORT, where SERVICE is one of \(known)"
                )
            }
            return listener
        }
        namesService = options.has("service")
        service = try options.choice("service", ListenerService.self) ?? .smtp
        given = try ServerSettings(options, root.control)
        workers = try given.range("workers") ?? 8...200
        clientCertificates = try given.value("client-certificates") { options throws(UsageError) in
            try options.choice("client-certificates", ClientCertificates.self)
        }
        readyDescriptor = try options.integer("ready-fd", in: 0...1023).map(Int32.init)
        auth = try AuthSettings(given)
        _ = try limits(over: ServerLimits())
    }

    /// The options with what `control/smtpserver` says now.
    /// - Throws: `UsageError`, `ControlError`.
    func reread() throws -> ServerOptions { try ServerOptions(line) }

    /// The chain, of which no step is started here where that was said.
    /// - Throws: `ChainError`.
    func chain() throws(ChainError) -> Chain {
        let chain = try Chain(root)
        return line.has("filters-apart") ? try chain.bySocketsAlone() : chain
    }

    /// Whom to ask for names of clients.
    /// - Throws: `UsageError`, `ControlError`, `SystemError`.
    func resolver() throws -> Resolver {
        let options = line.has("resolver") ? line : given.file
        return Resolver(servers: try Resolver.servers(options, root.control), timeout: .seconds(1))
    }

    /// The server behind; nil when none was named.
    /// - Throws: `UsageError`.
    func forward(as name: [UInt8]) throws -> ServerBehind? {
        let form = "HOST:PORT, where HOST is an address or localhost"
        let patience = try given.duration("forward-timeout") ?? .seconds(100)
        let endpoint = try given.value("forward") { options throws(UsageError) in
            try options.read("forward", form, ServerBehind.endpoint)
        }
        return endpoint.map { ServerBehind($0, as: name, patience: patience) }
    }

    /// Limits with what the command line says of them.
    /// - Throws: `UsageError`.
    func limits(over base: ServerLimits) throws -> ServerLimits {
        var limits = base
        limits.command = try given.duration("command-timeout") ?? limits.command
        limits.busy = try given.duration("busy-timeout") ?? limits.busy
        limits.handshake = try given.duration("handshake-timeout") ?? limits.handshake
        limits.data = try given.duration("data-timeout") ?? limits.data
        limits.message = try given.duration("message-timeout") ?? limits.message
        limits.session = try given.duration("session-timeout") ?? limits.session
        limits.delay = try given.duration("delay-limit") ?? limits.delay
        limits.delayedSessions = try delayedSessions()
        return limits
    }

    /// Half of the workers, and never so many that fewer than a quarter, and one, are left for the
    /// clients that nobody slows down.
    private func delayedSessions() throws -> Int {
        let all = workers.upperBound
        let most = max(0, all - max(1, all / 4))
        guard let wanted = try given.integer("delayed-sessions") else { return min(most, all / 2) }
        guard wanted <= most else {
            throw UsageError(
                "--delayed-sessions \(wanted): no more than \(most) of \(all) workers may wait")
        }
        return wanted
    }
}
