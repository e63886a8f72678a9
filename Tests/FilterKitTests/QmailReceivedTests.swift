// Tests of QmailReceived: the one fact that may come from a message.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import FilterKit

struct QmailReceivedTests {
    @Test(arguments: [
        ("from mail.example (192.0.2.1)", "mail.example", "192.0.2.1"),
        ("from unknown (HELO foo) (192.0.2.1)", "foo", "192.0.2.1"),
        ("from mail.example (HELO foo) (joe@192.0.2.1)  by mx with SMTP", "foo", "192.0.2.1"),
        ("from mail.example (HELO foo) (a@b@2001:db8::1)", "foo", "2001:db8::1"),
    ])
    func `the forms of qmail-smtpd are read`(value: String, helo: String, address: String) throws {
        let trace = try #require(QmailReceived(Array(value.utf8)))
        #expect(trace.helo == Array(helo.utf8))
        #expect(trace.address == IPAddress(address))
    }

    @Test(arguments: [
        "", "from", "from a", "from a (HELO b", "from a (HELO b) c", "from a ()", "from a (b)",
        "by a (192.0.2.1)", "from a [192.0.2.1]", "from a (HELO b c) (192.0.2.1)",
        "from a (1.2.3.4@)", "(HELO x) (192.0.2.1)",
    ])
    func `any other form says nothing`(value: String) {
        #expect(QmailReceived(Array(value.utf8)) == nil)
    }
}
