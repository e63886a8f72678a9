// CalloutServer: asks another mail server by RCPT whether it takes mail for a mailbox.
// rcpt-validate(8), callout.
// SPDX-License-Identifier: MIT

public import MailModel
public import Resolver
import SMTPClient
import SMTPProtocol
public import UnixIO

/// Whom to ask, and as whom.
public struct CalloutSettings: Sendable {
    /// The server: an address, or a name that is looked up.
    public var host: [UInt8]
    /// Its port.
    public var port: UInt16
    /// Our name, for EHLO.
    public var name: [UInt8]
    /// The reverse-path of the question.
    public var reversePath: ReversePath
    /// Looks the host up.
    public var resolver: Resolver

    /// Settings of these parts.
    public init(
        host: [UInt8], port: UInt16, name: [UInt8], reversePath: ReversePath = .null,
        resolver: Resolver
    ) {
        self.host = host
        self.port = port
        self.name = name
        self.reversePath = reversePath
        self.resolver = resolver
    }
}

/// A server that is asked when it is needed. The session is kept for the next question.
///
/// A value serves one process: the connection is made at the first question, and so after a fork.
public final class CalloutServer {
    /// The most questions of one session.
    public static let questions = 100
    /// How long a session may lie idle and still be used.
    public static let idle = Duration.seconds(30)
    /// A server that could not be reached is not tried again sooner.
    public static let pause = Duration.seconds(1)
    /// The most addresses of the host that are tried.
    public static let addresses = 8

    private let settings: CalloutSettings
    private let reversePath: [UInt8]
    private var session: ClientSession?
    private var asked = 0
    private var staleAt = Deadline.never
    private var nextTry: Deadline?
    private var lastFailure = CalloutError("")

    /// A server by its settings; nil when the reverse-path cannot be sent. Nothing is connected to.
    public init?(_ settings: CalloutSettings) {
        self.settings = settings
        switch settings.reversePath {
        case .null: reversePath = Array("<>".utf8)
        case .mailbox(let mailbox):
            guard let path = PathSyntax.path(of: mailbox) else { return nil }
            reversePath = path
        }
    }

    /// Asks for a mailbox.
    /// - Returns: nil when the mailbox cannot be written as a path at all, so that no server was
    ///   asked and none could take mail for it.
    /// - Throws: `CalloutError` when the server does not say.
    public func ask(
        _ mailbox: Mailbox, deadline: Deadline
    ) throws(CalloutError) -> CalloutAnswer? {
        guard let path = PathSyntax.path(of: mailbox) else { return nil }
        let limits = ClientLimits(deadline: deadline)
        // A server may close what lies idle: that is no news of the mailbox, and asked again.
        if asked >= Self.questions { session.take()?.quit() }
        if var kept = session.take(), !staleAt.hasPassed {
            var verification: Verification?
            do throws(ClientError) {
                verification = try kept.verify(path, from: reversePath, limits: limits)
            } catch {
                if case .timedOut = error { throw CalloutError("\(error)") }
            }
            if let verification {
                keep(kept)
                return try CalloutServer.read(verification)
            }
        }
        var new = try connect(limits)
        let verification: Verification
        do throws(ClientError) {
            verification = try new.verify(path, from: reversePath, limits: limits)
        } catch {
            throw CalloutError("\(error)")
        }
        asked = 0
        keep(new)
        return try CalloutServer.read(verification)
    }

    private func keep(_ session: consuming ClientSession) {
        guard session.canGoOn else { return }
        asked += 1
        staleAt = .after(Self.idle)
        self.session = consume session
    }

    private static func read(
        _ verification: Verification
    ) throws(CalloutError) -> CalloutAnswer {
        switch verification {
        case .notAsked(let reply): throw CalloutError("MAIL was refused: \(reply)")
        case .answered(let reply):
            guard let answer = CalloutAnswer(reply) else {
                throw CalloutError("the reply to RCPT says nothing of the mailbox: \(reply)")
            }
            return answer
        }
    }

    private func connect(_ limits: ClientLimits) throws(CalloutError) -> ClientSession {
        if let nextTry, !nextTry.hasPassed {
            throw CalloutError("\(lastFailure) (not tried again yet)")
        }
        do throws(CalloutError) {
            let session = try openSession(limits)
            nextTry = nil
            return session
        } catch {
            nextTry = .after(Self.pause)
            lastFailure = error
            throw error
        }
    }

    /// Tries one address after the other; each that hangs may take half of what time is left.
    private func openSession(_ limits: ClientLimits) throws(CalloutError) -> ClientSession {
        let endpoints = try endpoints(limits.deadline)
        var failure = CalloutError("no address")
        for (index, endpoint) in endpoints.enumerated() {
            let isLast = index == endpoints.count - 1
            let deadline =
                isLast ? limits.deadline : Deadline.after(limits.deadline.remaining / 2)
            do {
                let socket = try InternetSocket.connect(
                    to: endpoint, label, deadline: deadline)
                var session = ClientSession(socket, limits: ClientLimits(deadline: deadline))
                try session.open(as: settings.name)
                return session
            } catch {
                failure = CalloutError("\(error)")
            }
        }
        throw failure
    }

    private var label: String { "\(settings.host.printable):\(settings.port)" }

    private func endpoints(_ deadline: Deadline) throws(CalloutError) -> [InternetEndpoint] {
        let addresses: [IPAddress]
        if let address = IPAddress(settings.host) {
            addresses = [address]
        } else {
            do throws(ResolverError) {
                let four = try settings.resolver.a(settings.host, deadline: deadline)
                let six = try settings.resolver.aaaa(settings.host, deadline: deadline)
                addresses = four.values + six.values
            } catch {
                throw CalloutError("DNS look-up of \(settings.host.printable): \(error)")
            }
        }
        let endpoints = addresses.prefix(Self.addresses).compactMap {
            InternetEndpoint(address: $0.bytes, port: settings.port)
        }
        guard !endpoints.isEmpty else {
            throw CalloutError("\(settings.host.printable) has no address")
        }
        return endpoints
    }
}
