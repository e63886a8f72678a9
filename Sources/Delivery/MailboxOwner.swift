// MailboxOwner: whose a mailbox is.
// deliver-local(8), section OWNERS.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import UnixIO

/// The first owner on the way from `/` to a path who is not root. Up to there only root can have
/// put anything in the place of anything; from there on that owner can, and all is done as him.
enum MailboxOwner {
    /// As many links as the kernel follows.
    private static let mostLinks = 40

    /// Who a delivery to this path must become; nil when that would be root, or the way leads
    /// through a folder that anybody may change, or there is no way.
    /// - Throws: `SystemError`, or `ControlError` when the users of the host cannot be read.
    static func find(of path: String) throws -> Identity? {
        guard path.hasPrefix("/") else { return nil }
        var rest = parts(path)[...]
        var place = ""
        var links = 0
        while let name = rest.popFirst() {
            guard name != ".." else { return nil }
            let next = "\(place)/\(name)"
            guard let status = try status(next) else { return nil }
            if status.st_uid != 0 { return try identity(status) }
            switch status.st_mode & S_IFMT {
            case S_IFDIR:
                let isOpen = status.st_mode & S_IWOTH != 0 && status.st_mode & S_ISVTX == 0
                guard !isOpen else { return nil }
                place = next
            case S_IFLNK:
                links += 1
                guard links <= mostLinks, let target = target(of: next) else { return nil }
                rest = (parts(target) + rest)[...]
                if target.hasPrefix("/") { place = "" }
            default: return nil
            }
        }
        return nil
    }

    private static func parts(_ path: String) -> [Substring] {
        path.split(separator: "/").filter { $0 != "." }
    }

    /// Of a link itself, not of what it leads to.
    private static func status(_ path: String) throws(SystemError) -> Glibc.stat? {
        var result = Glibc.stat()
        do {
            _ = try retrying("lstat", path) { lstat(path, &result) }
        } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory {
            return nil
        }
        return result
    }

    private static func target(of link: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = bytes.withUnsafeMutableBytes { buffer in
            buffer.baseAddress.map { readlink(link, $0, buffer.count) } ?? -1
        }
        guard count > 0, count < bytes.count else { return nil }
        return String(validating: bytes[..<count], as: UTF8.self)
    }

    /// The owner with the group that the host has for him; the folder's own for one it does not
    /// know. Never root's group by accident.
    private static func identity(_ status: Glibc.stat) throws(ControlError) -> Identity? {
        if let user = try SystemUsers()[status.st_uid] {
            return Identity(user: user.user, group: user.group)
        }
        guard status.st_gid != 0 else { return nil }
        return Identity(user: status.st_uid, group: status.st_gid)
    }
}
