// Tests of ReversePath and Mailbox.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

struct ReversePathTests {
    @Test func `a null reverse-path prints as <>`() throws {
        let path = try ReversePath([UInt8]())
        #expect(path.isNull)
        #expect(path.description == "<>")
        #expect(path.mailbox == nil)
    }

    @Test func `a double bounce's reverse-path is a mailbox, not null`() throws {
        let path = try ReversePath(Array("#@[]".utf8))
        #expect(!path.isNull)
        #expect(path.bytes == Array("#@[]".utf8))
    }

    @Test(
        arguments: [
            ("alice@example.test", "alice", "example.test"),
            ("a@b@example.test", "a@b", "example.test"),
            ("alice", "alice", nil),
            ("alice@", "alice", ""),
        ] as [(String, String, String?)])
    func `the last @ divides local-part and domain`(
        address: String, localPart: String, domain: String?
    ) throws {
        let mailbox = try Mailbox(Array(address.utf8))
        #expect(mailbox.localPart.elementsEqual(localPart.utf8))
        #expect(mailbox.domain.map(Array.init) == domain.map { Array($0.utf8) })
    }

    @Test func `an address of 1002 bytes passes and one of 1003 does not`() throws {
        #expect(try Mailbox([UInt8](repeating: 0x61, count: 1002)).bytes.count == 1002)
        #expect(throws: MailboxError.tooLong) {
            try Mailbox([UInt8](repeating: 0x61, count: 1003))
        }
    }

    @Test(arguments: [0, 0x0A, 0x0D] as [UInt8])
    func `an address with NUL, LF or CR is none`(byte: UInt8) {
        #expect(throws: MailboxError.forbiddenByte) { try Mailbox([0x61, byte, 0x62]) }
    }

    @Test func `what an address may do to a log line is undone`() throws {
        let mailbox = try Mailbox([0x61, 0x1B, 0x5B, 0xFF, 0x40, 0x62])
        #expect(mailbox.description == "a?[\u{FFFD}@b")
    }
}
