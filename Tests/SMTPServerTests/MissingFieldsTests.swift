// Tests of MissingFields.
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import SMTPServer

@Suite struct MissingFieldsTests {
    private static let id = SessionID(microseconds: 1, random: 2).message(1)

    private func added(hasDate: Bool, hasMessageID: Bool) -> String {
        let edits = MissingFields(hasDate: hasDate, hasMessageID: hasMessageID)
            .edits(id: MissingFieldsTests.id, host: "mx.example.test", time: 1_795_472_000)
        return String(decoding: edits.overlay.top, as: UTF8.self)
    }

    @Test func `what a user's message lacks is added, and nothing else`() {
        let date = "Date: 23 Nov 2026 22:13:20 -0000\n"
        let messageID = "Message-ID: <\(MissingFieldsTests.id)@mx.example.test>\n"
        #expect(added(hasDate: false, hasMessageID: false) == date + messageID)
        #expect(added(hasDate: true, hasMessageID: false) == messageID)
        #expect(added(hasDate: false, hasMessageID: true) == date)
        #expect(added(hasDate: true, hasMessageID: true).isEmpty)
    }
}
