// What is read from a reply to EHLO.
// SPDX-License-Identifier: MIT

import SMTPClient
import SMTPProtocol
import Testing

@Suite struct ServerExtensionsTests {
    private func extensions(_ lines: String...) -> ServerExtensions {
        ServerExtensions(SMTPReply(250, nil, lines: ["host.test PIPELINING"] + lines))
    }

    @Test func `the first line is a name, not an extension`() {
        #expect(extensions() == ServerExtensions())
    }

    @Test func `keywords have no case`() {
        let found = extensions("pipelining", "8bitMIME", "Size 1000")
        #expect(found.pipelining)
        #expect(found.eightBitMIME)
        #expect(found.size)
        #expect(found.maximumSize == 1000)
    }

    @Test(
        arguments: [
            ("SIZE", "no limit is told"), ("SIZE 0", "no limit"), ("SIZE x", "nonsense"),
            ("SIZE 99999999999999999999", "beyond any number"), ("SIZE -1", "no sign"),
        ])
    func `a SIZE without a number is no limit`(_ line: String, _ reason: String) {
        let found = extensions(line)
        #expect(found.size)
        #expect(found.maximumSize == nil)
    }

    @Test func `words that begin like an extension are not it`() {
        #expect(!extensions("PIPELININGS", "X-PIPELINING").pipelining)
    }

    @Test func `limits are numbers from one on`() {
        let found = extensions("LIMITS MAILMAX=5 rcptmax=20 RCPTDOMAINMAX=1")
        #expect(found.maximumTransactions == 5)
        #expect(found.maximumRecipients == 20)
        let odd = extensions("LIMITS MAILMAX=0 RCPTMAX= RCPTMAX MAILMAX=x")
        #expect(odd.maximumTransactions == nil && odd.maximumRecipients == nil)
    }

    @Test func `mechanisms are listed, in old servers behind an equals sign`() {
        #expect(extensions("AUTH PLAIN Login").mechanisms == ["PLAIN", "LOGIN"])
        #expect(extensions("AUTH=LOGIN").mechanisms == ["LOGIN"])
        #expect(extensions("AUTHENTIC PLAIN").mechanisms.isEmpty)
    }
}
