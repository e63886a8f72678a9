// The server as one session on descriptors 0 and 1, for tcpserver, inetd and their like.
// smtp-server(8); tcp-environ(5).
// SPDX-License-Identifier: MIT

import Control
import MailModel
import SMTPProtocol
import UnixIO

extension Server {
    /// True when whoever started this process has a client for it: the environment names one, or
    /// descriptor 0 is connected to one.
    public static var hasClient: Bool {
        Environment.bytes("TCPREMOTEIP") != nil
            || InternetSocket.peerEndpoint(of: Descriptor(rawValue: 0)) != nil
    }

    /// Serves the client on descriptors 0 and 1.
    /// - Throws: `ControlError`, `UsageError`, `SystemError`: what keeps it from beginning.
    public static func serveOne(_ options: ServerOptions) throws {
        Signals.ignoreBrokenPipes()
        // How many of these processes there are is for whoever starts them to bound.
        let profile = ListenerProfile(service: options.service)
        let shared = ServerShared(
            profiles: [profile], delayed: try SharedPlaces(1), serving: nil,
            gate: try ClientGate(places: 1), room: nil, tickets: nil)
        let server: Server
        let log = Log("smtp-server")
        do {
            try TLSConfiguration.begin(options, isNeeded: shared.needsTLS, log)
            server = try Server(options, shared, log, isOneSession: true)
        } catch {
            // The client should come again; why is for the log alone. One that waits for TLS
            // cannot be told.
            guard !profile.usesImplicitTLS else { throw error }
            let reply = SMTPReply(421, EnhancedStatus(4, 3, 0), "Configuration trouble")
            try? Descriptor(rawValue: 1).writeAll(reply.bytes, "client")
            throw error
        }
        let id = SessionID(microseconds: WallClock.microseconds, random: Random.bits)
        let input = Descriptor(rawValue: 0)
        let facts: Facts
        if Environment.bytes("TCPREMOTEIP") == nil,
            let client = InternetSocket.peerEndpoint(of: input)
        {
            let local = InternetSocket.localEndpoint(of: input)
            facts = server.configuration.facts(client: client, local: local, session: id)
        } else {
            facts = server.configuration.facts(environment: Environment.bytes, session: id)
        }
        let stream = PatientStream(input: input, output: Descriptor(rawValue: 1))
        var driver = SessionDriver(server, stream, profile, facts: facts, id: id)
        // Whoever started us has looked the name up, or was told not to.
        driver.isNamed = Environment.bytes("TCPREMOTEIP") != nil
        driver.log.connected(facts, profile)
        driver.run()
    }
}
