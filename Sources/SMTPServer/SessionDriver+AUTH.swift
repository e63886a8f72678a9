// SessionDriver+AUTH: a login is verified.
// smtp-server(8), section Authentication.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol
import UnixIO

extension SessionDriver {
    /// Asks who knows the users.
    mutating func authenticate(_ request: AuthRequest) throws(StreamError) -> SessionStep {
        session.authenticated(.unavailable(.cannotAuthenticate))
    }
}
