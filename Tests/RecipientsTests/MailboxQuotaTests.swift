// Quotas and endpoints as they are written.
// SPDX-License-Identifier: MIT

import MailModel
import Recipients
import Testing

@Suite struct MailboxQuotaTests {
    @Test(arguments: [
        ("NOQUOTA", "NOQUOTA"), ("noquota", "NOQUOTA"), ("1000", "1000S"), ("1000S", "1000S"),
        ("10MB", "10485760S"), ("5KB", "5120S"), ("1GB", "1073741824S"), ("2m,7C", "2097152S,7C"),
        ("7C,1k", "1024S,7C"), ("9223372036854775807GB", "9223372036854775807S"),
    ])
    func `a quota is read and printed as maildirsize has it`(text: String, printed: String) {
        #expect(MailboxQuota(exactly: text.utf8)?.description == printed)
    }

    @Test(arguments: [
        "", "0", "10 MB", "10XB", "-1", "1000S,", ",", "1S,2S", "1C,2C", "C", "1.5MB",
        "99999999999999999999", "NOQUOTA,1C",
    ])
    func `a slip of the pen is no quota`(text: String) {
        #expect(MailboxQuota(exactly: text.utf8) == nil)
    }

    @Test func `a mailbox may be filled to its quota, and no further`() {
        let quota = MailboxQuota(bytes: 100, messages: 2)
        #expect(quota.admits(MaildirUsage(bytes: 100, messages: 2)))
        #expect(!quota.admits(MaildirUsage(bytes: 101, messages: 2)))
        #expect(!quota.admits(MaildirUsage(bytes: 100, messages: 3)))
        #expect(!quota.admits(MaildirUsage(bytes: .max) + MaildirUsage(bytes: .max)))
    }
}

@Suite struct LMTPEndpointTests {
    @Test(arguments: [
        ("unix:/run/dovecot/lmtp", "unix:/run/dovecot/lmtp"),
        ("inet:mail.test:2003", "inet:mail.test:2003"),
        ("inet:mail.test", "inet:mail.test:24"),
        ("inet:192.0.2.1:24", "inet:192.0.2.1:24"),
        ("inet:[2001:db8::1]", "inet:[2001:db8::1]:24"),
        ("inet:[2001:db8::1]:2003", "inet:[2001:db8::1]:2003"),
    ])
    func `an endpoint is read and printed`(text: String, printed: String) {
        #expect(LMTPEndpoint(text)?.description == printed)
    }

    @Test(arguments: [
        "", "lmtp:unix:/a", "unix:", "unix:run/lmtp", "inet:", "inet::24",
        "inet:a:0", "inet:a:65536", "inet:a:x", "inet:a:", "inet:a b:24",
        "inet:2001:db8::1", "inet:[x]:24", "inet:[::1]24", "tcp:a", "/run/lmtp",
    ])
    func `what is no endpoint is nil`(text: String) {
        #expect(LMTPEndpoint(text) == nil)
    }
}
