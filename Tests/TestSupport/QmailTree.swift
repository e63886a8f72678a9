// QmailTree: the files of a qmail with its users, of vpopmail and of vmailmgr.
// qmail-control(5), qmail-users(5), dot-qmail(5); vpopmail's vcdb.c; vmailmgr's record-format.txt.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc

/// A folder with a qmail in `qmail`, homes of users in `home`, a vpopmail in `vpopmail`. Everything
/// is written in the formats of those programs, by nothing but these lines.
public final class QmailTree: Sendable {
    /// The folder.
    public let folder: TestFolder
    /// The user that owns the homes: never root, whom qmail delivers nothing to.
    public let uid: UInt32

    /// The qmail's own folder.
    public var qmail: String { folder.file("qmail") }
    /// vpopmail's own folder.
    public var vpopmail: String { folder.file("vpopmail") }
    /// The file in the form of /etc/passwd.
    public var passwd: String { folder.file("passwd") }

    /// A tree with `control/me` (mx.test), a user `alias` and nobody else.
    public init() throws {
        folder = try TestFolder()
        uid = getuid() == 0 ? 4321 : getuid()
        try control("me", "mx.test\n")
        try writePasswd([("alias", uid)])
        try folder.write("vpopmail/domains/.keep", "")
    }

    /// Writes a control file.
    public func control(_ name: String, _ text: String) throws {
        try folder.write("qmail/control/\(name)", text)
    }

    /// The home of a user.
    public func home(_ name: String) -> String { folder.file("home/\(name)") }

    /// Writes the users of the system and makes their homes, which they own.
    public func writePasswd(_ users: [(name: String, uid: UInt32)]) throws {
        let lines = users.map { "\($0.name):x:\($0.uid):100:A User:\(home($0.name)):/bin/sh\n" }
        try folder.write("passwd", "+::::::\n# no user\n" + lines.joined())
        for user in users { try makeHome(user.name) }
    }

    /// Makes a home that is owned by the tree's user.
    public func makeHome(_ name: String, mode: UInt32 = 0o700) throws {
        try FileManager.default.createDirectory(
            atPath: home(name), withIntermediateDirectories: true)
        guard chmod(home(name), mode) == 0 else { throw TestFailure("chmod \(name)") }
        guard getuid() != 0 || chown(home(name), uid, 100) == 0 else {
            throw TestFailure("chown \(name)")
        }
    }

    /// Writes a dot-qmail file of a user.
    public func dotQmail(
        _ user: String, _ name: String, _ text: String, mode: Int = 0o600
    ) throws {
        try folder.write("home/\(user)/.qmail\(name)", text, mode: mode)
    }

    /// Writes users/cdb from lines of users/assign, as qmail-newu does.
    public func assign(_ lines: [String]) throws {
        try folder.write("qmail/users/cdb", QmailTree.users(lines))
    }

    /// The bytes of a users/cdb.
    public static func users(_ lines: [String]) -> [UInt8] {
        var records: [(key: [UInt8], data: [UInt8])] = []
        var ends: Set<UInt8> = []
        for line in lines {
            let fields = line.dropFirst().split(separator: ":", omittingEmptySubsequences: false)
            let name = Array(fields[0].lowercased().utf8)
            let data = Array(fields.dropFirst().dropLast().joined(separator: "\0").utf8)
            if line.hasPrefix("=") {
                records.append(([0x21] + name + [0], data))
            } else {
                records.append(([0x21] + name, data))
                if let end = name.last { ends.insert(end) }
            }
        }
        records.append(([], Array(ends)))
        return constantDatabase(of: records)
    }

    /// A domain's folder of vpopmail.
    public func domain(_ name: String) -> String { "\(vpopmail)/domains/\(name)" }

    /// A line of users/assign that makes a domain, or an alias of one, vpopmail's.
    public func assignment(_ domain: String, of real: String? = nil) -> String {
        "+\(domain)-:\(real ?? domain):\(uid):100:\(self.domain(real ?? domain)):-:"
    }

    /// Makes a domain of vpopmail: users as lines of vpasswd, what is for all others, and the
    /// cdb unless only the text shall be there.
    public func makeDomain(
        _ name: String, users: [String], catchAll: String = "bounce-no-mailbox",
        isCompiled: Bool = true
    ) throws {
        let path = "vpopmail/domains/\(name)"
        try folder.write("\(path)/vpasswd", users.map { "\($0)\n" }.joined())
        try folder.write("\(path)/.qmail-default", "| /vp/bin/vdelivermail '' \(catchAll)\n")
        guard isCompiled else { return }
        let records = users.map { line in
            let colon = line.firstIndex(of: ":") ?? line.endIndex
            return (String(line[..<colon]), String(line[colon...].dropFirst()))
        }
        try folder.write("\(path)/vpasswd.cdb", constantDatabase(records))
    }

    /// A line of vpasswd.
    public func user(
        _ name: String, of domain: String, flags: Int = 0, folder: String? = nil,
        quota: String = "NOQUOTA"
    ) -> String {
        let path = folder ?? "\(self.domain(domain))/\(name)"
        return "\(name):$1$abc$def:1:\(flags):A User:\(path):\(quota):clear"
    }

    /// A record of vmailmgr, version 2, or 1 where flags are nil.
    public static func virtualUser(
        flags: [UInt8]? = [10, 1, 8, 1, 0], folder: String = "./users/u", forwards: [String] = [],
        hardQuota: String = "-", messages: String = "-", expiry: String = "-"
    ) -> [UInt8] {
        let addresses = forwards.map { "\($0)\0" }.joined()
        let text =
            "$1$pass\0\(folder)\0\(addresses)\0A User\0\(hardQuota)\0-\0-\0\(messages)\01\0\(expiry)\0"
        return [flags == nil ? 1 : 2] + (flags ?? []) + Array(text.utf8)
    }
}
