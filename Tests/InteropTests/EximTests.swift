// filter-chain in Exim, by the lines of its manual.
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct EximTests {
    private func exim(_ chain: SetChain) throws -> EximServer {
        var words = try ManualExample.chain(chain.root)
        words["/usr/sbin/exim4"] = "EXIM"
        words["user = chainfilter"] = "user = nobody"
        let text = try ManualExample.text(
            "filter-chain.8", holding: "$received_protocol", replacing: words)
        let parts = text.split(separator: "\n\n").map(String.init)
        guard parts.count == 2 else { throw TestFailure("not a router and a transport: \(text)") }
        return try EximServer(router: parts[0], transport: parts[1])
    }

    private func send(
        _ exim: EximServer, _ subject: String, from sender: String = "alice@b.test"
    ) throws {
        let text = MessageSet.header(subject) + "\n.\n..\nbody\n"
        let reply = try exim.connect().send(from: sender, to: ["bob@b.test"], text)
        #expect(reply.hasPrefix("250"), "\(reply)")
    }

    @Test func `a message of each verdict goes as the manual says`() throws {
        let exim = try exim(try SetChain.shared.get())
        for subject in ["hello", "cheap pills", "try again later", "drop this", "please tag"] {
            try send(exim, subject)
        }
        let isDone = {
            exim.box("bob").contains("please tag") && exim.box("bob").contains("Subject: hello")
                && exim.box("alice").contains("thanks") && exim.waiting.count == 1
        }
        #expect(eventually(isDone), "\(exim.log)")
        // The report says why.
        #expect(exim.box("alice").contains("5.7.1 no pills, thanks"))
        #expect(exim.box("bob").contains("\nX-Tagged: yes\n"))
        #expect(exim.box("bob").contains("\n\n.\n..\nbody\n"))
        for subject in ["cheap pills", "try again later", "drop this"] {
            #expect(!exim.box("bob").contains("Subject: \(subject)"))
        }
        #expect(exim.log.contains("returned 75"))
    }

    @Test func `the chain knows whom Exim knows`() throws {
        let exim = try exim(try SetChain.shared.get())
        let conversation = try SMTPConversation(port: exim.port)
        try conversation.say("EHLO bad-helo.test")
        let text = MessageSet.header("hello") + "\nbody\n"
        _ = try conversation.send(from: "alice@b.test", to: ["bob@b.test"], text)
        #expect(eventually { exim.box("alice").contains("no such greeting") }, "\(exim.log)")
        // A sender refused is one that Exim names to the chain.
        try send(exim, "hello", from: "spammer@b.test")
        #expect(eventually { exim.log.contains("spammer@b.test") })
        #expect(exim.box("bob").isEmpty)
    }
}
