// queue-manager, deliver-remote and hosts that do what a test tells them, together.
// RFC 5321, section 4.5.4; delivery-protocol(7).
// SPDX-License-Identifier: MIT

import Control
import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

/// What a host does at a step to its first client; to all others it is polite.
private struct HostTrouble {
    var step: String
    var action: StubAction
    /// Where `r1` ends after the first try.
    var first: DeliveryOutcome
    /// How many times the host has the message in the end.
    var copies = 1
    /// True where the first client's recipient `r2` is treated as `r1`.
    var isForAll = true
}

@Suite struct RemoteSeamTests {
    private static let troubles: [HostTrouble] = {
        let reached = [
            "greeting", "EHLO mail.test", "MAIL FROM:<alice@local.test>", "DATA", "message",
        ]
        var all: [HostTrouble] = []
        for step in reached {
            for action in [StubAction.close, .hang, .replyAndClose("421 4.3.2 going down")] {
                all.append(HostTrouble(step: step, action: action, first: .deferred))
            }
        }
        for step in ["MAIL FROM:<alice@local.test>", "DATA", "."] {
            // Of a final dot the stub takes note before it answers.
            let seen = step == "." ? 1 : 0
            all.append(
                HostTrouble(
                    step: step, action: .reply("451 4.3.0 later"), first: .deferred,
                    copies: 1 + seen))
            all.append(
                HostTrouble(
                    step: step, action: .reply("554 5.7.1 no"), first: .failed, copies: seen))
        }
        // Nobody knows whether it was taken.
        for action in [StubAction.close, .hang, .bytes([0])] {
            all.append(HostTrouble(step: ".", action: action, first: .deferred, copies: 2))
        }
        // A reply that ends the session, and one too many, are replies.
        all.append(
            HostTrouble(step: ".", action: .replyAndClose("250 2.0.0 taken"), first: .delivered))
        all.append(
            HostTrouble(
                step: ".", action: .reply("250 2.0.0 taken\r\n421 4.4.2 late"),
                first: .delivered))
        for (reply, outcome, copies) in [
            ("550 5.1.1 nobody", DeliveryOutcome.failed, 1), ("451 4.2.1 later", .deferred, 2),
        ] {
            all.append(
                HostTrouble(
                    step: "RCPT TO:<r1@DOMAIN>", action: .reply(reply), first: outcome,
                    copies: copies, isForAll: false))
        }
        return all
    }()

    @Test func `whatever hosts do, each recipient ends as it must and no message is lost`() throws {
        let folder = try TestFolder()
        let root = Root(folder.path)
        let troubles = RemoteSeamTests.troubles
        var routes = ""
        var servers: [SMTPStub] = []
        for (number, trouble) in troubles.enumerated() {
            let step = trouble.step.replacing("DOMAIN", with: "d\(number).test")
            let server = try SMTPStub {
                ($0 == step || $0.hasPrefix("\(step) ")) && $1 == 1 ? trouble.action : nil
            }
            servers.append(server)
            routes += "d\(number).test:127.0.0.1:\(server.port)\n"
        }
        for (name, text) in [
            "me": "mail.test\n", "locals": "local.test\n", "smtproutes": routes,
            "resolver": "127.0.0.1:9\n", "timeoutremote": "2\n",
        ] {
            try folder.write("etc/control/\(name)", text)
        }
        try folder.write("run/.keep", "")
        let spool = try Spool("\(root.spool)/queue", makes: true)
        for number in troubles.indices {
            // No report, so that the queue is empty in the end.
            let mailboxes = try ["r1", "r2"].map {
                try Mailbox(Array("\($0)@d\(number).test".utf8))
            }
            var envelope = Envelope(reversePath: try ReversePath(Array("alice@local.test".utf8)))
            for mailbox in mailboxes { envelope.append(mailbox, RecipientOptions(notify: .never)) }
            let submission = Samples.submission(envelope, id: Samples.id(UInt32(number + 1)))
            try spool.accept(
                submission, bytes: Samples.text, submitter: "1 0", now: WallClock.microseconds)
        }
        let agent = try Service(
            try Tool(
                "deliver-remote",
                ["--root", folder.path, "--serve", root.socket("deliver-remote")]),
            log: folder.file("agent.log"))
        let tool = try Tool("queue-manager", ["--root", folder.path])
        var manager = try Service(tool, log: folder.file("log"))
        func lines() -> [Substring] { manager.log.split(separator: "\n") }
        func ends(_ recipient: String) -> [DeliveryOutcome] {
            lines().filter { $0.contains("to=<\(recipient)>") }.compactMap { line in
                DeliveryOutcome.allCases.first { line.contains("event=\($0.rawValue) ") }
            }
        }
        let isTried = eventually {
            lines().count { $0.contains("to=<") } >= 2 * troubles.count
        }
        #expect(isTried)
        // The next one has only the queue to know it from, and no host that it leaves alone.
        #expect(try manager.stop() == .exited(0))
        manager = try Service(tool, log: folder.file("log"))
        manager.process.signal(SIGALRM)
        let isEmpty = eventually {
            lines().count { $0.contains("event=finished") } >= troubles.count
        }
        #expect(isEmpty)
        for (number, trouble) in troubles.enumerated() {
            let what: Comment = "\(trouble.step) \(trouble.action)"
            let first = ends("r1@d\(number).test")
            #expect(first.first == trouble.first, what)
            #expect(first.last == (trouble.first == .failed ? .failed : .delivered), what)
            let second = ends("r2@d\(number).test")
            #expect(second == (trouble.isForAll ? first : [.delivered]), what)
            // A lone dot ends what begins although nobody was accepted: RFC 2920, section 3.1.
            let copies = servers[number].messages.filter { !$0.isEmpty }
            #expect(copies.count == trouble.copies, what)
        }
        #expect(try manager.stop() == .exited(0))
        #expect(try agent.stop() == .exited(0))
    }
}
