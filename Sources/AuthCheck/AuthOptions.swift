// AuthOptions: auth-check's command line.
// auth-check(8).
// SPDX-License-Identifier: MIT

public import Control
import Glibc
import UnixIO

/// What was asked for on the command line.
public struct AuthOptions {
    /// Where everything is.
    public let root: Root
    /// The socket to serve; nil when something else is asked for.
    public let socket: String?
    /// The login whose password is on descriptor 0; nil when something else is asked for.
    public let checked: [UInt8]?
    let workers: ClosedRange<Int>
    let trusted: Set<uid_t>
    let heldConversations: Int
    let heldPerClient: Int
    let conversationTime: Duration
    let readyDescriptor: Int32?

    /// The options that there are.
    public static let usage = Usage(
        "auth-check", "Verifies logins for smtp-server; the only one that sees passwords.",
        [
            .root,
            .value("serve", "SOCKET", "stay, and serve this socket"),
            .value("workers", "MIN-MAX", "resident: so many processes (2-32)"),
            .values("trust", "UID", "resident: a user who may ask, beside root and our own"),
            .value("conversations", "N", "resident: so many may wait for their clients (500)"),
            .value("client-conversations", "N", "resident: so many of one client (10)"),
            .value("conversation-timeout", "DURATION", "resident: for one of them (60s)"),
            .value("check", "LOGIN", "say whether the password on descriptor 0 is accepted"),
            .readyDescriptor,
        ])

    /// Reads the options.
    /// - Throws: `UsageError`.
    public init(_ options: Options) throws(UsageError) {
        root = Root(options)
        socket = options["serve"]
        checked = options.bytes("check")
        guard (socket == nil) != (checked == nil) else {
            throw UsageError("one of --serve SOCKET and --check LOGIN is needed")
        }
        workers = try options.range("workers") ?? 2...32
        heldConversations = try options.integer("conversations", in: 1...100_000) ?? 500
        heldPerClient = try options.integer("client-conversations", in: 1...100_000) ?? 10
        conversationTime = try options.duration("conversation-timeout") ?? .seconds(60)
        guard (.seconds(1)...Duration.seconds(3600)).contains(conversationTime) else {
            throw UsageError("--conversation-timeout: a duration from 1s to 1h")
        }
        readyDescriptor = try options.integer("ready-fd", in: 0...1023).map(Int32.init)
        var trusted: Set<uid_t> = [0, getuid()]
        for text in options.all("trust") {
            guard let number = uid_t(text) else {
                throw UsageError("--trust \(text): not the number of a user")
            }
            trusted.insert(number)
        }
        self.trusted = trusted
    }
}
