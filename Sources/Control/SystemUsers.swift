// SystemUsers: users of the host, read from a file in the form of /etc/passwd.
// passwd(5).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import UnixIO

/// Names and numbers of users. The file is read directly: the name service would need glibc's
/// shared libraries. Who keeps users elsewhere gives a file made with `getent passwd`.
public struct SystemUsers: Sendable {
    /// Where they are when nothing else is said.
    public static let file = "/etc/passwd"

    /// One line of the file.
    public struct User: Hashable, Sendable {
        /// The login name.
        public let name: [UInt8]
        /// The user's number.
        public let user: uid_t
        /// The number of the user's own group.
        public let group: gid_t
    }

    private let users: [User]

    /// Reads the file. Lines that are no user, such as `+` for NIS, are passed over.
    /// - Throws: `ControlError` when it cannot be read.
    public init(_ path: String = file) throws(ControlError) {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try Files.contents(of: path) } catch {
            throw .unreadable(error)
        }
        users = bytes.split(separator: 0x0A).compactMap { line in
            let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
            guard fields.count == 7, !fields[0].isEmpty,
                let user = fields[2].decimalValue.flatMap(uid_t.init(exactly:)),
                let group = fields[3].decimalValue.flatMap(gid_t.init(exactly:))
            else { return nil }
            return User(name: Array(fields[0]), user: user, group: group)
        }
    }

    /// The numbers of the groups that a file in the form of group(5) says a user is a member of;
    /// never root's.
    /// - Throws: `ControlError` when it cannot be read.
    public static func groups(
        of name: String, in path: String = "/etc/group"
    ) throws(ControlError) -> [gid_t] {
        let bytes: [UInt8]
        do throws(SystemError) { bytes = try Files.contents(of: path) } catch {
            throw .unreadable(error)
        }
        return bytes.split(separator: 0x0A).compactMap { line in
            let fields = line.split(separator: 0x3A, omittingEmptySubsequences: false)
            guard fields.count == 4,
                fields[3].split(separator: 0x2C).contains(where: { $0.elementsEqual(name.utf8) }),
                let group = fields[2].decimalValue.flatMap(gid_t.init(exactly:)), group != 0
            else { return nil }
            return group
        }
    }

    /// The user of a name; nil when there is none.
    public subscript(name: String) -> User? {
        users.first { $0.name == Array(name.utf8) }
    }

    /// The first user of a number; nil when there is none.
    public subscript(number: uid_t) -> User? { users.first { $0.user == number } }
}
