// Mail for vpopmail's users where vdelivermail is not installed.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import TestSupport
import Testing

@testable import Delivery
@testable import Recipients

/// An agent that delivers to the users of a host of vpopmail and vmailmgr.
struct VirtualDeliveries {
    let host: VirtualHost
    let root: Root

    init(_ host: VirtualHost) {
        self.host = host
        root = Root(host.root)
    }

    /// The reply to one recipient, as a line.
    func reply(
        _ recipient: String, text: String = "Subject: x\n\nhi\n", done: [[UInt8]] = []
    ) throws -> String { "\(try result(recipient, text: text, done: done).reply)" }

    /// What becomes of a message for one recipient.
    func result(
        _ recipient: String, text: String = "Subject: x\n\nhi\n", done: [[UInt8]] = []
    ) throws -> DeliveryResult {
        let stored = try StoredMessage(text)
        var agent = try LocalAgent(root, becomesOwner: LocalWorld.isRoot)
        var request = try stored.request([recipient], from: "sender@x.test")
        request.done = [0: done]
        request.numbers = [0]
        return try #require(agent.deliver(request, stored.file.borrowed).results.first)
    }

    /// Whom the mail for a recipient would be sent on to, by a process that sends nothing.
    func forwards(_ recipient: String) throws -> [String] {
        let stored = try StoredMessage("Subject: x\n\nhi\n")
        let request = try stored.request([recipient], from: "sender@x.test")
        var sources = try RecipientSources(root)
        var trail = SourceTrail(isWanted: false)
        let answer = try sources.destination(of: request.envelope.recipients[0], &trail)
        guard case .destination(let destination) = answer else { return [] }
        var run = InstructionRun(
            request, 0, to: destination, stored.file.borrowed, try LocalTerms(root),
            .after(.seconds(60)))
        var names = MaildirName()
        return run.run(&names).forward?.recipients.map { "\($0)" } ?? []
    }
}

/// What RCPT takes for a user of vpopmail is delivered to him, row by row.
@Suite struct VpopmailDeliveryTests {
    private let host: VirtualHost
    private let agent: VirtualDeliveries

    init() throws {
        host = try VirtualHost()
        agent = VirtualDeliveries(host)
    }

    private func count(_ folder: String) -> Int {
        host.messages(in: "\(VirtualHost.pop)/\(folder)/Maildir").count
    }

    @Test(arguments: [
        // The folder of a user is made where it is missing, hashed or not.
        ("carol@pop.test", "250", "carol"), ("CAROL@Pop.Test", "250", "carol"),
        ("hashed@pop.test", "250", "A/hashed"), ("first.last@pop.test", "250", "first.last"),
        ("carol@alias.test", "250", "carol"), ("nopop@pop.test", "250", "nopop"),
        ("sales@pop.test", "250", "carol"), ("closed@pop.test", "550 5.2.1", ""),
        ("full@pop.test", "552 5.2.3", ""), ("new@pop.test", "451 4.3.0", ""),
        ("runs@pop.test", "554", ""), ("gone@pop.test", "554 5.0.0 He left", ""),
        ("nobody@pop.test", "550 5.1.1", ""), ("carol-ext@pop.test", "550 5.1.1", ""),
        ("a%b@pop.test", "550 5.1.1", ""), ("any@drop.test", "250", ""),
        ("any@bad.test", "451 4.3.0", ""), ("any@sql.test", "451 4.3.0", ""),
    ])
    func `a user's mail is where vdelivermail would put it`(
        address: String, reply: String, folder: String
    ) throws {
        let line = try agent.reply(address)
        #expect(line.hasPrefix(reply), "\(line)")
        #expect(folder.isEmpty || count(folder) == 1)
        #expect(folder == "carol" || count("carol") == 0)
    }

