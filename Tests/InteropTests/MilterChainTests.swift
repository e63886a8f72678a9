// milter-chain with Postfix: each verdict at each stage, and each edit.
// milter-chain(8), filters.d(5).
// SPDX-License-Identifier: MIT

import Glibc
import MailModel
import TestSupport
import Testing
import UnixIO

@Suite(.enabled(if: getuid() == 0, "Postfix starts only as root")) struct MilterChainTests {
    /// Refusals at each stage: what is sent, and what Postfix answers.
    @Test func `each stage refuses at its moment, with its own words`() throws {
        let chain = try MilterChain(
            rules: [
                "10-helo helo": "helo /^bad/ reject 554 5.7.1 bad greeting, 100% sure\n"
                    + "helo /^later/ defer 450 4.7.1 greet later\n",
                "20-mail mail": "sender /^bad/ reject 553 5.1.8 bad sender\n"
                    + "sender /^later/ defer 450 4.1.8 sender later\n",
                "30-rcpt rcpt": "recipient /^nobody/ reject 550 5.1.1 no such mailbox\n"
                    + "recipient /^full/ defer 452 4.2.2 mailbox full\n",
                "40-data data": "sender /^data/ reject 554 5.7.1 no data of yours\n",
                "50-message message": "header:Subject /bad/ reject 550 5.7.1 bad subject\n"
                    + "header:Subject /later/ defer 451 4.7.1 subject later\n",
            ], mailboxes: ["alice", "nobody", "full"])
        let text = "Subject: hello\n\nhi\n"
        #expect(
            try chain.send(text, helo: "bad.x.test") == "554 5.7.1 bad greeting, 100% sure",
            "\(chain.postfix.log)")
        #expect(try chain.send(text, helo: "later.x.test") == "450 4.7.1 greet later")
        #expect(try chain.send(text, from: "bad@x.test") == "553 5.1.8 bad sender")
        #expect(try chain.send(text, from: "later@x.test") == "450 4.1.8 sender later")
        #expect(try chain.send(text, to: ["alice", "nobody"]) == "550 5.1.1 no such mailbox")
        #expect(try chain.send(text, to: ["full"]) == "452 4.2.2 mailbox full")
        #expect(try chain.send(text, from: "data@x.test") == "554 5.7.1 no data of yours")
        #expect(try chain.send("Subject: bad\n\nhi\n") == "550 5.7.1 bad subject")
        #expect(try chain.send("Subject: later\n\nhi\n") == "451 4.7.1 subject later")
        #expect(try chain.send(text).hasPrefix("250 2.0.0 Ok"))
        #expect(try chain.message(of: "alice") == text)
    }

    @Test func `a client is refused when it connects`() throws {
        let chain = try MilterChain(
            rules: [
                "10-connect connect": "client /^192\\.0\\.2\\./ reject 554 5.7.1 not from there\n"
            ], main: ["smtpd_authorized_xclient_hosts": "127.0.0.0/8"])
        let conversation = try chain.postfix.connect()
        // Postfix refuses in its own words, and logs ours.
        let greeting = try conversation.say("XCLIENT ADDR=192.0.2.7 NAME=bad.x.test")
        #expect(greeting.hasPrefix("554 "), "\(chain.postfix.log)")
        #expect(eventually { chain.postfix.log.contains("5.7.1 not from there") })
    }

    @Test func `of several recipients one is refused, one deferred, one dropped`() throws {
        let chain = try MilterChain(
            rules: [
                "30-rcpt rcpt": "recipient /^bob/ reject 550 5.1.1 no such mailbox\n"
                    + "recipient /^carol/ defer 452 4.2.2 mailbox full\nrecipient /^trap/ discard\n"
            ], mailboxes: ["alice", "bob", "carol", "trap"])
        let conversation = try chain.postfix.connect()
        try conversation.say("MAIL FROM:<a@x.test>")
        #expect(try conversation.say("RCPT TO:<alice@y.test>").hasPrefix("250"))
        #expect(try conversation.say("RCPT TO:<bob@y.test>") == "550 5.1.1 no such mailbox")
        #expect(try conversation.say("RCPT TO:<carol@y.test>") == "452 4.2.2 mailbox full")
        #expect(try conversation.say("RCPT TO:<trap@y.test>").hasPrefix("250"))
        #expect(try conversation.say("DATA").hasPrefix("354"))
        #expect(try conversation.sendData("Subject: x\n\nhi\n").hasPrefix("250"))
        #expect(try chain.message(of: "alice") == "Subject: x\n\nhi\n")
        #expect(eventually { chain.postfix.waiting.isEmpty })
        for other in ["bob", "carol", "trap"] {
            #expect(chain.postfix.messages(of: other).isEmpty)
        }
    }

    @Test(arguments: ["mail", "data", "message"])
    func `a message that is discarded is accepted and gone`(_ stage: String) throws {
        let chain = try MilterChain(rules: ["10-step \(stage)": "sender /^trash/ discard\n"])
        let text = "Subject: x\n\nhi\n"
        #expect(try chain.send(text, from: "trash@x.test").hasPrefix("250"))
        #expect(try chain.send(text, to: ["bob"]).hasPrefix("250"))
        #expect(try chain.message(of: "bob") == text)
        #expect(eventually { chain.postfix.waiting.isEmpty })
        #expect(chain.postfix.messages(of: "alice").isEmpty)
        #expect(chain.log.contains("stage=\(stage) verdict=discard"))
    }

    @Test func `a message all of whose recipients are dropped is gone`() throws {
        let chain = try MilterChain(rules: ["10-step rcpt": "recipient /^alice/ discard\n"])
        #expect(try chain.send("Subject: x\n\nhi\n").hasPrefix("250"))
        #expect(eventually { chain.postfix.waiting.isEmpty })
        #expect(chain.postfix.messages(of: "alice").isEmpty)
    }

    @Test func `fields come and go, and what only we may write goes`() throws {
        let chain = try MilterChain(rules: [
            "10-mail mail": "sender /./ tag X-First: 1\n",
            "20-message message": "header:Subject /x/ tag X-Second: a longer value\n"
                + "header:Subject /x/ remove X-Private\nheader:Subject /x/ remove Received\n",
        ])
        let kept = "Subject:x\nX-Other:  two blanks\nX-Empty:\nX-Folded: a\n\tb\n  c\n"
        let message =
            "Received: from a by b; now\nX-Private: 1\nX-Chainmail-Verdict: accept\n\(kept)"
            + "x-private: 2\n folded\nReceived: from c by d;\n\tnow\nX-PRIVATE:3\n\nhi\n"
        #expect(try chain.send(message).hasPrefix("250"))
        let got = try chain.message(of: "alice")
        #expect(got == "X-Second: a longer value\nX-First: 1\n\(kept)\nhi\n")
    }

    @Test func `recipients and the reverse-path change`() throws {
        let chain = try MilterChain(
            rules: [
                "10-message message": "header:Subject /elsewhere/ redirect carol@y.test\n"
                    + "header:Subject /copy/ add bob@y.test\n"
            ])
        #expect(
            try chain.send("Subject: elsewhere\n\nhi\n", to: ["alice", "bob"]).hasPrefix("250"))
        #expect(try chain.message(of: "carol") == "Subject: elsewhere\n\nhi\n")
        #expect(try chain.send("Subject: copy\n\nhi\n").hasPrefix("250"))
        #expect(try chain.message(of: "alice") == "Subject: copy\n\nhi\n")
        #expect(try chain.message(of: "bob") == "Subject: copy\n\nhi\n")
    }

    @Test func `another body and another header take the place of the old`() throws {
        let chain = try MilterChain(steps: [
            "50-rewrite": """
            #!/bin/sh
            sed -e 's/^Subject: old/Subject: new/' -e '/^X-Gone:/d' \
                -e '/^X-Last/a X-Appended: yes' -e 's/^body$/other body/'

            """
        ])
        let message =
            "X-Gone: 1\nX-A: 1\nSubject: old\nX-A: 2\nX-Gone: 2\nX-Last: 3\n\nbody\n.dot\n"
        #expect(try chain.send(message).hasPrefix("250"))
        let got = try chain.message(of: "alice")
        #expect(
            got == "X-A: 1\nSubject: new\nX-A: 2\nX-Last: 3\nX-Appended: yes\n\nother body\n.dot\n")
    }

    @Test func `several messages of one connection are apart, whatever becomes of them`() throws {
        let chain = try MilterChain(rules: [
            "10-mail mail": "sender /^tagged/ tag X-Tagged: yes\n",
            "20-rcpt rcpt": "recipient /^bob/ reject 550 5.1.1 no\n",
            "30-message message": "header:Subject /bad/ reject 550 5.7.1 bad\n",
        ])
        let session = try chain.postfix.connect()
        try session.say("MAIL FROM:<tagged@x.test>")
        try session.say("RCPT TO:<carol@y.test>")
        try session.say("RSET")
        #expect(
            try session.send(from: "a@x.test", to: ["carol@y.test"], "Subject: bad\n\n1\n")
                == "550 5.7.1 bad")
        #expect(
            try session.send(from: "tagged@x.test", to: ["bob@y.test"], "Subject: x\n\n2\n")
                == "550 5.1.1 no")
        #expect(
            try session.send(from: "a@x.test", to: ["alice@y.test"], "Subject: x\n\n3\n")
                .hasPrefix("250"))
        #expect(
            try session.send(from: "tagged@x.test", to: ["carol@y.test"], "Subject: x\n\n4\n")
                .hasPrefix("250"))
        #expect(try chain.message(of: "alice") == "Subject: x\n\n3\n")
        #expect(try chain.message(of: "carol") == "X-Tagged: yes\nSubject: x\n\n4\n")
    }

    /// A step that answers with these edits.
    private static func step(_ edits: [Edit], in folder: TestFolder) throws -> String {
        let record = try folder.write("record", FilterReply(.accept(edits)).fields.frame)
        return "run /bin/sh -c \"cat \(record) >&4\"\nworkers 0\n"
    }

    @Test func `a message that is held is on hold in Postfix`() throws {
        let folder = try TestFolder()
        let chain = try MilterChain(steps: ["10-hold": try Self.step([.hold], in: folder)])
        #expect(try chain.send("Subject: x\n\nhi\n").hasPrefix("250"))
        let id = try #require(chain.postfix.held.first)
        #expect(chain.log.contains("verdict=accept") && chain.log.contains("message=\(id)"))
        #expect(chain.postfix.messages(of: "alice").isEmpty)
    }

    @Test func `the reverse-path changes`() throws {
        let folder = try TestFolder()
        let edits = [Edit.reversePath(.mailbox(try Mailbox(Array("other@x.test".utf8))))]
        let chain = try MilterChain(steps: ["10-path": try Self.step(edits, in: folder)])
        #expect(try chain.send("Subject: x\n\nhi\n").hasPrefix("250"))
        let message = try chain.postfix.messages(of: "alice", count: 1)[0]
        #expect(message.starts(with: Array("Return-Path: <other@x.test>\n".utf8)))
    }

    @Test func `a socket of a path is for a group, and Postfix finds it`() throws {
        let folder = try TestFolder()
        chmod(folder.path, 0o755)
        let chain = try MilterChain(
            rules: ["10-rcpt rcpt": "recipient /^bob/ reject 550 5.1.1 no\n"],
            options: [
                "--listen", folder.file("socket"), "--socket-group", PostfixServer.user,
            ], main: ["smtpd_milters": "unix:\(folder.file("socket"))"])
        let status = try #require(try Files.status(folder.file("socket")))
        #expect(status.st_mode & 0o777 == 0o660)
        #expect(try chain.send("Subject: x\n\nhi\n", to: ["bob"]) == "550 5.1.1 no")
    }

    @Test func `without its milter Postfix defers, and goes on when it is there again`() throws {
        let chain = try MilterChain(
            rules: ["10-rcpt rcpt": "recipient /^bob/ reject 550 5.1.1 no\n"],
            main: ["milter_default_action": "tempfail"])
        let session = try chain.postfix.connect()
        let worker = Processes.below(chain.service.process.pid).filter {
            Processes.commandLine(of: $0).contains("--worker --root")
        }
        for pid in worker { kill(pid, SIGKILL) }
        let reply = try session.send(from: "a@x.test", to: ["alice@y.test"], "Subject: x\n\nhi\n")
        #expect(reply.hasPrefix("4"), "\(reply)")
        #expect(try chain.send("Subject: x\n\nhi\n", to: ["bob"]) == "550 5.1.1 no")
        #expect(try chain.send("Subject: x\n\nhi\n").hasPrefix("250"))
    }

    @Test func `recipients that Postfix itself refuses count as failures`() throws {
        let folder = try TestFolder()
        let limit = "client failures 2/1h defer too many failures"
        let chain = try MilterChain(steps: [
            "10-throttle": "run throttle --store \(folder.path) --limit \"\(limit)\"\n"
                + "stage rcpt\nreport failures\nworkers 1 2\n"
        ])
        let session = try chain.postfix.connect()
        try session.say("MAIL FROM:<a@x.test>")
        #expect(try session.say("RCPT TO:<alice@y.test>").hasPrefix("250"))
        for name in ["one", "two"] {
            #expect(try session.say("RCPT TO:<\(name)@y.test>").hasPrefix("550 5.1.1 "))
        }
        #expect(try session.say("RCPT TO:<bob@y.test>") == "451 4.7.1 too many failures")
    }

    @Test func `mail of local users is judged, too`() throws {
        let chain = try MilterChain(
            rules: ["10-message message": "header:Subject /x/ tag X-Seen: yes\n"],
            main: ["non_smtpd_milters": "$smtpd_milters"])
        try chain.postfix.sendmail(["-f", "a@x.test", "alice@y.test"], "Subject: x\n\nhi\n")
        #expect(try chain.message(of: "alice").contains("X-Seen: yes\n"))
    }
}
