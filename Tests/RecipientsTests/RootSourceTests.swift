// The mailboxes of a root: those of its list, and those of its users.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import TestSupport
import Testing

@testable import Recipients

/// Each row of the resolution of addresses, asked as rcpt-validate asks and as deliver-local does.
@Suite struct RootSourceTests {
    private let tree: QmailTree
    private let root: Root

    init() throws {
        tree = try QmailTree()
        root = Root(tree.folder.file("root"))
        try tree.makeHome("alice", mode: 0o755)
        try tree.makeHome("list", mode: 0o755)
        let uid = tree.uid
        for (name, text) in [
            ("control/me", "mx.test\n"), ("control/locals", "local.test\nhack.test\n"),
            ("control/percenthack", "hack.test\n"), ("control/envnoathost", "local.test\n"),
            (
                "control/virtualdomains",
                "bob@virtual.test:list-bob\nvirtual.test:alice\n.sub.test:alice-sub\nnot.sub.test:\n"
            ),
            ("control/mailboxes", "box@listed.test\n@all.test all\n"),
            ("users/passwd", "alice:x:\(uid):100:A:\(tree.home("alice")):/bin/sh\n"),
        ] { try tree.folder.write("root/etc/\(name)", text) }
        try tree.folder.write(
            "root/etc/users/cdb",
            QmailTree.users(["+list-:list:\(uid):100:\(tree.home("list")):-::"]))
        try tree.dotQmail("list", "-default", "./Maildir/\n", mode: 0o644)
        for name in ["-sub-default", "-one:two", "-default"] {
            try tree.dotQmail("alice", name, "./Maildir/\n", mode: 0o644)
        }
    }

    private func destination(_ address: String) throws -> LocalAnswer {
        var sources = try RecipientSources(root)
        var trail = SourceTrail(isWanted: false)
        return try sources.destination(of: Mailbox(Array(address.utf8)), &trail)
    }

    private func exists(_ address: String) throws -> String {
        var sources = try RecipientSources(root)
        switch try sources.find(Mailbox(Array(address.utf8))) {
        case .exists: return "yes"
        case .noSuchMailbox: return "no"
        case .unknownDomain: return "unknown"
        case .overQuota, .refused: return "other"
        }
    }

    @Test(arguments: [
        ("alice@local.test", "alice", "", "alice@local.test"),
        ("alice", "alice", "", "alice@local.test"),
        ("ALICE@Local.Test", "alice", "", "ALICE@Local.Test"),
        ("alice-One.Two@local.test", "alice", "-One.Two", "alice-One.Two@local.test"),
        ("alice%local.test@hack.test", "alice", "", "alice@local.test"),
        ("x%virtual.test%hack.test@hack.test", "alice", "-x", "alice-x@virtual.test"),
        ("x@virtual.test", "alice", "-x", "alice-x@virtual.test"),
        ("bob@virtual.test", "list", "-bob-bob", "list-bob-bob@virtual.test"),
        ("x@a.sub.test", "alice", "-sub-x", "alice-sub-x@a.sub.test"),
        ("list-X@local.test", "list", "-X", "list-X@local.test"),
    ])
    func `a user's address has its user, its words and its Delivered-To`(
        address: String, user: String, file: String, deliveredTo: String
    ) throws {
        guard case .destination(let found) = try destination(address) else {
            Issue.record("\(address) leads nowhere")
            return
        }
        #expect(found.user == Array(user.utf8))
        #expect(found.home == tree.home(user))
        #expect(found.dash + found.ext == Array(file.utf8))
        #expect(found.recipient == Array(deliveredTo.utf8))
        #expect(found.owner?.user == tree.uid)
        #expect(found.instructions == .inHome)
        #expect(try exists(address) == "yes")
    }

    @Test(arguments: [
        ("box@listed.test", "mail/listed.test/box/Maildir"), ("any@all.test", "mail/all"),
        ("box%listed.test@hack.test", "mail/listed.test/box/Maildir"),
    ])
    func `a listed mailbox is where the list says`(address: String, path: String) throws {
        guard case .destination(let found) = try destination(address) else {
            Issue.record("\(address) leads nowhere")
            return
        }
        #expect(found.instructions == .given([.maildir(path: "\(root.folder ?? "")/\(path)")]))
        #expect(found.owner == nil)
        #expect(try exists(address) == "yes")
    }

    @Test(arguments: [
        ("nobody@local.test", "no"), ("nobody@listed.test", "no"), ("alice@listed.test", "no"),
        ("root@local.test", "no"), ("x@elsewhere.test", "unknown"), ("x@not.sub.test", "unknown"),
        ("x%elsewhere.test@hack.test", "unknown"), ("box@sub.test", "unknown"),
    ])
    func `who is nobody is nobody for all`(address: String, expected: String) throws {
        #expect(try exists(address) == expected)
        let answer = try destination(address)
        #expect(answer == (expected == "no" ? .noSuchMailbox : .unknownDomain))
    }

    @Test func `an empty local-part is taken and dropped`() throws {
        guard case .destination(let found) = try destination("@local.test") else {
            Issue.record("it leads nowhere")
            return
        }
        #expect(found.instructions == .given([.drop]))
    }

    @Test func `the folder alias has those of no user, and belongs to its owner`() throws {
        try tree.folder.write("root/etc/alias/.qmail-postmaster", "&alice\n")
        // A folder of root's has the owner of mailboxes.
        mkdir(root.mail, 0o700)
        if getuid() == 0 { #expect(chown(root.mail, uid_t(tree.uid), 100) == 0) }
        #expect(try exists("postmaster@local.test") == "yes")
        #expect(try exists("nobody@local.test") == "no")
        guard case .destination(let found) = try destination("postmaster@local.test") else {
            Issue.record("it leads nowhere")
            return
        }
        #expect(found.home == "\(root.configuration)/alias")
        #expect(found.dash + found.ext == Array("-postmaster".utf8))
    }

    @Test func `without a name there is the list alone, and without both nothing`() throws {
        unlink(root.control.file("me"))
        #expect(try exists("box@listed.test") == "yes")
        #expect(try exists("alice@local.test") == "unknown")
        unlink(root.control.file("mailboxes"))
        #expect(throws: ControlError.self) { try RecipientSources(root) }
    }

    @Test func `without a list there are the users alone`() throws {
        unlink(root.control.file("mailboxes"))
        #expect(try exists("alice@local.test") == "yes")
        #expect(try exists("box@listed.test") == "unknown")
    }
}