    @Test func `what is written is his, for his address`() throws {
        #expect(try agent.reply("CAROL@pop.test").hasPrefix("250"))
        let maildir = "\(VirtualHost.pop)/carol/Maildir"
        let name = try #require(host.messages(in: maildir).first)
        let text = String(
            decoding: try host.tree.folder.read("\(maildir)/new/\(name)"), as: UTF8.self)
        #expect(
            text == "Return-Path: <sender@x.test>\nDelivered-To: carol@pop.test\n"
                + "Subject: x\n\nhi\n")
        var status = stat()
        stat(host.tree.folder.file("\(maildir)/new/\(name)"), &status)
        #expect(status.st_uid == host.tree.uid)
    }

    @Test(arguments: [
        ("any@send.test", ["all@elsewhere.test"]), ("sent@pop.test", ["friend@elsewhere.test"]),
        ("away@pop.test", ["friend@elsewhere.test"]),
        ("list-any@pop.test", ["friend@elsewhere.test"]),
        ("carol@pop.test", []),
    ])
    func `mail is sent on by whoever the files name`(address: String, forwards: [String]) throws {
        #expect(try agent.forwards(address) == forwards)
    }

    @Test(arguments: ["folder.test", "maildir.test"])
    func `a folder takes what is for all others, named itself or by its Maildir`(
        domain: String
    ) throws {
        try host.makeMaildir("vpopmail/domains/\(domain)/catch/Maildir")
        try host.giveToOwner()
        #expect(try agent.reply("any@\(domain)").hasPrefix("250"))
        #expect(host.messages(in: "vpopmail/domains/\(domain)/catch/Maildir").count == 1)
    }

    @Test func `with extensions it is the user before the first separator, or his own file`() throws
    {
        try host.tree.control("extensions", "-\n")
        #expect(try agent.reply("carol-ext@pop.test").hasPrefix("250"))
        #expect(count("carol") == 1)
        #expect(try agent.reply("carol-lists-x@pop.test").hasPrefix("250"))
        #expect(host.messages(in: "\(VirtualHost.pop)/carol/Maildir/.lists").count == 1)
        #expect(try agent.reply("closed-x@pop.test").hasPrefix("550 5.2.1"))
        #expect(try agent.reply("nobody-x@pop.test").hasPrefix("550 5.1.1"))
    }

    @Test func `a domain has its own words for nobody`() throws {
        try host.tree.folder.write("vpopmail/domains/.no-user.msg", "For all\ndomains.\n")
        try host.giveToOwner()
        #expect(try agent.reply("nobody@pop.test").hasSuffix("For all domains."))
        try host.tree.folder.write("\(VirtualHost.pop)/.no-user.msg", "Nobody\nhere.\n")
        try host.giveToOwner()
        #expect(try agent.reply("nobody@pop.test").hasSuffix("Nobody here."))
    }

    // MARK: The line

    private func popDefault(_ text: String) throws {
        try host.tree.popDefault(text)
        try host.giveToOwner()
    }

    /// A vdelivermail that refuses everything.
    private func makeProgram() throws -> String {
        try host.tree.folder.write("bin/vdelivermail", "#!/bin/sh\nexit 100\n", mode: 0o755)
    }

    @Test func `a program that is there runs only where we do not know, or are told so`() throws {
        let program = try makeProgram()
        try popDefault("| \(program) '' bounce-no-mailbox\n")
        #expect(try agent.reply("carol@pop.test").hasPrefix("250"))
        #expect(try agent.reply("new@pop.test").hasPrefix("554"))
        try host.tree.control("virtualdelivery", "program\n")
        #expect(try agent.reply("carol@pop.test").hasPrefix("554"))
        try host.tree.control("virtualdelivery", "interpret\n")
        for name in ["vpasswd", "vpasswd.cdb"] { unlink("\(host.tree.domain("pop.test"))/\(name)") }
        #expect(try agent.reply("carol@pop.test").hasPrefix("554"))
        try host.tree.control("virtualdelivery", "perhaps\n")
        #expect(throws: ControlError.self) { try agent.reply("carol@pop.test") }
    }

    @Test(arguments: [
        (
            "sed 's/^hi$/filtered/' | /nonexistent/vdelivermail '' bounce-no-mailbox", "250",
            "filtered\n"
        ),
        ("cat | tr i o|/nonexistent/vdelivermail \"\" bounce-no-mailbox", "250", "ho\n"),
        (
            "printf 'Delivered-To: pop.test-carol@pop.test\\n\\nx\\n' | vdelivermail '' delete",
            "250", "x\n"
        ),
        ("false | vdelivermail '' bounce-no-mailbox", "451", ""),
        ("true | vdelivermail '' bounce-no-mailbox", "451", ""),
        ("/nonexistent/spamc | vdelivermail '' bounce-no-mailbox", "451", ""),
        ("yes | vdelivermail '' bounce-no-mailbox", "451", ""),
        ("cat; cat | vdelivermail '' bounce-no-mailbox", "451", ""),
        ("vdelivermail '' bounce-no-mailbox | cat", "451", ""),
        ("vdelivermail ''", "451", ""), ("vdelivermail '' $EXT", "451", ""),
    ])
    func `a filter before it sees the message first`(
        line: String, reply: String, body: String
    ) throws {
        try popDefault("| \(line)\n")
        let answer = try agent.reply("carol@pop.test")
        #expect(answer.hasPrefix(reply), "\(answer)")
        let maildir = "\(VirtualHost.pop)/carol/Maildir"
        #expect(host.messages(in: maildir).count == (body.isEmpty ? 0 : 1))
        guard !body.isEmpty, let name = host.messages(in: maildir).first else { return }
        let text = String(
            decoding: try host.tree.folder.read("\(maildir)/new/\(name)"), as: UTF8.self)
        #expect(text.hasSuffix("\n\n\(body)"), "\(text)")
    }

    @Test func `what was done is not done again, and a loop ends`() throws {
        try popDefault("./archive/\n| vdelivermail '' bounce-no-mailbox\n")
        try host.makeMaildir("\(VirtualHost.pop)/archive")
        try host.giveToOwner()
        let result = try agent.result("new@pop.test")
        #expect(result.reply.code == 451)
        #expect(host.messages(in: "\(VirtualHost.pop)/archive").isEmpty)
        #expect(try agent.reply("nobody@pop.test").hasPrefix("550"))
        #expect(host.messages(in: "\(VirtualHost.pop)/archive").count == 1)
        let mark = "Delivered-To: pop.test-carol@pop.test\nSubject: x\n\nhi\n"
        #expect(try agent.reply("carol@pop.test", text: mark).hasPrefix("554 5.4.6"))
        let old = "Delivered-To: carol@pop.test\nSubject: x\n\nhi\n"
        #expect(try agent.reply("carol@pop.test", text: old).hasPrefix("250"))
    }

    @Test func `a database that is damaged waits, though the program is there`() throws {
        try popDefault("| \(try makeProgram()) '' bounce-no-mailbox\n")
        try host.tree.folder.write(
            "\(VirtualHost.pop)/vpasswd.cdb", constantDatabase([("carol", "x")]))
        try host.giveToOwner()
        #expect(try agent.reply("carol@pop.test").hasPrefix("451 4.3.0"))
        try host.tree.folder.write("\(VirtualHost.pop)/vpasswd.cdb", "not a cdb")
        try host.giveToOwner()
        #expect(try agent.reply("carol@pop.test").hasPrefix("451 4.3.0"))
        unlink("\(host.tree.domain("pop.test"))/vpasswd.cdb")
        #expect(try agent.reply("carol@pop.test").hasPrefix("250"))
    }
}
