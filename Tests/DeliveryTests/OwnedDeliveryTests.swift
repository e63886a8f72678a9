// The process of a mailbox's owner, and who he is.
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Delivery
@testable import Recipients

@Suite struct OwnedDeliveryTests {
    private let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// What a process that was asked this answers: its exit code and its reply.
    private func once(
        _ message: StoredMessage, _ fields: Fields
    ) throws -> (code: Int32, reply: [UInt8]) {
        var tool = try Tool("deliver-local", ["--once"])
        tool.message = fields.frame
        tool.descriptors = [3: message.file.number]
        let result = try tool.run()
        return (result.code, result.output)
    }

    @Test func `it delivers to the Maildirs that it is told, and answers in their order`() throws {
        let message = try StoredMessage("Subject: x\n\nhi\n")
        var fields = try message.request(["alice@y.test", "bob@y.test"]).fields
        fields.append(LocalTerms(base: folder.path))
        fields.append(destination("alice", folder.file("a/b/Maildir")))
        fields.append(destination("bob", "/nonexistent/Maildir"))
        let (code, frame) = try once(message, fields)
        #expect(code == 0)
        let outcomes = try Fields(frame: frame).all.map {
            try InstructionOutcome(Fields(frame: $0.value))
        }
        #expect(outcomes.map(\.reply.code) == [250, 451])
        #expect(outcomes[0].done == [bytes("maildir \(folder.file("a/b/Maildir"))")])
        let name = try #require(folder.names(in: "a/b/Maildir/new").first)
        let text = String(decoding: try folder.read("a/b/Maildir/new/\(name)"), as: UTF8.self)
        #expect(text.hasSuffix("Delivered-To: alice@y.test\nSubject: x\n\nhi\n"))
    }

    private func destination(_ local: String, _ maildir: String) -> LocalDestination {
        LocalDestination(
            local: bytes(local), host: bytes("y.test"),
            instructions: .given([.maildir(path: maildir)]))
    }

    @Test(arguments: ["terms", "destination"])
    func `without a whole request there is no reply`(missing: String) throws {
        let message = try StoredMessage("Subject: x\n\nhi\n")
        var fields = try message.request(["alice@y.test"]).fields
        if missing != "terms" { fields.append(LocalTerms(base: folder.path)) }
        if missing != "destination" {
            fields.append(destination("alice", folder.file("Maildir")))
        }
        let (code, frame) = try once(message, fields)
        #expect(code != 0)
        #expect(frame.isEmpty)
        #expect(folder.names().isEmpty)
    }

    @Test(.enabled(if: geteuid() != 0, "root may"))
    func `only root becomes others`() throws {
        #expect(try Tool("deliver-local", ["--as-owner", "alice@y.test"]).run().code == 64)
    }

    // MARK: Owners

    private static let isRoot = geteuid() == 0
    private static let someone: uid_t = 64_107

    /// A folder that is somebody's; without root's rights it is ours.
    private func make(_ name: String, owner: uid_t? = someone, mode: UInt32 = 0o755) throws {
        try Files.makeFolders(folder.file(name))
        chmod(folder.file(name), mode)
        if Self.isRoot, let owner { chown(folder.file(name), owner, owner) }
    }

    @Test func `the first owner who is not root is the mailbox's`() throws {
        try make("home/alice")
        let owner = try MailboxOwner.find(of: folder.file("home/alice/Maildir"))
        #expect(owner?.user == (Self.isRoot ? Self.someone : geteuid()))
    }

    @Test(.enabled(if: isRoot, "only root has folders of root's"))
    func `what is behind a user's link does not make its owner the mailbox's`() throws {
        try make("home/alice")
        try make("home/bob", owner: 64_108)
        symlink(folder.file("home/bob"), folder.file("home/alice/link"))
        let owner = try MailboxOwner.find(of: folder.file("home/alice/link/Maildir"))
        #expect(owner?.user == Self.someone)
    }

    @Test(.enabled(if: isRoot, "only root has folders of root's"))
    func `a link of root's is followed`() throws {
        try make("real/alice")
        symlink("real", folder.file("home"))
        let owner = try MailboxOwner.find(of: folder.file("home/alice/Maildir"))
        #expect(owner?.user == Self.someone)
        symlink(folder.file("loop"), folder.file("loop"))
        #expect(try MailboxOwner.find(of: folder.file("loop/Maildir")) == nil)
    }

    @Test(.enabled(if: isRoot, "only root has folders of root's"))
    func `where everything is root's, or anybody's, there is no owner`() throws {
        try make("roots", owner: nil)
        #expect(try MailboxOwner.find(of: folder.file("roots/Maildir")) == nil)
        try make("open", owner: nil, mode: 0o777)
        try make("open/alice")
        #expect(try MailboxOwner.find(of: folder.file("open/alice/Maildir")) == nil)
        chmod(folder.file("open"), 0o1777)
        #expect(try MailboxOwner.find(of: folder.file("open/alice/Maildir")) != nil)
        #expect(try MailboxOwner.find(of: folder.file("roots/../open/alice/Maildir")) == nil)
        #expect(try MailboxOwner.find(of: "open/alice/Maildir") == nil)
    }
}
