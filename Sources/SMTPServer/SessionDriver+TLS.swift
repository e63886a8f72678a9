// SessionDriver+TLS: a session begins or goes on under TLS.
// smtp-server(8), section TLS; RFC 3207; RFC 8314.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol
import TLS
import UnixIO

extension SessionDriver {
    /// Gives the reply and begins TLS.
    mutating func startTLS(_ reply: SMTPReply) throws(StreamError) -> SessionStep {
        guard let context = server.tls else { return session.tlsUnavailable() }
        guard !wire.hasInput else {
            // Whoever put it there wants it to be obeyed as if it had come under TLS. RFC 3207,
            // section 5, has clients wait for the reply.
            log.injected()
            return .close(.nothingAfterSTARTTLS)
        }
        give(reply)
        return session.tlsStarted(try shakeHands(context, until: .never))
    }

    /// Begins TLS before anything is said, where the listener wants it. The steps at `connect`
    /// are asked afterwards: they are to know of it, and what they say can only be told under it.
    mutating func startImplicitTLS(until deadline: Deadline) throws(StreamError) {
        // A server does not begin without a certificate for such a listener.
        guard let context = server.tls else { throw .closed }
        session = ServerSession(
            settings: session.settings, facts: session.facts, id: session.id,
            tls: try shakeHands(context, until: deadline))
    }

    private mutating func shakeHands(
        _ context: ServerContext, until deadline: Deadline
    ) throws(StreamError) -> TLSFacts {
        let patience = min(limits.handshake, limits.command)
        do {
            try wire.startTLS(context, until: min(deadline, .after(patience)))
        } catch {
            log.tlsFailed(error)
            // The session ends without a word: there is no way in which it could be said.
            switch error {
            case .stream(.closed): throw .closed
            case .stream(.timedOut): throw .failed(.timedOut("TLS", "handshake"))
            case .stream(.stopping): throw .failed(SystemError("TLS", "handshake", .canceled))
            case .stream(let error): throw error
            case .refused: throw .failed(SystemError("TLS", "handshake", .protocolError))
            }
        }
        guard let stream = wire.tls else { throw .closed }
        let peer = stream.peer
        log.tlsStarted(stream, peer)
        return TLSFacts(stream, peer)
    }
}

extension TLSFacts {
    fileprivate init(_ stream: TLSStream, _ peer: TLSPeer?) {
        // An authority that vouches for addresses need not look at what else is in the subject.
        let all = peer?.names ?? []
        let mailboxes = all.filter { $0.kind == .mailbox }
        let names = mailboxes.isEmpty ? all.filter { $0.kind == .common } : mailboxes
        self.init(
            version: Array(stream.version.utf8), cipher: Array(stream.cipher.utf8),
            serverName: stream.serverName.map { Array($0.utf8) },
            peerDigest: peer.map { Array($0.digest.utf8) },
            peerNames: names.map { Array($0.text.utf8) })
    }
}

extension SessionLog {
    /// TLS has begun.
    fileprivate func tlsStarted(_ stream: TLSStream, _ peer: TLSPeer?) {
        log.event(
            "tls",
            [
                "session": session, "version": stream.version, "cipher": stream.cipher,
                "name": stream.serverName, "resumed": stream.isResumed ? "yes" : nil,
                "peer": peer?.digest, "peer-trouble": peer?.trouble,
            ])
    }

    /// TLS has not begun.
    fileprivate func tlsFailed(_ error: HandshakeError) {
        log.event("tls-failed", ["session": session, "error": "\(error)"])
    }

    /// Something came together with STARTTLS.
    fileprivate func injected() {
        log.event("tls-injection", ["session": session])
    }
}

extension SMTPReply {
    fileprivate static let nothingAfterSTARTTLS = SMTPReply(
        503, EnhancedStatus(5, 5, 1), "Nothing may follow STARTTLS before its reply")
}
