// Postfix alone, as other tests use it.
// SPDX-License-Identifier: MIT

import Glibc
import TestSupport
import Testing
import UnixIO

@Suite(.enabled(if: getuid() == 0, "Postfix starts only as root")) struct PostfixServerTests {
    @Test func `Postfix takes a message by SMTP and one of sendmail, and delivers both`() throws {
        let postfix = try PostfixServer()
        let reply = try postfix.connect()
            .send(from: "s@x.test", to: ["alice@y.test"], "Subject: one\n\nhi\n")
        #expect(reply.hasPrefix("250 "), "\(postfix.log)")
        let message = try #require(try postfix.messages(of: "alice", count: 1).first)
        #expect(String(decoding: message, as: UTF8.self).hasSuffix("\nSubject: one\n\nhi\n"))
        try postfix.sendmail(["-f", "s@x.test", "bob@y.test"], "Subject: two\n\nhi\n")
        #expect(try postfix.messages(of: "bob", count: 1).count == 1)
        #expect(eventually { postfix.waiting.isEmpty }, "\(postfix.log)")
    }

    @Test func `a mailbox that is not there is refused`() throws {
        let postfix = try PostfixServer(main: ["soft_bounce": "no"])
        let reply = try postfix.connect()
            .send(from: "s@x.test", to: ["nobody@y.test"], "Subject: one\n\nhi\n")
        #expect(reply.hasPrefix("550 5.1.1 "))
    }
}
