// Milters of others as steps of a complete server.
// milter-filter(8), filters.d(5).
// SPDX-License-Identifier: MIT

import TestSupport
import Testing

@Suite struct MilterStepTests {
    private static let message = """
        From: a@x.test
        To: bob@example.test
        Date: Fri, 27 Nov 2026 00:00:00 +0000
        Message-ID: <1@x.test>
        Subject: hi
         there

        .hello


        """

    /// A server with these steps only, and the message sent to it.
    private func server(_ steps: [String: String]) throws -> TestServer {
        let server = try TestServer()
        try server.keepSteps([])
        for (name, text) in steps { try server.step(name, text) }
        try server.start()
        return server
    }

    private func step(_ socket: String, _ lines: String = "workers 1 2") -> String {
        "run milter-filter unix:\(socket)\n\(lines)\ntimeout 60s\n"
    }

    @Test(arguments: ["workers 1 2", "workers 0"])
    func `opendkim signs what a server takes, and finds it good when it comes back`(
        workers: String
    ) throws {
        let signing = try OpenDKIM("Canonicalization simple/simple", internalHost: "127.0.0.1")
        let server = try server(["60-opendkim": step(signing.socket, workers)])
        let reply = try server.connect().send(
            from: "a@x.test", to: ["bob@example.test"], Self.message)
        #expect(reply.hasPrefix("250 "), "\(reply)\n\(server.log)")
        #expect(eventually { !server.messages(of: "bob").isEmpty }, "\(server.log)")
        let delivered = try #require(server.messages(of: "bob").first)
        #expect(String(decoding: delivered, as: UTF8.self).contains("DKIM-Signature: v=1;"))

        var tool = try Tool(
            "milter-filter",
            [
                "unix:\(signing.socket)", "--client-ip", "192.0.2.9", "--sender", "a@x.test",
                "--recipient", "bob@example.test",
            ])
        tool.message = delivered
        #expect(try tool.run().text.contains("dkim=pass"))
    }

    @Test func `opendmarc refuses, and what it quarantines is held in the queue`() throws {
        let dmarc = try OpenDMARC(checksSPF: false)
        let server = try server(["61-opendmarc": step(dmarc.socket)])
        let session = try server.connect()
        let refused = try session.send(
            from: "a@x.test", to: ["bob@example.test"], Self.message)
        #expect(refused == "550 5.7.1 rejected by DMARC policy for x.test")
        let held = try session.send(
            from: "a@q.test", to: ["bob@example.test"],
            Self.message.replacing("a@x.test", with: "a@q.test"))
        #expect(held.hasPrefix("250 "), "\(held)\n\(server.log)")
        let list = {
            try Tool("chainmail", ["queue", "list", "--root", server.root]).run().text
        }
        let isHeld = try eventually { try list().contains("held") }
        #expect(isHeld, "\(server.log)")
        #expect(server.messages(of: "bob").isEmpty)
    }

    @Test func `a milter that is not there defers, and passes where the step says so`() throws {
        let nobody = try TestFolder().file("nobody")
        let server = try server([
            "60-first": step(nobody, "on-error accept\nworkers 1 2"),
            "61-second": step(nobody),
        ])
        let reply = try server.connect().send(
            from: "a@x.test", to: ["bob@example.test"], Self.message)
        #expect(reply.hasPrefix("451 4.4.0"), "\(reply)")
        #expect(server.log.contains("60-first"))
    }
}
