// AuthSettings: what the administrator chose for AUTH.
// smtp-server(8), section Authentication.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import UnixIO

/// Options and limits of logins, each with its default.
struct AuthSettings: Sendable {
    /// True when mechanisms that show the password are offered without TLS.
    var showsSecretsInClear = false
    /// True when the service `smtp` offers AUTH too, where mail comes from other servers.
    var isForServers = false
    /// How long the reply to a refused login waits.
    var delay = Duration.seconds(3)
    /// Refused logins before the session is ended.
    var failures = 3

    /// The options that there are.
    static let options: [Usage.Option] = [
        .flag("clear-auth", "offer PLAIN, LOGIN and OAUTHBEARER without TLS too"),
        .flag("smtp-auth", "offer AUTH on the service smtp too"),
        .value("auth-delay", "DURATION", "before a refused login is answered (3s)"),
        .value("auth-failures", "N", "refused logins of a session (3)"),
    ]

    /// What was given.
    /// - Throws: `UsageError`.
    init(_ given: ServerSettings) throws {
        showsSecretsInClear = given.has("clear-auth")
        isForServers = given.has("smtp-auth")
        delay = try given.duration("auth-delay") ?? delay
        failures = try given.integer("auth-failures", in: 1...1000) ?? failures
    }
}
