// Mail for vmailmgr's users where vdeliver is not installed.
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import TestSupport
import Testing

@testable import Delivery
@testable import Recipients

/// What RCPT takes for a user of vmailmgr is delivered to him, row by row.
@Suite struct VmailmgrDeliveryTests {
    private let host: VirtualHost
    private let agent: VirtualDeliveries

    init() throws {
        host = try VirtualHost()
        agent = VirtualDeliveries(host)
    }

    private func count(_ name: String, of base: String = "base") -> Int {
        host.messages(in: "home/\(base)/users/\(name)").count
    }

    @Test(arguments: [
        ("two@virt.test", "250", "two"), ("TWO@Virt.Test", "250", "two"),
        ("old@virt.test", "250", "old"), ("sales@virt.test", "250", "two"),
        ("off@virt.test", "550 5.2.1", ""), ("expired@virt.test", "550 5.2.1", ""),
        ("full@virt.test", "552 5.2.3", ""), ("bad@virt.test", "451 4.3.0", ""),
        ("nobody@virt.test", "550 5.1.1", ""), ("two-ext@virt.test", "550 5.1.1", ""),
        ("+@virt.test", "550 5.1.1", ""),
    ])
    func `a user's mail is where vdeliver would put it`(
        address: String, reply: String, folder: String
    ) throws {
        let line = try agent.reply(address)
        #expect(line.hasPrefix(reply), "\(line)")
        #expect(folder.isEmpty || count(folder) == 1)
        #expect(folder == "two" || count("two") == 0)
    }

    @Test(arguments: [
        ("sent@virt.test", ["a@b.test"]), ("both@virt.test", ["a@virt.test", "b@x.test"]),
        ("two@virt.test", []),
    ])
    func `mail is sent on by the record`(address: String, forwards: [String]) throws {
        #expect(try agent.forwards(address) == forwards)
        #expect(count("both") == (address.hasPrefix("both") ? 1 : 0))
    }

    @Test func `the user + takes all others, and extensions come before him`() throws {
        #expect(try agent.reply("any-ext@all.test").hasPrefix("250"))
        #expect(count("all", of: "all") == 1)
        try host.tree.control("extensions", "-\n")
        #expect(try agent.reply("two-ext@virt.test").hasPrefix("250"))
        #expect(count("two") == 1)
    }

    private func script(_ name: String, _ text: String) throws {
        try host.tree.folder.write(
            "home/base/.vmailmgr/\(name)", "#!/bin/sh\n\(text)\n", mode: 0o755)
        try host.giveToOwner()
    }

    @Test func `scripts before and after it know whose mail it is`() throws {
        try script("vdeliver-predeliver", "echo \"$VUSER $VUSER_HARDQUOTA\" > pre")
        try script("vdeliver-postdeliver", "ls \"$MAILDIR/new\" > post; exit 100")
        #expect(try agent.reply("two@virt.test").hasPrefix("250"))
        #expect(try host.tree.folder.read("home/base/pre") == Array("two 4294967295\n".utf8))
        #expect(try !host.tree.folder.read("home/base/post").isEmpty)
    }

    @Test(arguments: [("exit 100", "554"), ("exit 111", "451"), ("exit 99", "250")])
    func `a script before it decides`(text: String, reply: String) throws {
        try script("vdeliver-predeliver", text)
        #expect(try agent.reply("two@virt.test").hasPrefix(reply))
        #expect(count("two") == 0)
        try host.tree.dotQmail("base", "-default", "| vdeliver --no-predeliver\n")
        try host.giveToOwner()
        #expect(try agent.reply("two@virt.test").hasPrefix("250"))
    }

    @Test func `without a table or with an option of its own it is the program's`() throws {
        try host.tree.dotQmail("base", "-default", "| /nonexistent/vdeliver -F\n")
        try host.giveToOwner()
        #expect(try agent.reply("two@virt.test").hasPrefix("451 4.3.0"))
        try host.tree.dotQmail("base", "-default", "| vdeliver\n")
        try host.giveToOwner()
        unlink("\(host.tree.home("base"))/passwd.cdb")
        #expect(try agent.reply("two@virt.test").hasPrefix("451 4.3.0"))
        #expect(count("two") == 0)
    }
}
