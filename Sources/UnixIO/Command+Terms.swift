// Whom a program runs as, what it may do, and which sockets it is given.
// credentials(7), sd_listen_fds(3).
// SPDX-License-Identifier: MIT

import CUnix
import Glibc

/// The user and the groups of a process.
public struct Identity: Hashable, Sendable {
    /// The user, real, effective and saved.
    public let user: uid_t
    /// The group, real, effective and saved.
    public let group: gid_t
    /// The supplementary groups. Without one there are none.
    public let groups: [gid_t]

    /// An identity of these parts.
    public init(user: uid_t, group: gid_t, groups: [gid_t] = []) {
        self.user = user
        self.group = group
        self.groups = groups
    }
}

extension Command {
    /// The descriptors, those of sockets included.
    var allDescriptors: [Int32: Int32] {
        var all = descriptors
        for (index, socket) in sockets.enumerated() {
            all[PassedSocket.firstNumber + Int32(clamping: index)] = socket.number
        }
        return all
    }

    /// The first number, from 3 on, that the child has no descriptor at, and none above it.
    public var freeDescriptor: Int32 { max(2, allDescriptors.keys.max() ?? 2) + 1 }

    /// The environment with what says of passed sockets; ours is not the child's then.
    var fullEnvironment: [String]? {
        guard !sockets.isEmpty else { return environment }
        let kept = environment ?? Environment.all()
        return kept.filter { !PassedSocket.isVariable($0) }
            + [
                "LISTEN_FDS=\(sockets.count)",
                "LISTEN_FDNAMES=\(sockets.map(\.name).joined(separator: ":"))",
                // What it is only the child knows.
                "LISTEN_PID=0000000000",
            ]
    }

    /// Calls with what fork's child needs to become whom it shall be.
    func withTerms(_ body: (UnsafePointer<cunix_terms>) -> pid_t) -> pid_t {
        (identity?.groups ?? []).withUnsafeBufferPointer { groups in
            var terms = cunix_terms(
                changes_user: identity != nil, user: identity?.user ?? 0,
                group: identity?.group ?? 0, groups: groups.baseAddress,
                group_count: groups.count, gains_nothing: gainsNoPrivileges,
                dumps_nothing: dumpsNoCore, gets_sockets: !sockets.isEmpty)
            return withUnsafePointer(to: &terms) { body($0) }
        }
    }
}
