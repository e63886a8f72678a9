// Where a list of mailboxes says that mail goes, from the text and from the database made of it.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import Recipients
import TestSupport
import Testing

@Suite struct MailboxPlaceTests {
    private let folder: TestFolder
    private var root: Root { Root(folder.path) }

    init() throws { folder = try TestFolder() }

    /// What is to be done with mail for `name@y.test`, by the text or by the database.
    private func instruction(
        _ lines: String, compiled: Bool, for name: String = "a"
    ) throws -> Instruction? {
        let path = try folder.write("etc/control/mailboxes", lines)
        if compiled { _ = try MailboxCompiler.compile(path, to: "\(path).cdb") }
        var source = try MailboxFile(path, SourceSettings(root))
        var trail = SourceTrail(isWanted: false)
        let mailbox = try Mailbox(Array("\(name)@y.test".utf8))
        guard case .destination(let destination) = try source.destination(of: mailbox, &trail),
            case .given(let list) = destination.instructions
        else { return nil }
        #expect(destination.recipient == mailbox.bytes)
        return list.first
    }

    private func check(_ line: String, _ expected: Instruction) throws {
        for compiled in [false, true] {
            #expect(try instruction("\(line)\n", compiled: compiled) == expected, "\(line)")
        }
    }

    @Test func `a line names a Maildir, with or without a slash`() throws {
        let own = root.mail + "/y.test/a/Maildir"
        try check("a@y.test", .maildir(path: own))
        try check("a@y.test /home/a/Maildir/", .maildir(path: "/home/a/Maildir"))
        try check("a@y.test my mail", .maildir(path: root.mail + "/my mail"))
        try check("@y.test rest", .maildir(path: root.mail + "/rest"))
    }

    @Test func `a line names a quota`() throws {
        let own = root.mail + "/y.test/a/Maildir"
        try check("a@y.test quota=1GB", .maildir(path: own, quota: "1073741824S"))
        try check("a@y.test /m quota=5S,2C", .maildir(path: "/m", quota: "5S,2C"))
        try check("a@y.test /m quota=NOQUOTA", .maildir(path: "/m", quota: "NOQUOTA"))
    }

    @Test func `a line names an mbox file or a server of LMTP`() throws {
        try check("a@y.test mbox:/var/mail/a", .mbox(path: "/var/mail/a"))
        try check("a@y.test mbox:a b", .mbox(path: root.mail + "/a b"))
        try check("@y.test lmtp:unix:/run/lmtp", .lmtp("unix:/run/lmtp"))
        try check("@y.test lmtp:inet:[::1]", .lmtp("inet:[::1]:24"))
    }

    @Test func `a mailbox without a quota has that of all`() throws {
        try folder.write("etc/control/mailboxquota", "10MB\n")
        let own = root.mail + "/y.test/a/Maildir"
        try check("a@y.test", .maildir(path: own, quota: "10485760S"))
        try check("a@y.test quota=1C", .maildir(path: own, quota: "1C"))
        try check("a@y.test mbox:/m", .mbox(path: "/m"))
        try folder.write("etc/control/mailboxquota", "much\n")
        #expect(throws: ControlError.self) { try instruction("a@y.test\n", compiled: false) }
    }

    @Test(arguments: [
        "a@y.test quota=", "a@y.test quota=10XB", "a@y.test /m quota=0", "a@y.test mbox:",
        "a@y.test mbox:/dir/", "a@y.test lmtp:", "a@y.test lmtp:/run/lmtp",
        "a@y.test lmtp:inet:host:25", "@y.test quota=1MB", "a@y.test mbox:/m quota=1MB",
        "a@y.test lmtp:unix:/run/lmtp quota=1MB",
    ])
    func `a slip of the pen is refused with file and line`(line: String) throws {
        for compiled in [false, true] {
            let error = #expect(throws: ControlError.self) {
                try instruction("b@y.test\n\(line)\n", compiled: compiled)
            }
            #expect("\(String(describing: error))".contains("mailboxes:2: "))
        }
    }

    @Test func `what is no Maildir exists all the same`() throws {
        let path = try folder.write("mailboxes", "@y.test lmtp:unix:/run/lmtp\n")
        var source = try MailboxFile(path, SourceSettings(root))
        #expect(try source.find(Mailbox(Array("a@y.test".utf8))) == .exists(.elsewhere))
    }
}
