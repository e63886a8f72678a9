// STARTTLS: the session goes on under TLS, and from its beginning.
// RFC 3207.
// SPDX-License-Identifier: MIT

import MailModel

extension ServerSession {
    mutating func startTLS(_ argument: ArraySlice<UInt8>) -> SessionStep {
        guard argument.isEmpty else { return failed(.noArgument) }
        guard tls == nil else { return failed(.alreadyTLS) }
        // What a proxy said of its client in the clear would have to be forgotten.
        guard settings.offersTLS, claimed == nil else { return failed(.notImplemented) }
        guard isExtended else { return failed(.needsEHLO) }
        pending = .tls
        return .startTLS(.startTLS)
    }

    /// The step after the handshake. All that the client said before is forgotten: section 4.2.
    public mutating func tlsStarted(_ tls: TLSFacts) -> SessionStep {
        guard case .tls = pending else { return .reply(.outOfStep) }
        pending = .nothing
        forgetClient()
        self.tls = tls
        tls.enter(&facts)
        return .read
    }

    /// The step where the driver has no TLS after all; it has given no reply.
    public mutating func tlsUnavailable() -> SessionStep {
        guard case .tls = pending else { return .reply(.outOfStep) }
        pending = .nothing
        return .reply(.tlsUnavailable)
    }

    /// Forgets what the client said since the greeting, and what was concluded from it. What the
    /// steps at `connect` said is not of its making.
    mutating func forgetClient() {
        reset()
        hasGreeted = false
        isExtended = false
        heloEdits = []
        user = nil
        facts[.helo] = nil
        facts[.protocolName] = nil
        facts[.authUser] = nil
        facts[.relay] = ownRelay
    }
}
