// SessionDriver+TLS: a session goes on under TLS.
// smtp-server(8), section TLS.
// SPDX-License-Identifier: MIT

import SMTPProtocol
import UnixIO

extension SessionDriver {
    /// Gives the reply and begins TLS.
    mutating func startTLS(_ reply: SMTPReply) throws(StreamError) -> SessionStep {
        session.tlsUnavailable()
    }
}
