// Tests of answers of auth-check as smtp-server reads them.
// auth-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel
import Testing

@testable import AuthProtocol

@Suite struct AuthReplyTests {
    private func fields(_ pairs: [(String, String)]) -> Fields {
        var fields = Fields()
        for (name, value) in pairs { fields.append(name, value) }
        return fields
    }

    private func reply(_ pairs: [(String, String)]) -> AuthReply? { try? AuthReply(fields(pairs)) }

    private func mechanisms(_ pairs: [(String, String)]) -> [AuthMechanism]? {
        try? AuthClient.mechanisms(fields(pairs))
    }

    @Test(arguments: [
        (user: "anna", isRead: true), ("anna m\u{FC}ller@a.test", true), ("", false),
        ("anna\n", false), ("an\r\nna", false), ("an\0na", false), ("anna\u{7F}", false),
    ])
    func `a user has no control characters`(user: String, isRead: Bool) {
        let read = reply([("chainmail", "1"), ("status", "accepted"), ("user", user)])
        #expect(read == (isRead ? .accepted(user: Array(user.utf8), final: nil) : nil))
    }

    @Test(arguments: [[], [("chainmail", "2")], [("chainmail", "")]] as [[(String, String)]])
    func `another version is not understood`(version: [(String, String)]) {
        #expect(reply(version + [("status", "accepted"), ("user", "anna")]) == nil)
        #expect(reply(version + [("status", "refused"), ("reason", "credentials")]) == nil)
        let mechanisms = [("status", "mechanisms"), ("mechanism", "PLAIN")]
        #expect(self.mechanisms(version + mechanisms) == nil)
        #expect(self.mechanisms([("chainmail", "1")] + mechanisms) == [.plain])
    }
}
