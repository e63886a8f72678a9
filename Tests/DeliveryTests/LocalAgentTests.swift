// Delivery to mailboxes, as the resident agent does it.
// SPDX-License-Identifier: MIT

import Control
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import Delivery

@Suite struct LocalAgentTests {
    private let folder: TestFolder
    private let root: Root

    init() throws {
        folder = try TestFolder()
        root = try makeRoot(
            folder,
            [
                "mailboxes": """
                alice@y.test
                bob@y.test \(folder.path)/bob
                no/good@y.test blocked
                @rest.test rest
                """
            ])
        try folder.write("root/mail/blocked", "a file where a folder should be")
    }

    private func deliver(
        _ message: [UInt8], to recipients: [String], from sender: String = "sender@x.test",
        _ edits: [Edit] = []
    ) throws -> [DeliveryResult] {
        let stored = try StoredMessage(message)
        var agent = try LocalAgent(root)
        let request = try stored.request(recipients, from: sender, edits)
        return agent.deliver(request, stored.file.borrowed).results
    }

    /// The one message in a Maildir.
    private func delivered(_ maildir: String) throws -> [UInt8] {
        let names = folder.names(in: "\(maildir)/new")
        #expect(names.count == 1)
        #expect(folder.names(in: "\(maildir)/tmp").isEmpty)
        let content = try folder.read("\(maildir)/new/\(try #require(names.first))")
        #expect(names.first?.hasSuffix(",S=\(content.count)") == true)
        return content
    }

