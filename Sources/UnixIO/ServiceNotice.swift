// ServiceNotice: tells systemd how a service is.
// sd_notify(3).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc

/// Whoever started this process and wants to know of it by systemd's protocol.
public struct ServiceNotice: Sendable {
    /// The variable that names the socket; not for what this process starts.
    public static let variable = "NOTIFY_SOCKET"

    private let socket: String?

    /// Whom `NOTIFY_SOCKET` names; nobody without it.
    public init() { socket = Environment.text(ServiceNotice.variable) }

    /// Everything is ready, for the first time or again.
    public func ready() { tell("READY=1\n") }

    /// The configuration is being loaded again.
    public func reloading() {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        tell("RELOADING=1\nMONOTONIC_USEC=\(now.tv_sec * 1_000_000 + now.tv_nsec / 1000)\n")
    }

    /// The end has begun.
    public func stopping() { tell("STOPPING=1\n") }

    /// Who does not listen has no use for the word.
    private func tell(_ words: String) {
        guard let socket, socket.hasPrefix("/") || socket.hasPrefix("@") else { return }
        let bytes = Array(words.utf8)
        _ = cunix_unix_tell(socket, bytes, bytes.count)
    }
}
