// VpopmailUser: one user of vpopmail, with his password.
// vpopmail's vcdb.c; auth-sources(5), vpopmail.
// SPDX-License-Identifier: MIT

public import Control
import Glibc
import MailModel
import UnixIO

/// One user, as the domain's vpasswd.cdb has him.
public struct VpopmailUser: Hashable, Sendable {
    /// The flag of a locked account, one of the bits in the field of the group.
    static let bounceMail = 0x10
    /// The flag of who may not relay.
    static let noRelay = 0x20
    /// The flag of who may not use SMTP.
    static let noSMTP = 0x800
    /// The flag of whom the limits of the domain do not concern.
    static let overridesLimits = 0x2000

    let flags: Int
    /// Where he is, which is never computed: folders are hashed after some hundred users.
    let folder: String
    let quota: [UInt8]
    /// The hash of his password; empty for none.
    public let password: [UInt8]
    /// The password itself, where vpopmail keeps it; nil otherwise.
    public let clearText: [UInt8]?

    /// What follows the name: `crypt:uid:gid:gecos:dir:quota` and perhaps `:clear`.
    init?(_ data: some Collection<UInt8>) {
        let fields = data.split(separator: 0x3A, maxSplits: 6, omittingEmptySubsequences: false)
        guard fields.count >= 6, fields[1].decimalValue != nil,
            let flags = fields[2].decimalValue,
            let folder = String(validating: fields[4], as: UTF8.self),
            folder.isEmpty || folder.hasPrefix("/"), !fields[4].contains(0)
        else { return nil }
        self.flags = flags
        self.folder = folder
        quota = Array(fields[5])
        password = Array(fields[0])
        clearText = fields.count == 7 && !fields[6].isEmpty ? Array(fields[6]) : nil
    }

    /// False for what vdelivermail and vchkpw take for no name without a look at anything:
    /// vpopmail.c, is_username_valid.
    static func isName(_ name: [UInt8]) -> Bool {
        name.allSatisfy { byte in
            switch byte {
            case 0x21, 0x23, 0x24, 0x26, 0x27, 0x2A, 0x2B, 0x2D...0x39, 0x3D, 0x3F, 0x41...0x5A,
                0x5E...0x7E:
                true
            default: false
            }
        }
    }

    /// A user of vpasswd.cdb in a domain's folder; of the text beside it where there is no cdb yet.
    static func find(_ name: [UInt8], in folder: String) throws(ControlError) -> VpopmailUser? {
        let path = "\(folder)/vpasswd.cdb"
        let data: [UInt8]?
        if let database = try ConstantDatabase.ifPresent(path) {
            data = try database.value(for: name)
        } else {
            data = try line(of: name, in: folder)
        }
        guard let data else { return nil }
        guard let user = VpopmailUser(data) else {
            throw .invalid(file: path, line: nil, reason: "the record of a user is damaged")
        }
        return user
    }

    private static func line(
        of name: [UInt8], in folder: String
    ) throws(ControlError) -> [UInt8]? {
        let path = "\(folder)/vpasswd"
        let text: [UInt8]
        do throws(SystemError) {
            guard let all = try RegularFile.contents(of: path) else {
                throw SystemError("open", path, .invalidArgument)
            }
            text = all
        } catch {
            guard error.errno == .noSuchFileOrDirectory else { throw .unreadable(error) }
            throw .invalid(
                file: "\(path).cdb", line: nil,
                reason: "the file is missing: vpopmail keeps users elsewhere, such as in SQL")
        }
        let start = name + [0x3A]
        return text.split(separator: 0x0A).first { $0.starts(with: start) }
            .map { Array($0.dropFirst(start.count)) }
    }
}

/// The users of all domains of a vpopmail, for those who log in.
public struct VpopmailUsers: Sendable {
    /// A user who was found.
    public struct Found: Hashable, Sendable {
        /// What is known of him.
        public let user: VpopmailUser
        /// `name@domain` with small letters; of an alias domain, the domain that it stands for.
        public let address: [UInt8]
        /// False when his flags, or the limits of his domain, keep him from sending mail.
        public let maySend: Bool
    }

    private let folder: String
    private let users: UsersDatabase

    /// The vpopmail in a folder, with the qmail whose users/cdb names its domains.
    /// - Throws: `ControlError` when the folder is none or users/cdb cannot be read.
    public init(_ folder: String, qmail: String) throws(ControlError) {
        self.folder = folder
        users = UsersDatabase("\(qmail)/users/cdb")
        do throws(SystemError) {
            guard let status = try Files.status(folder), status.st_mode & S_IFMT == S_IFDIR else {
                throw SystemError("open", folder, .notDirectory)
            }
        } catch {
            throw .unreadable(error)
        }
        _ = try ConstantDatabase(users.path)
    }

    /// The user of a login: the first of `@`, `%` and `/` divides name and domain; without one the
    /// domain is that of `etc/defaultdomain`. Nil when there is no such user.
    /// - Throws: `ControlError` when that cannot be known.
    public func user(_ login: [UInt8]) throws(ControlError) -> Found? {
        let login = login.asciiLowercased
        let name = Array(login.prefix { ![0x40, 0x25, 0x2F].contains($0) })
        var domain = Array(login.dropFirst(name.count + 1))
        if domain.isEmpty, name.count == login.count {
            let line = try ControlFolder("\(folder)/etc").line("defaultdomain")
            domain = line?.asciiLowercased ?? []
        }
        guard !name.isEmpty, !domain.isEmpty, VpopmailUser.isName(name),
            let entry = try users.domain(domain),
            let user = try VpopmailUser.find(name, in: entry.home)
        else { return nil }
        return Found(
            user: user, address: name + [0x40] + entry.name.asciiLowercased,
            maySend: try maySend(user, in: entry.home))
    }

    private func maySend(_ user: VpopmailUser, in folder: String) throws(ControlError) -> Bool {
        guard user.flags & (VpopmailUser.noSMTP | VpopmailUser.noRelay) == 0 else { return false }
        guard user.flags & VpopmailUser.overridesLimits == 0 else { return true }
        var lines = try ControlFolder(folder).list(".qmailadmin-limits")
        if lines == nil { lines = try ControlFolder("\(self.folder)/etc").list("vlimits.default") }
        return !(lines ?? []).contains { line in
            let words = line.bytes.split { $0.isBlank || $0 == 0x3A }
            return words.first?.elementsEqual("disable_smtp".utf8) ?? false
                && !(words.count > 1 && words[1].elementsEqual([0x30]))
        }
    }
}