    @Test func `trace fields, edits and message come in this order`() throws {
        let message = "Return-Path: <forged@x.test>\nReceived: old\nX-Drop: 1\n\nbody \0\r\n."
        let results = try deliver(
            bytes(message), to: ["alice@y.test"],
            [
                .prepend(try field("Received", "by us")), .remove(name: bytes("x-drop")),
                .prepend(try field("Received-SPF", "pass")),
            ])
        #expect(results.map(\.outcome) == [.delivered])
        #expect(
            try delivered("root/mail/y.test/alice/Maildir")
                == bytes(
                    """
                    Return-Path: <sender@x.test>
                    Delivered-To: alice@y.test
                    Received-SPF: pass
                    Received: by us
                    Received: old

                    body \0
                    """) + bytes("\r\n."))
    }

    @Test(arguments: [
        "", "\n", "Subject: x", "Subject: x\n", "no header", "\n\nbody", "A: b\n\n\u{1}",
    ])
    func `any message comes through byte for byte`(_ text: String) throws {
        #expect(try deliver(bytes(text), to: ["bob@y.test"], from: "")[0].outcome == .delivered)
        let top = "Return-Path: <>\nDelivered-To: bob@y.test\n"
        #expect(try delivered("bob") == bytes(top + text))
    }

    @Test func `a long body comes through byte for byte`() throws {
        let body = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 / 255) }
        let message = bytes("Subject: x\n\n") + body
        #expect(try deliver(message, to: ["bob@y.test"])[0].outcome == .delivered)
        #expect(try delivered("bob").suffix(message.count) == message[...])
    }

    @Test func `each recipient has its own outcome, in order`() throws {
        let results = try deliver(
            bytes("Subject: x\n\n"),
            to: ["nobody@y.test", "alice@y.test", "no/good@y.test", "a@elsewhere.test"])
        #expect(results.map(\.outcome) == [.failed, .delivered, .deferred, .failed])
        #expect(results[0].reply.code == 550)
        #expect(results[0].reply.status == EnhancedStatus(5, 1, 1))
        #expect(results[2].reply.status == EnhancedStatus(4, 2, 0))
        #expect(!results[2].reply.text.contains("/"), "no path of ours for the sender")
    }

    @Test func `case does not matter, and the mailbox is written as it was given`() throws {
        #expect(try deliver(bytes("\n"), to: ["Alice@Y.test"])[0].outcome == .delivered)
        let content = try delivered("root/mail/y.test/alice/Maildir")
        #expect(String(decoding: content, as: UTF8.self).contains("Delivered-To: Alice@Y.test\n"))
    }

    @Test func `a message that was here already is looping`() throws {
        let message = bytes("Subject: x\nDelivered-To: alice@y.test\n\n")
        let results = try deliver(message, to: ["alice@y.test", "bob@y.test"])
        #expect(results.map(\.outcome) == [.failed, .delivered])
        #expect(results[0].reply.status == EnhancedStatus(5, 4, 6))
        #expect(folder.names(in: "root/mail/y.test/alice/Maildir/new").isEmpty)
    }

    @Test func `a loop is seen beyond the first piece and at the very end`() throws {
        let filler = bytes(String(repeating: "X-Filler: y\n", count: 20_000))
        let mark = bytes("Delivered-To: bob@y.test")
        for message in [filler + mark + bytes("\n\n"), filler + mark, mark] {
            #expect(try deliver(message, to: ["bob@y.test"])[0].reply.status.detail == 6)
        }
        #expect(folder.names(in: "bob/new").isEmpty)
        #expect(folder.names(in: "bob/tmp").isEmpty)
    }

    @Test func `a loop is seen although an edit removes the mark`() throws {
        let results = try deliver(
            bytes("Delivered-To: bob@y.test\n\n"), to: ["bob@y.test"],
            [.remove(name: bytes("Delivered-To"))])
        #expect(results[0].outcome == .failed)
    }

    @Test(
        arguments: [
            ("Subject: x\n\nDelivered-To: bob@y.test\n", "in the body"),
            ("Delivered-To: bob@y.test.au\n\n", "another mailbox"),
            ("X: y\n Delivered-To: bob@y.test\n\n", "a fold of another field"),
        ])
    func `what merely looks like a loop is delivered`(_ text: String, _ reason: String) throws {
        #expect(try deliver(bytes(text), to: ["bob@y.test"])[0].outcome == .delivered)
    }

    @Test(
        arguments: [
            "../bob@y.test", "a/../../b@y.test", "/etc/passwd@y.test", "..@rest.test",
            "../../x@rest.test", "alice@y.test/../z.test", "alice@../y.test", ".@y.test", "@y.test",
        ])
    func `no address leads out of the mail folder`(_ address: String) throws {
        let before = folder.names()
        let results = try deliver(bytes("\n"), to: [address])
        #expect(folder.names() == before)
        let made = folder.names(in: "root/mail")
        #expect(Set(made).isSubset(of: ["blocked", "rest"]))
        if results[0].outcome == .delivered {
            #expect(folder.names(in: "root/mail/rest/new").count == 1)
        }
    }

    @Test func `mailboxes that cannot be read defer`() throws {
        let stored = try StoredMessage("\n")
        var agent = try LocalAgent(root)
        try folder.write("root/etc/control/mailboxes", "this is not a mailbox\n")
        // The file is looked at once a second.
        let request = try stored.request(["nobody@y.test"])
        var result = agent.deliver(request, stored.file.borrowed).results[0]
        _ = eventually {
            result = agent.deliver(request, stored.file.borrowed).results[0]
            return result.outcome == .deferred
        }
        #expect(result.reply.status == EnhancedStatus(4, 3, 5))
    }

    @Test func `a message that is cut short is deferred and nowhere to be seen`() throws {
        let stored = try StoredMessage("Subject: x\n\nbody\n")
        var request = try stored.request(["bob@y.test"])
        request.messageLength = 1_000_000
        var agent = try LocalAgent(root)
        let result = agent.deliver(request, stored.file.borrowed).results[0]
        #expect(result.outcome == .deferred)
        #expect(folder.names(in: "bob/new").isEmpty)
        #expect(folder.names(in: "bob/tmp").isEmpty)
    }
}
