// Tests of what the client of a qmail-queue learns when filter-chain stands in its place.
// filter-chain(8); filters(7), section REASONS.
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

struct ReasonTests {
    private static let noise = "echo noise >&2; setsid sleep 20 >/dev/null </dev/null &"

    private func outcome(
        _ client: ReasonClient, _ verdict: Verdict, _ code: Int
    ) throws -> QueueCaller.Outcome {
        let root = try ChainFolder()
        // What a step writes, or leaves running, is no part of the reason.
        try root.step(
            "50-step",
            script:
                "\(Self.noise)\n\(ChainFolder.saying(verdict))\necho ${ERROR_FD+set} >env\nexit \(code)",
            "workers 0")
        var tool = try Tool("filter-chain", ["--root", root.folder.path])
        tool.folder = root.folder.path
        tool.environment = ["CHAINMAIL_NEXT": "true"]
        client.variable.map { tool.environment["ERROR_FD"] = $0 }
        tool.message = Array(ChainFolder.message.utf8)
        tool.envelope = Array(ChainFolder.envelope.utf8)
        let outcome = try QueueCaller(client.descriptor).run(tool)
        #expect(root.text("env") == "\n")
        return outcome
    }

    @Test(arguments: ReasonClient.all)
    func `each client gets a reason as it wants it, or none`(client: ReasonClient) throws {
        let reject = try outcome(client, .reject(EnhancedStatus(5, 7, 1), "not here"), 31)
        #expect(reject.code == client.code ?? 31)
        #expect(reject.reason == (client.code == nil ? "" : "Dnot here (#5.7.1)"))
        let later = try outcome(client, .defer(EnhancedStatus(4, 7, 1), "not now"), 71)
        #expect(later.code == client.code ?? 71)
        #expect(later.reason == (client.code == nil ? "" : "Znot now (#4.7.1)"))
        let held = try outcome(client, .accept([.hold]), 0)
        #expect(held.code == client.code ?? 71)
        #expect(held.reason == (client.code == nil ? "" : "Zheld for the administrator (#4.7.1)"))
    }

    @Test(arguments: ReasonClient.all)
    func `what is no refusal has no reason`(client: ReasonClient) throws {
        for (verdict, code) in [(Verdict.accept, 0), (.discard, 99)] {
            let outcome = try outcome(client, verdict, code)
            #expect(outcome.code == 0)
            #expect(outcome.reason == "")
        }
    }
}
