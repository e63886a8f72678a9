// Several deliveries on one connection to an agent.
// delivery-protocol(7).
// SPDX-License-Identifier: MIT

import MailModel
import TestSupport
import Testing
import UnixIO

@testable import MailQueue

@Suite struct KeptAgentsTests {
    private let stage: QueueStage

    init() throws { stage = try QueueStage() }

    private func accept(_ count: Int, at domain: String) throws {
        for number in 0..<count {
            try stage.accept(["r\(number)@\(domain)"], number: UInt32(number + 1))
        }
    }

    @Test func `messages for one domain share connections where the agent takes more`() throws {
        stage.agents.takeMore()
        try accept(100, at: "remote.test")
        try stage.run()
        #expect(stage.agents.delivered.count == 100)
        #expect(stage.agents.connections <= 10, "as many as may run at once to one domain")
        #expect(stage.files.isEmpty)
    }

    @Test func `each message has a connection where the agent does not say so`() throws {
        try accept(20, at: "remote.test")
        try stage.run()
        #expect(stage.agents.delivered.count == 20)
        #expect(stage.agents.connections == 20)
    }

    @Test func `a domain never gets the connection of another`() throws {
        stage.agents.takeMore()
        try stage.accept(["a@one.test", "b@two.test", "c@three.test"])
        try stage.run()
        #expect(stage.agents.delivered.count == 3)
        #expect(stage.agents.connections == 3)
    }

    @Test func `local deliveries have their own`() throws {
        stage.agents.takeMore()
        try accept(5, at: "local.test")
        try stage.run()
        #expect(stage.agents.delivered.count == 5)
        #expect(stage.agents.connections == 5)
    }

    @Test func `an agent that dies with a kept connection defers what it had, and no more`() throws
    {
        stage.agents.takeMore()
        let runner = try QueueRunner(
            try stage.spool(nil), try RunnerSettings(stage.root), log: Log("test"),
            clock: { self.stage.now })
        try stage.accept(["a@remote.test"])
        try stage.run(runner)
        #expect(runner.kept.count == 1)
        try stage.accept(["die@remote.test"], number: 2)
        try stage.accept(["b@other.test"], number: 3)
        runner.source.tell(Samples.id(2))
        runner.source.tell(Samples.id(3))
        try stage.run(runner)
        #expect(stage.agents.connections == 2)
        #expect(Set(stage.agents.delivered.map(\.recipient)) == ["a@remote.test", "b@other.test"])
        #expect(stage.files.count == 2, "the message and its state")
    }

    @Test func `what waits longest goes first, and nothing is kept for long`() {
        var kept = KeptAgents()
        #expect(kept.moment == nil)
        #expect(kept.take(.remote(Array("a.test".utf8))) == nil)
        kept.letGoOfOldest()
        kept.expire(.max)
        #expect(kept.count == 0 && kept.entries.isEmpty)
    }
}
