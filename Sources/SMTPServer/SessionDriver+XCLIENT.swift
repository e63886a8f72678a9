// SessionDriver+XCLIENT: what the client may do that a proxy speaks for.
// smtp-server(8), section XCLIENT.
// SPDX-License-Identifier: MIT

import MailModel
import SMTPProtocol

extension SessionDriver {
    /// The value for a client of these facts that may relay; nil for one that may not. That the proxy
    /// may is nothing to it.
    func relay(_ facts: Facts) -> [UInt8]? {
        guard let address = facts.clientIP, server.configuration.mayRelay(address) else {
            return nil
        }
        return []
    }
}
