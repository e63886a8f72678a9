// AuthServer: auth-check as a pool of workers behind its socket.
// auth-check(8).
// SPDX-License-Identifier: MIT

import Control
import Credentials
import MailModel
import SASL
import UnixIO
import Workers

/// The resident auth-check.
public enum AuthServer {
    /// A worker that takes longer for one question is killed, and replaced.
    static let longestStep: UInt32 = 120

    /// Serves until SIGTERM or SIGINT.
    /// - Throws: `ControlError` for what is wrong in the configuration, else `SystemError`.
    public static func serve(_ options: AuthOptions) throws {
        guard let path = options.socket else { return }
        try Memory.hide()
        var pool = PoolOptions(name: "auth-check", workers: options.workers)
        pool.clientsSpeakFirst = true
        pool.readyDescriptor = options.readyDescriptor
        let held = try HeldConversations(
            options.heldConversations, perClient: options.heldPerClient)
        // What does not load must not leave a socket that nobody serves.
        var first: CredentialSources? = try CredentialSources(options.root)
        let listener = try UnixSocket.listen(at: path, mode: 0o666)
        try Pool<CredentialSources>(
            pool, listeners: [listener.borrowed],
            load: {
                defer { first = nil }
                return try first ?? CredentialSources(options.root)
            },
            worker: { sources in
                let service = AuthService(
                    sources: sources, library: try SASLLibrary(), held: held, options: options,
                    log: AuthLog())
                Watch.arm(longestStep)
                return { connection, _, _ in
                    Watch.begin()
                    defer { Watch.end() }
                    service.serve(connection)
                }
            }
        ).run()
        withExtendedLifetime(listener) {}
    }
}
