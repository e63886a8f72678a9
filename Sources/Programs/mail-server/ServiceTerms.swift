// ServiceTerms: as whom each program runs, who may call it, and what it may do.
// chainmail(7), sections USERS and SOCKETS.
// SPDX-License-Identifier: MIT

import UnixIO

/// What holds for a program when the server is started as root.
struct ServiceTerms {
    /// Nil: root.
    let user: ServiceUser?
    /// Who may connect to its socket; nil for a program that has none.
    var access: SocketAccess?
    /// True for a program whose memory holds secrets.
    var holdsSecrets = false
    /// What it must be told of the others.
    var arguments: [String] = []

    /// The terms of a service by its name.
    init(of service: String, _ users: ServiceUsers) {
        let root: UInt32 = 0
        switch service {
        case "queue-message":
            user = .chainmail
            // Whoever has an account may hand in mail, as with qmail-queue; but filters, which are
            // the ones in the group, may not.
            access = SocketAccess(
                owner: users.identity(of: .chainmail).user,
                group: users.identity(of: .chainfilter).group, mode: 0o606)
            arguments = ["--trust", "\(users.identity(of: .chainmaild).user)"]
        case "queue-manager": user = .chainmail
        case "deliver-local":
            user = nil
            access = SocketAccess(
                owner: users.identity(of: .chainmail).user, group: root, mode: 0o600)
            arguments = ["--as-owner"]
        case "deliver-remote":
            user = .chainmailr
            access = SocketAccess(
                owner: users.identity(of: .chainmail).user, group: root, mode: 0o600)
        case "auth-check":
            user = .chainauth
            access = SocketAccess(
                owner: users.identity(of: .chainmaild).user, group: root, mode: 0o600)
            holdsSecrets = true
            arguments = ["--trust", "\(users.identity(of: .chainmaild).user)"]
        case "smtp-server":
            user = .chainmaild
            holdsSecrets = true
            // Also a step that is new at a SIGHUP, for which there is no socket yet.
            arguments = ["--filters-apart"]
        default:
            // A step of the chain.
            user = .chainfilter
            access = SocketAccess(
                owner: root, group: users.identity(of: .chainmaild).group, mode: 0o660)
        }
    }

    /// A command on these terms. Where the caller is, and what its home is, says nothing to it.
    func apply(to command: inout Command, _ users: ServiceUsers) {
        command.folder = "/"
        command.environment = command.environment?.filter { variable in
            !["HOME=", "LOGNAME=", "MAIL=", "USER="].contains { variable.hasPrefix($0) }
        }
        command.arguments += arguments
        command.dumpsNoCore = holdsSecrets
        guard let user else { return }
        command.identity = users.identity(of: user)
        // A checkpassword program may be setuid: nobody but root reads shadow(5).
        command.gainsNoPrivileges = user != .chainauth
    }
}
