// SPDX-License-Identifier: MIT

import MailModel
import RecipientValidation
import Testing

struct AddressSyntaxTests {
    @Test(
        arguments: [
            "bob@x.test", "a+b-c@x.test", "\"a b\"@x.test", "bob@[192.0.2.1]",
            "bob@[IPv6:2001:db8::1]", "bob@localhost",
            // Without its quotes, as in qmail's envelopes.
            "a b@x.test", "a..b@x.test", ".a@x.test", "a@b@x.test",
            // RFC 6531.
            "jürgen@x.test", "用户@例子.测试", "\"ü b\"@x.test", "bob@bücher.test",
            String(repeating: "x", count: 64) + "@x.test",
            // 63 characters of a label are fewer bytes in the DNS.
            "a@" + String(repeating: "ü", count: 40) + ".test",
        ])
    func `valid`(address: String) throws {
        #expect(AddressSyntax.isValid(try Mailbox(Array(address.utf8))))
    }

    @Test(
        arguments: [
            "bob", "@x.test", "bob@", "bob@-x.test", "bob@x-.test", "bob@x..test", "bob@.x.test",
            "bob@x.test.", "bob@x_y.test", "b\u{1}b@x.test", "bob@[192.0.2.256]", "bob@[x]",
            "bob@[192.0.2.1", "bob@x test", String(repeating: "x", count: 65) + "@x.test",
            String(repeating: "ü", count: 33) + "@x.test",
            "bob@" + String(repeating: "x", count: 64),
            "ü@", "ü@-x.test", "ü\u{1}@x.test", "bob@ü..test",
        ])
    func `not valid`(address: String) throws {
        #expect(!AddressSyntax.isValid(try Mailbox(Array(address.utf8))))
    }

    @Test(arguments: [[0x62, 0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80]] as [[UInt8]])
    func `bytes that are no UTF-8 are not valid`(bytes: [UInt8]) throws {
        #expect(!AddressSyntax.isValid(try Mailbox(bytes + Array("@x.test".utf8))))
        #expect(!AddressSyntax.isValid(try Mailbox(Array("bob@".utf8) + bytes)))
    }

    @Test func `qmail's own senders are known`() throws {
        for (text, isOwn) in [("#@[]", true), ("list-return-@[]", true), ("bob@[]", false)] {
            #expect(AddressSyntax.isQmailSender(try Mailbox(Array(text.utf8))) == isOwn)
        }
    }
}
