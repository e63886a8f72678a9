// milter-filter and spamass-milter.
// spamass-milter(1).
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct SpamassMilterTests {
    @Test func `ham gets fields and loses forged ones, and spam is refused`() throws {
        let milter = try SpamassMilter()
        func pass(_ message: String) throws -> ToolResult {
            var tool = try Tool(
                "milter-filter",
                [
                    "unix:\(milter.socket)", "--client-ip", "192.0.2.9", "--client-name",
                    "client.x.test", "--helo", "x.test", "--sender", "a@x.test", "--recipient",
                    "b@y.test",
                ])
            tool.message = Array(message.utf8)
            return try tool.run()
        }
        let ham = try pass("Subject: x\nX-Spam-Flag: forged\nTo: b@y.test\n\nhello\n")
        #expect(ham.code == 0, "\(ham.errors)")
        #expect(
            ham.text == """
                Subject: x
                To: b@y.test
                X-Spam-Status: No, score=0.1 required=5.0 tests=NONE

                hello

                """)
        let spam = try pass("Subject: x\n\nspamword\n")
        #expect(spam.code == 31)
        #expect(spam.errors.contains("550 5.7.1 Blocked by SpamAssassin"), "\(spam.errors)")
    }
}
