// PassedSocket: a listening socket that a process did not make itself.
// sd_listen_fds(3).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc

/// A socket by systemd's protocol: its name and its descriptor.
public struct PassedSocket: Hashable, Sendable {
    /// The first of the descriptors that are passed.
    static let firstNumber: Int32 = 3

    /// What whoever passes it calls it; `unknown` when it has no name.
    public let name: String
    /// The descriptor, in this process.
    public let number: Int32

    /// A socket of this name, without blanks or colons.
    public init(_ name: String, _ number: Int32) {
        self.name = name
        self.number = number
    }

    /// Those that were passed to this very process, close-on-exec from now on; none when
    /// `LISTEN_PID` is not ours.
    public static func all() -> [PassedSocket] {
        guard let count = Environment.text("LISTEN_FDS").flatMap(Int32.init), count > 0,
            count < 1000, Environment.text("LISTEN_PID").flatMap(Int32.init) == getpid()
        else { return [] }
        let names = (Environment.text("LISTEN_FDNAMES") ?? "").split(
            separator: ":", omittingEmptySubsequences: false)
        return (0..<count).map { index in
            let number = firstNumber + index
            _ = cunix_fcntl(number, F_SETFD, FD_CLOEXEC)
            let name = names.dropFirst(Int(index)).first.map(String.init) ?? ""
            return PassedSocket(name.isEmpty ? "unknown" : name, number)
        }
    }

    /// True for `NAME=value` of a variable of the protocol, which is for one process alone.
    public static func isVariable(_ variable: String) -> Bool {
        ["LISTEN_FDS=", "LISTEN_FDNAMES=", "LISTEN_PID="].contains { variable.hasPrefix($0) }
    }
}
