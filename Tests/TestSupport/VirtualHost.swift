// VirtualHost: a root whose mailboxes are vpopmail's and vmailmgr's, without their programs.
// deliver-local(8), section Virtual users.
// SPDX-License-Identifier: MIT

import Foundation
import Glibc

/// A root with two domains of vpopmail (pop.test, and alias.test that stands for it) and those that
/// only differ in what is for all others, and with two base users of vmailmgr.
public struct VirtualHost {
    /// The files, in the formats of those programs.
    public let tree: QmailTree
    /// The root's folder.
    public let root: String
    /// Their words for all others, by domain.
    public static let catchAlls = [
        "drop.test": "delete", "send.test": "all@elsewhere.test", "bad.test": "'|x'",
    ]

    /// A host whose users are whoever runs the tests; for root somebody else.
    public init() throws {
        tree = try QmailTree()
        root = tree.folder.file("root")
        chmod(tree.folder.path, 0o755)
        for name in ["root/mail/.keep", "qmail/users/.keep"] { try tree.folder.write(name, "") }
        symlink("../qmail", "\(root)/etc")
        try makeVpopmail()
        try makeVmailmgr()
        try tree.folder.write(
            "qmail/users/passwd", try tree.folder.read("passwd"), mode: 0o644)
        try giveToOwner()
    }

    /// Gives what is in the users' folders to the tree's user, as their programs would have it.
    public func giveToOwner() throws {
        guard getuid() == 0 else { return }
        for top in ["vpopmail/domains", "home", "root/mail"] {
            let path = tree.folder.file(top)
            for name in [""] + (try FileManager.default.subpathsOfDirectory(atPath: path)) {
                lchown("\(path)/\(name)", tree.uid, 100)
            }
        }
    }

    /// The names of the messages in `new` of a Maildir, by its path in the folder.
    public func messages(in maildir: String) -> [String] {
        tree.folder.names(in: "\(maildir)/new").filter { $0 != ".keep" }
    }

    /// Makes a Maildir by its path in the folder.
    public func makeMaildir(_ path: String) throws {
        for name in ["tmp", "new", "cur"] { try tree.folder.write("\(path)/\(name)/.keep", "") }
    }

    /// Where pop.test is, in the folder.
    public static let pop = "vpopmail/domains/pop.test"

    private func makeVpopmail() throws {
        var domains = Self.catchAlls
        domains["folder.test"] = "\(tree.domain("folder.test"))/catch/"
        domains["maildir.test"] = "\(tree.domain("maildir.test"))/catch/Maildir/"
        domains["sql.test"] = "bounce-no-mailbox"
        try tree.assign(
            [tree.assignment("pop.test"), tree.assignment("alias.test", of: "pop.test")]
                + domains.keys.map { tree.assignment($0) })
        let virtual =
            [("pop.test", "pop.test"), ("alias.test", "alias.test")]
            + domains.keys.map { ($0, $0) } + [("virt.test", "base"), ("all.test", "all")]
        try tree.control(
            "virtualdomains", virtual.map { "\($0.0):\($0.1)\n" }.joined())
        let user = { (name: String, flags: Int, quota: String, folder: String?) in
            tree.user(name, of: "pop.test", flags: flags, folder: folder, quota: quota)
        }
        let domain = tree.domain("pop.test")
        try tree.makeDomain(
            "pop.test",
            users: [
                user("carol", 0, "NOQUOTA", nil), user("closed", 0x10, "", nil),
                user("nopop", 0x2 | 0x800, "NOQUOTA", nil), user("full", 0, "3S", nil),
                user("hashed", 0, "", "\(domain)/A/hashed"), user("new", 0, "", ""),
                user("away", 0, "9000S", nil), user("gone", 0, "", nil),
                user("runs", 0, "", "\(domain)/it's"), user("sent", 0, "", nil),
                user("first.last", 0, "", nil),
            ])
        for (domain, word) in domains {
            try tree.makeDomain(domain, users: [], catchAll: word)
        }
        for name in ["vpasswd", "vpasswd.cdb"] { unlink("\(tree.domain("sql.test"))/\(name)") }
        try tree.folder.write("vpopmail/domains/folder.test/catch/.keep", "")
        for (name, text) in [
            ("away/.qmail", "./Maildir/\n&friend@elsewhere.test\n"),
            ("gone/.qmail", "| /nonexistent/bouncesaying 'He left'\n"),
            ("it's/.qmail", "| test -d Kept && exit 100\n"), ("it's/Kept/.keep", ""),
            ("sent/.qmail", "&friend@elsewhere.test\n"), (".qmail-sales", "./carol/Maildir/\n"),
            (".qmail-list-default", "&friend@elsewhere.test\n"),
            ("carol/.qmail-lists-default", "./Maildir/.lists/\n"), ("full/.keep", ""),
        ] { try tree.folder.write("\(Self.pop)/\(name)", text) }
        try makeMaildir("\(Self.pop)/carol/Maildir/.lists")
    }

    private func makeVmailmgr() throws {
        try tree.writePasswd([("alias", tree.uid), ("base", tree.uid), ("all", tree.uid)])
        for user in ["base", "all"] { try tree.dotQmail(user, "-default", "| vdeliver\n") }
        try tree.dotQmail("base", "-sales", "./users/two/\n")
        let record = QmailTree.virtualUser
        try tree.folder.write(
            "home/base/passwd.cdb",
            QmailTree.table([
                ("two", record([10, 1, 8, 1, 0], "./users/two", [], "-", "-", "-")),
                (
                    "both",
                    record([10, 1, 8, 1, 0], "./users/both", ["a", "b@x.test"], "-", "-", "-")
                ),
                ("sent", record([10, 0, 0], "", ["a@b.test"], "-", "-", "-")),
                ("off", record([10, 1, 8, 0, 0], "./users/two", [], "-", "-", "-")),
                ("full", record([10, 1, 0], "./users/full", [], "3", "-", "-")),
                ("expired", record([10, 1, 0], "./users/two", [], "-", "-", "1000000000")),
                ("old", Array(":pass:./users/old".utf8)), ("bad", [3]),
            ]))
        try tree.folder.write(
            "home/all/passwd.cdb",
            QmailTree.table([("+", record([10, 1, 0], "./users/all", [], "-", "-", "-"))]))
        for name in [
            "base/users/two", "base/users/both", "base/users/full", "base/users/old",
            "all/users/all",
        ] { try makeMaildir("home/\(name)") }
    }
}

extension QmailTree {
    /// The bytes of a table of vmailmgr.
    public static func table(_ records: [(name: String, record: [UInt8])]) -> [UInt8] {
        constantDatabase(of: records.map { (Array($0.name.utf8), $0.record) })
    }

    /// Writes one more dot-qmail file of pop.test for all others.
    public func popDefault(_ text: String) throws {
        try folder.write("\(VirtualHost.pop)/.qmail-default", text)
    }
}
