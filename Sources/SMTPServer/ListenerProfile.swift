// ListenerProfile: what is spoken on a listener, and what a client must do there.
// smtp-server(8), section Services; RFC 6409; RFC 8314.
// SPDX-License-Identifier: MIT

import Control
import MailModel

/// A service, and what follows from it for each of its sessions.
struct ListenerProfile: Hashable, Sendable {
    /// What is spoken.
    let service: ListenerService

    /// True where mail comes from users: it is completed, and who sends it must say who he is.
    var isSubmission: Bool { service != .smtp }

    /// True where TLS begins with the first byte. RFC 8314, section 3.3.
    var usesImplicitTLS: Bool { service == .smtps }
}

/// A listener that was asked for: `[SERVICE=]ADDRESS:PORT`.
struct ListenOption: Hashable {
    let service: ListenerService
    let endpoint: Endpoint

    /// Reads it; nil for anything else. Without a service it is `smtp`.
    init?(_ text: String) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let name = parts.count == 2 ? String(parts[0]) : ListenerService.smtp.rawValue
        guard let service = ListenerService(rawValue: name), let last = parts.last,
            let endpoint = Endpoint(String(last))
        else { return nil }
        self.service = service
        self.endpoint = endpoint
    }

    /// A line of `control/listen`.
    init(_ listener: Listener) {
        service = listener.service
        endpoint = listener.endpoint
    }
}
