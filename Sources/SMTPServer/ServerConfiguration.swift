// ServerConfiguration: what the workers of a server share, read before they are forked.
// smtp-server(8), section FILES.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import MailQueue
import Relaying
import SMTPProtocol

/// The control files, the chain and the limits.
public struct ServerConfiguration {
    /// Names and limits of a session.
    public var session: SessionSettings
    /// Limits beside those of a session.
    public var limits: ServerLimits
    let name: [UInt8]
    let domains: AcceptedDomains
    let relayClients: [Network]
    let bareLineFeedClients: [Network]
    /// Who is not counted: `unlimitedclients`; without it this host, and who may relay.
    let unlimitedClients: [Network]?
    /// Who begins each connection with a header of the PROXY protocol.
    let proxies: [Network]
    /// Who may say XCLIENT.
    let xclients: [Network]
    /// Who may say XFORWARD.
    let xforwards: [Network]
    /// Limits of clients by their addresses.
    let clients: ClientLimits
    let queue: QueueClient
    /// The server that gets what is accepted; nil where the queue does.
    let forward: ServerBehind?
    let auth: AuthSettings
    /// Which reverse-paths users may use; nil when every user may use all.
    let senderLogins: SenderLogins?

    /// Reads what the root folder of the command line holds.
    /// - Throws: `ControlError`, `UsageError`, and whatever is wrong with filters.d.
    public init(_ options: ServerOptions) throws {
        let control = options.root.control
        name = try control.me()
        domains = try AcceptedDomains(control)
        relayClients = try control.relayClients()
        bareLineFeedClients = try control.bareLineFeedClients()
        let isCounted = try control.contents("unlimitedclients") == nil
        unlimitedClients = try isCounted ? nil : control.networks("unlimitedclients")
        proxies = try control.networks("proxyclients")
        xclients = try control.networks("xclientclients")
        xforwards = try control.networks("xforwardclients")
        clients = try options.clientLimits()
        queue = QueueClient(socket: options.root.socket("queue-message"))
        session = SessionSettings(name: name.printable)
        session.greeting = "\(try control.lineOrMe("smtpgreeting").printable) ESMTP"
        session.postmasterDomain = try control.lineOrMe("envnoathost").printable
        session.literalDomain = try control.lineOrMe("localiphost").printable
        session.messageSize = try control.databytes() ?? 0
        session.recipients = try control.integer("maxrcpt") ?? session.recipients
        auth = options.auth
        forward = try options.forward(as: name)
        session.passes = forward != nil
        // Whether it would go on under TLS only the server behind knows.
        session.offersRequireTLS = forward == nil
        senderLogins = try SenderLogins(control)
        session.limitsSenders = senderLogins != nil
        var limits = ServerLimits()
        if let seconds = try control.integer("timeoutsmtpd"), seconds > 0 {
            limits.command = .seconds(min(seconds, 86_400))
            limits.data = limits.command
        }
        self.limits = try options.limits(over: limits)
        try options.bound(&session)
    }

    /// What tcpserver's rules may say of a client.
    mutating func take(environment: (String) -> [UInt8]?) {
        // Source: qmail-smtpd.c. A value that is no number counts as 0, no limit.
        if let value = environment("DATABYTES") {
            session.messageSize = value.prefix(while: \.isASCIIDigit).decimalValue ?? 0
        }
    }

    /// True when the clients of this address may relay.
    func mayRelay(_ address: IPAddress) -> Bool {
        relayClients.contains { $0.contains(address) }
    }

    /// What becomes of a bare LF in a message of this client. Who has no address is no network's.
    func bareLineFeed(of client: Facts) -> BareLineFeed {
        guard !bareLineFeedClients.isEmpty, let address = client.clientIP,
            bareLineFeedClients.contains(where: { $0.contains(address) })
        else { return .refused }
        return .mended
    }

    /// True when the clients of this address are not counted.
    func isUnlimited(_ address: IPAddress) -> Bool {
        guard let unlimitedClients else { return address.isLoopback || mayRelay(address) }
        return unlimitedClients.contains { $0.contains(address) }
    }

    /// The settings of a session on a listener with a client.
    func settings(for profile: ListenerProfile, _ facts: Facts) -> SessionSettings {
        var settings = session
        settings.isSubmission = profile.isSubmission
        // Those that may relay need not, whoever XCLIENT says they are.
        settings.requiresAuth = profile.isSubmission
        settings.bareLineFeed = bareLineFeed(of: facts)
        settings.allowsXCLIENT =
            facts.clientIP.map { client in xclients.contains { $0.contains(client) } } ?? false
        settings.allowsXFORWARD =
            facts.clientIP.map { client in xforwards.contains { $0.contains(client) } } ?? false
        return settings
    }
}
