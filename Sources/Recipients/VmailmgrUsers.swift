// VmailmgrUsers: the virtual users of vmailmgr, with their passwords.
// vmailmgr's checkvpw and record-format.txt; auth-sources(5), vmailmgr.
// SPDX-License-Identifier: MIT

public import Control
import Glibc
public import MailModel

/// The users of all domains of vmailmgr, for those who log in.
public struct VmailmgrUsers {
    /// A user who was found.
    public struct Found: Hashable, Sendable {
        /// The password as it is stored.
        public let password: [UInt8]
        /// False for one who has expired, has no mailbox, or one that is not enabled.
        public let mayLogIn: Bool
    }

    private let table: String
    private var users: QmailUsers

    /// The domains that virtualdomains of the qmail in a folder gives to a base user whose home has
    /// the table.
    /// - Throws: `ControlError` when control files or the users of the system cannot be read.
    public init(
        _ folder: String, table: String = "passwd", passwd: String? = nil
    ) throws(ControlError) {
        self.table = table
        users = try QmailUsers(folder, passwd.map { ["passwd": $0] } ?? [:])
    }

    /// A user by his address; nil when there is none. The user `+` is nobody who logs in.
    /// - Throws: `ControlError` when that cannot be known.
    public mutating func user(_ mailbox: Mailbox) throws(ControlError) -> Found? {
        guard case .local(let local, _, true) = try users.route(mailbox) else { return nil }
        var trail = SourceTrail(isWanted: false)
        guard let base = try users.user(of: local, &trail) else { return nil }
        let path = "\(base.home)/\(table).cdb"
        let name = base.ext.asciiLowercased
        guard !name.isEmpty, name != [0x2B], try FileVersion.of(path) != nil,
            let data = try ConstantDatabase(path).value(for: name)
        else { return nil }
        guard let record = VmailmgrRecord(data) else {
            throw .invalid(file: path, line: nil, reason: "the record of a user is damaged")
        }
        let hasExpired = record.expiry.map { $0 < time(nil) } ?? false
        return Found(
            password: record.password, mayLogIn: record.keepsMail && !hasExpired)
    }
}
