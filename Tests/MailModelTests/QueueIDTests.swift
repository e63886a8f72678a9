// Tests of SessionID and QueueID.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

struct QueueIDTests {
    @Test func `ids sort by time`() {
        let early = SessionID(microseconds: 1_700_000_000_000_000, random: .max).message(9)
        let late = SessionID(microseconds: 1_700_000_000_000_001, random: 0).message(1)
        #expect(early < late)
    }

    @Test func `an id reads back as it is printed`() {
        let id = SessionID(microseconds: 1_700_000_000_123_456, random: 12345).message(7)
        #expect(QueueID(Array(id.description.utf8)) == id)
        #expect(id.microseconds == 1_700_000_000_123_456)
        #expect(id.folder.utf8.count == 1)
    }

    @Test(arguments: [
        "", "../../../../etc/passwd", "0123456789abcdefghjkm", "0123456789abcdefghjkm-",
        "0123456789abcdefghjkm-01", "0123456789abcdefghjkm--1", "0123456789abcdefghjkm-1-1",
        "0123456789abcdefghjkm-4294967296", "0123456789abcdefghjki-1", "0123456789ABCDEFGHJKM-1",
        "0123456789abcdefghjk/-1",
    ])
    func `what is no id is refused, since ids are file names`(text: String) {
        #expect(QueueID(Array(text.utf8)) == nil)
    }
}
