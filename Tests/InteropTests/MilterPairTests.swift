// milter-filter before milter-chain: what the chain of the set does comes back through the protocol.
// milter-filter(8), milter-chain(8).
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct MilterPairTests {
    /// Sender, message, exit code and what comes out or is said.
    private static let cases: [(sender: String, message: String, code: Int32, result: String)] = [
        ("a@a.test", "Subject: hi\n\nno end", 0, "Subject: hi\n\nno end"),
        (
            "a@a.test", "From: x@a.test\nSubject: please tag\n\nhi\n", 0,
            "X-Tagged: yes\nFrom: x@a.test\nSubject: please tag\n\nhi\n"
        ),
        (
            "a@a.test", "X-Private: 1\nSubject: please clean\nx-private: 2\n\nhi\n", 0,
            "Subject: please clean\n\nhi\n"
        ),
        (
            "footer@a.test", "Subject: f\n\n.hi\n\n\n", 0,
            "Subject: f\n\n.hi\n\n\n-- \nseen by the footer\n"
        ),
        ("a@a.test", "Subject: cheap pills\n\nhi\n", 31, "550 5.7.1 no pills, thanks"),
        ("a@a.test", "Subject: try again later\n\nhi\n", 71, "451 4.7.1 later, please"),
        ("a@a.test", "Subject: drop this\n\nhi\n", 99, "discard"),
        ("spammer@a.test", "Subject: hi\n\nhi\n", 31, "550 5.7.1 sender refused"),
    ]

    @Test func `edits, replies and other messages come back as they were`() throws {
        let folder = try TestFolder()
        let chain = try SetChain.shared.get()
        let service = try Service(
            Tool(
                "milter-chain", ["--root", chain.root, "--listen", "127.0.0.1:0", "--steps-apart"]),
            log: folder.file("log"))
        let place = service.ready.split(separator: " ").last ?? ""
        for (sender, message, code, result) in MilterPairTests.cases {
            var tool = try Tool(
                "milter-filter",
                [
                    "inet:\(place)", "--client-ip", "127.0.0.1", "--helo", "client.a.test",
                    "--sender", sender, "--recipient", "bob@b.test",
                ])
            tool.message = Array(message.utf8)
            let found = try tool.run()
            #expect(found.code == code, "\(message)\(found.errors)")
            if code == 0 {
                #expect(found.text == result)
            } else {
                #expect(found.errors.contains(result), "\(found.errors)")
            }
        }
    }
}
