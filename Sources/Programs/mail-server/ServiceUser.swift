// ServiceUser: whom each program runs as when the server is started as root.
// chainmail(7), section USERS.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import UnixIO

/// A user of ours, by its login name.
enum ServiceUser: String, CaseIterable {
    /// smtp-server.
    case chainmaild
    /// Filters.
    case chainfilter
    /// auth-check.
    case chainauth
    /// queue-message and queue-manager.
    case chainmail
    /// deliver-remote.
    case chainmailr
    /// Owns mailboxes without a system user.
    case chainmailv
}

/// Why nothing is started as root.
enum UserTrouble: Error, CustomStringConvertible {
    case missing([ServiceUser], file: String)
    case isRoot(ServiceUser, file: String)
    case isShared(ServiceUser, ServiceUser, file: String)
    case needsRoot(String)

    var description: String {
        switch self {
        case .missing(let users, let file):
            "\(file): no user \(users.map(\.rawValue).joined(separator: ", ")); "
                + "sysusers.d/chainmail.conf says whom to make: systemd-sysusers, or by hand; "
                + "for a trial, --one-user"
        case .isRoot(let user, let file): "\(file): \(user.rawValue) is root, or of its group"
        case .isShared(let one, let other, let file):
            "\(file): \(one.rawValue) and \(other.rawValue) have a number in common"
        case .needsRoot(let option): "\(option): only root can start programs as other users"
        }
    }
}

/// The numbers of our users.
struct ServiceUsers {
    private let users: [ServiceUser: SystemUsers.User]
    private let groups: [ServiceUser: [gid_t]]

    /// Whom programs run as: nil when all is the user that starts it, who is not root, or who said
    /// that it shall be so. Root is never taken by accident.
    /// - Throws: `UserTrouble`, or `ControlError` when the users cannot be read.
    static func wanted(_ options: Options) throws -> ServiceUsers? {
        guard !options.has("one-user") else {
            guard options["passwd"] == nil else {
                throw UsageError("--passwd is for several users, --one-user for one")
            }
            return nil
        }
        guard geteuid() == 0 else {
            guard options["passwd"] == nil else { throw UserTrouble.needsRoot("--passwd") }
            return nil
        }
        return try ServiceUsers(file: options["passwd"] ?? SystemUsers.file)
    }

    private init(file: String) throws {
        let known = try SystemUsers(file)
        let missing = ServiceUser.allCases.filter { known[$0.rawValue] == nil }
        guard missing.isEmpty else { throw UserTrouble.missing(missing, file: file) }
        var users: [ServiceUser: SystemUsers.User] = [:]
        for user in ServiceUser.allCases {
            guard let found = known[user.rawValue], found.user != 0, found.group != 0 else {
                throw UserTrouble.isRoot(user, file: file)
            }
            // Two users with one number would have each other's secrets.
            let same = users.first { $0.value.user == found.user || $0.value.group == found.group }
            if let same { throw UserTrouble.isShared(same.key, user, file: file) }
            users[user] = found
        }
        self.users = users
        // Where the administrator says more of them: so filters reach clamd, or auth-check vpopmail.
        var groups: [ServiceUser: [gid_t]] = [:]
        for user in ServiceUser.allCases where file == SystemUsers.file {
            groups[user] = try SystemUsers.groups(of: user.rawValue)
        }
        self.groups = groups
    }

    /// The user, its own group, and those that the host has it in.
    func identity(of user: ServiceUser) -> Identity {
        // Every one of them was found.
        let nobody: uid_t = 65534
        return Identity(
            user: users[user]?.user ?? nobody, group: users[user]?.group ?? nobody,
            groups: groups[user] ?? [])
    }
}
