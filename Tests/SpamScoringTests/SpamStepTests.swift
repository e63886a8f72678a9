// spam-check as a step of a complete server.
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct SpamStepTests {
    @Test func `a session goes by what spam-check says, and spamd sees our trace field once`()
        throws
    {
        let spamd = try FakeSpamServer(
            .replies { request in
                Answer.spamd(
                    request.contains("pills") ? "20.0" : request.contains("casino") ? "7.0" : "1.0")
            })
        let server = try TestServer()
        try server.keepSteps([])
        try server.step(
            "45-spam-check",
            "run spam-check --spamd \(spamd.address) --reject 15\ntimeout 80s\nworkers 1 2\n")
        try server.start()
        let session = try server.connect()
        let replies = try ["pills", "casino", "lunch"].map { subject in
            try session.send(
                from: "someone@pass.test", to: ["alice@example.test"],
                "X-Spam-Flag: NO\nSubject: \(subject)\n\ntext\n")
        }
        #expect(replies[0] == "554 5.7.1 the message is taken for spam")
        #expect(replies[1].hasPrefix("250 "), "\(server.log)")
        #expect(replies[2].hasPrefix("250 "))
        var messages: [String] = []
        let areThere = eventually {
            messages = server.messages(of: "alice").map { String(decoding: $0, as: UTF8.self) }
            return messages.count == 2
        }
        #expect(areThere, "\(server.log)")
        for message in messages {
            let isSpam = message.contains("Subject: casino")
            #expect(message.contains("\nX-Spam-Flag: YES\nX-Spam-Status: Yes, ") == isSpam)
            #expect(message.contains("X-Spam-Flag: NO") == false)
            #expect(message.contains("X-Spam-Status: No, score=1.0 required=5.0") != isSpam)
        }
        let shown = spamd.requests.compactMap { $0.split(separator: "\r\n\r\n").last }
        #expect(shown.count == 3)
        for message in shown {
            #expect(message.hasPrefix("Received: from client.example.test ("))
            #expect(message.split(separator: "Received: from ").count == 1, "\(message)")
        }
    }
}
