// OpenSession: a session with a host that may serve for more than one message.
// deliver-remote(8); RFC 5321, section 4.1.1.5.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPClient
import UnixIO

/// For whom a session may serve: whoever gets the same answer to all that was asked before it began.
struct SessionKey: Hashable {
    let domain: [UInt8]
    let route: SMTPRoute?
    let requiresTLS: Bool

    init(_ request: DeliveryRequest, _ settings: RemoteSettings) {
        domain = (request.domain ?? []).asciiLowercased
        route = settings.routes.route(for: domain, from: request.envelope.reversePath)
        requiresTLS = request.envelope.options.requireTLS
    }
}

/// A session after EHLO, TLS and login, and what is known of its host.
struct OpenSession: ~Copyable {
    var session: ClientSession
    let candidate: Candidate
    /// What the log says of it.
    let facts: [(key: String, value: String?)]
    /// How long it may serve.
    let end: Deadline

    /// True when another message may be sent by it.
    func mayGoOn(_ most: Int) -> Bool {
        let limit = min(most, session.extensions.maximumTransactions ?? .max)
        return session.canGoOn && session.transactions < limit && !end.hasPassed
    }
}

/// Keeps one session from one delivery to the next. A worker has one.
final class SessionKeeper {
    private var kept: OpenSession?
    private var key: SessionKey?

    /// True while there is one.
    var isKeeping: Bool { key != nil }

    /// Keeps a session in the place of another.
    func keep(_ session: consuming OpenSession, for key: SessionKey) {
        letGo()
        kept = consume session
        self.key = key
    }

    /// The session where it serves for this; another is over now.
    func take(for key: SessionKey) -> OpenSession? {
        guard self.key == key else {
            letGo()
            return nil
        }
        self.key = nil
        return kept.take()
    }

    /// Says goodbye.
    func letGo() {
        key = nil
        if let last = kept.take() { last.quit() }
    }
}

extension OpenSession {
    /// Says goodbye.
    consuming func quit() { session.quit() }
}
