// ServiceFolders: the folders that the programs work in, and whose they are.
// chainmail(7), sections USERS and FILES.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import UnixIO

/// A folder that is another user's than it must be.
struct ForeignFolder: Error, CustomStringConvertible {
    let path: String
    let owner: uid_t
    let wanted: String

    var description: String {
        "\(path): belongs to user \(owner), not to \(wanted); "
            + "when all in it is the server's: chown -R \(wanted): \(path)"
    }
}

/// Makes what is missing, so that each program finds a place of its own, and finds the places of
/// others closed.
struct ServiceFolders {
    let root: Root
    let users: ServiceUsers

    /// - Throws: `ForeignFolder`, or `SystemError`.
    func make() throws {
        // Those of root, in which every program finds what is its own.
        for (path, mode) in [
            (root.run, 0o755), ("\(root.run)/filters", 0o755), (root.spool, 0o711),
        ] as [(String, mode_t)] {
            try own(path, mode)
        }
        try own("\(root.spool)/queue", 0o700, .chainmail)
        // The states of filters: throttle(8), virus-scan(8).
        try own("\(root.run)/throttle", 0o700, .chainfilter)
        try own("\(root.spool)/quarantine", 0o700, .chainfilter)
        // Policies of MTA-STS and results of sessions: deliver-remote(8).
        try own("\(root.spool)/tls", 0o700, .chainmailr)
        // Where they are there, the administrator has said whose they are.
        if try Files.status(root.mail) == nil { try own(root.mail, 0o700, .chainmailv) }
        if try Files.status(root.tls) == nil { try own(root.tls, 0o700, .chainmaild) }
        // As chainmail(1) or an editor made them, before anybody said for whom.
        for path in ["users", "users.cdb", "control/auth"] {
            try share("\(root.configuration)/\(path)", with: .chainauth)
        }
        try share("\(root.configuration)/control/clientcert.pem", with: .chainmailr)
    }

    /// Lets a user read a file of root's that nobody else was let read.
    private func share(_ path: String, with user: ServiceUser) throws {
        guard try Files.status(path) != nil else { return }
        let file = try Files.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        let (number, status) = (file.number, try file.borrowed.status(path))
        guard status.st_uid == 0, status.st_gid == 0, status.st_mode & S_IFMT == S_IFREG else {
            return
        }
        let group = users.identity(of: user).group
        _ = try retrying("chown", path) { fchown(number, 0, group) }
        _ = try retrying("chmod", path) { fchmod(number, 0o640) }
        withExtendedLifetime(file) {}
    }

    private func own(_ path: String, _ mode: mode_t, _ user: ServiceUser? = nil) throws {
        let owner = user.map(users.identity(of:)) ?? Identity(user: 0, group: 0)
        let isNew = try Files.status(path) == nil
        if isNew { try Files.makeFolders(path, mode: 0o755) }
        // What is in a folder of root's nobody else can put another thing in the place of.
        let folder = try Files.open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let number = folder.number
        if isNew {
            _ = try retrying("chown", path) { fchown(number, owner.user, owner.group) }
        }
        let found = try folder.borrowed.status(path).st_uid
        guard found == owner.user else {
            throw ForeignFolder(path: path, owner: found, wanted: user?.rawValue ?? "root")
        }
        _ = try retrying("chmod", path) { fchmod(number, mode) }
        withExtendedLifetime(folder) {}
    }
}
